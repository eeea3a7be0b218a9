// SPDX-License-Identifier: MIT
// Mode l2 with frames that BPF_PROG_TEST_RUN cannot make (packet types, VLAN tags, real copies),
// injected on the wire and at the endpoint; and the parent's own filter.
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>

#include "bpfvlan/test/frame.hpp"
#include "group_socket.hpp"
#include "packet_socket.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kPayload = 333;  // nothing else on these wires has this size
const MacAddr kEverybody = "ff:ff:ff:ff:ff:ff", kAllHosts = "01:00:5e:00:00:01",
              kStranger = "02:00:00:00:99:99";

bool is_ours(const Captured& c) {
  return c.frame.size() == 14 + 20 + 8 + kPayload;
}

class L2Frames : public OurSiblingsL2 {
 protected:
  void SetUp() override {
    OurSiblingsL2::SetUp();
    const auto mac = mac_of("host", "P");
    std::copy(mac.begin(), mac.end(), p_mac.octets.begin());
  }

  struct Place {
    Place(const std::string& netns, const std::string& ifname) : socket(netns, ifname) {}
    // What came in, of the frames that the test made.
    std::vector<Captured> received() const {
      std::vector<Captured> in;
      for (auto& c : socket.drain())
        if (is_ours(c) && c.packet_type != PACKET_OUTGOING) in.push_back(std::move(c));
      return in;
    }
    PacketSocket socket;
  };

  // Sends, and waits until the program has counted it: all copies are there by then.
  void send(const Place& from, const Bytes& frame, bv_reason expected) {
    const auto before = reason(expected);
    EXPECT_TRUE(from.socket.send(frame));
    EXPECT_TRUE(eventually([&] { return reason(expected) > before; }))
        << reason_id(expected) << " was not counted";
  }

  // A frame of an endpoint's or of X's.
  static Bytes udp(const Ethernet& ethernet, const char* src, const char* dst) {
    return frame(ethernet, IPv4{.src = src, .dst = dst}, Udp{}, payload(kPayload));
  }

  static void expect_one(const Place& place, const Bytes& frame, int type) {
    const auto got = place.received();
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].frame, frame) << "no byte changed";
    EXPECT_EQ(got[0].packet_type, type);
  }

  MacAddr p_mac;
};

TEST_F(L2Frames, copies_from_the_wire_keep_their_type) {
  const Place x("x", "X"), p("host", "P"), a("a", "a"), b("b", "b");
  for (const auto& [mac, to, type] : {std::tuple{kEverybody, "255.255.255.255", PACKET_BROADCAST},
                                      std::tuple{kAllHosts, "224.0.0.1", PACKET_MULTICAST}}) {
    const auto sent = udp({.dst = mac, .src = kStranger}, kX.v4, to);
    send(x, sent, BV_REASON_RX_FLOODED);
    for (const auto* place : {&p, &a, &b}) expect_one(*place, sent, type);
  }
}

TEST_F(L2Frames, copies_from_an_endpoint_keep_their_type) {
  const Place x("x", "X"), p("host", "P"), a("a", "a"), b("b", "b");
  const auto sent = udp({.dst = kEverybody, .src = p_mac}, kA2.v4, "255.255.255.255");
  send(a, sent, BV_REASON_TX_FLOODED);
  expect_one(b, sent, PACKET_BROADCAST);
  expect_one(x, sent, PACKET_BROADCAST);
  EXPECT_TRUE(a.received().empty());
  EXPECT_TRUE(p.received().empty()) << "the host's own stack";
}

// A group's MAC address with a member's IP address: not for it alone, as it would be in l3.
TEST_F(L2Frames, broadcast_mac_with_an_endpoints_address) {
  const Place x("x", "X"), a("a", "a"), b("b", "b");
  const auto sent = udp({.dst = kEverybody, .src = kStranger}, kX.v4, kA2.v4);
  send(x, sent, BV_REASON_RX_FLOODED);
  expect_one(a, sent, PACKET_BROADCAST);
  expect_one(b, sent, PACKET_BROADCAST);
}

TEST_F(L2Frames, tagged_group_frames_from_the_wire_are_the_hosts) {
  const Place x("x", "X"), p("host", "P"), a("a", "a");
  send(x,
       frame(Ethernet{.dst = kEverybody, .src = kStranger}, Vlan{.id = 7},
             IPv4{.src = kX.v4, .dst = "255.255.255.255"}, Udp{}, payload(kPayload)),
       BV_REASON_RX_VLAN);
  EXPECT_TRUE(a.received().empty());
  const auto got = p.received();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].tci, 7);
}

// What an endpoint tags is its siblings' too, who may have that VLAN on top; as in the driver.
TEST_F(L2Frames, tagged_group_frames_from_an_endpoint_go_as_their_mac_says) {
  const Place x("x", "X"), a("a", "a"), b("b", "b");
  send(a,
       frame(Ethernet{.dst = kEverybody, .src = p_mac}, Vlan{.id = 7},
             IPv4{.src = kA2.v4, .dst = "255.255.255.255"}, Udp{}, payload(kPayload)),
       BV_REASON_TX_FLOODED);
  for (const auto* place : {&x, &b}) {
    const auto got = place->received();
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].tci, 7);
    EXPECT_EQ(got[0].packet_type, PACKET_BROADCAST);
  }
  EXPECT_TRUE(a.received().empty());
}

// A switch outside sends back what an endpoint sent, with the MAC address of the parent.
TEST_F(L2Frames, reflection_is_not_echoed) {
  const Place x("x", "X"), p("host", "P"), a("a", "a"), b("b", "b");
  const auto reflected = udp({.dst = kEverybody, .src = p_mac}, kA2.v4, "255.255.255.255");
  send(x, reflected, BV_REASON_RX_REFLECTED);
  EXPECT_TRUE(a.received().empty());
  EXPECT_TRUE(b.received().empty()) << "it heard A directly";
  expect_one(p, reflected, PACKET_BROADCAST);

  BV_OK(attach(BV_POLICY_VEPA, BV_MODE_L2));
  send(x, reflected, BV_REASON_RX_REFLECTED);
  EXPECT_TRUE(a.received().empty());
  expect_one(b, reflected, PACKET_BROADCAST);

  BV_OK(attach(BV_POLICY_PRIVATE, BV_MODE_L2));
  send(x, reflected, BV_REASON_RX_REFLECTED);
  EXPECT_TRUE(a.received().empty());
  EXPECT_TRUE(b.received().empty());
}

TEST_F(L2Frames, unicast_goes_as_its_mac_says) {
  const Place x("x", "X"), p("host", "P"), a("a", "a"), b("b", "b");
  const auto to_sibling = udp({.dst = p_mac, .src = p_mac}, kA2.v4, kB2.v4);
  send(a, to_sibling, BV_REASON_TX_SIBLING);
  expect_one(b, to_sibling, PACKET_HOST);
  const auto to_host = udp({.dst = p_mac, .src = p_mac}, kA2.v4, kP.v4);
  send(a, to_host, BV_REASON_TX_OWN_MAC);
  expect_one(p, to_host, PACKET_HOST);
  const auto elsewhere = udp({.dst = kStranger, .src = p_mac}, kA2.v4, kB2.v4);
  send(a, elsewhere, BV_REASON_TX_FORWARDED);
  expect_one(x, elsewhere, PACKET_OTHERHOST);
  EXPECT_TRUE(b.received().empty()) << "whatever the IP address says";
}

// A NIC lets in what its filter has: the endpoints' groups must be there, without promiscuity.
class L2ParentFilter : public OnEitherEngine<int> {};
INSTANTIATE_TEST_SUITE_P(, L2ParentFilter,
                         ::testing::Combine(kEitherEngine, ::testing::Values(AF_INET)),
                         engine_and_family);

TEST_P(L2ParentFilter, groups_come_in_and_promiscuity_stays_off) {
  const auto parent_has = [](const std::string& what) {
    return lab::run({"ip", "-n", "host", "-details", "link", "show", "dev", "P"}).out.find(what) !=
           std::string::npos;
  };
  BV_OK(siblings_l2(BV_POLICY_BRIDGE));
  const Member x("x", "X", kMulticast4), a("a", "a", kMulticast4);
  EXPECT_TRUE(eventually([&] { return x.send("hello") && !a.heard().empty(); }));
  EXPECT_TRUE(parent_has("promiscuity 0")) << "never more";
}

class OurParentFilter : public OurStage {
 protected:
  static bool all_multicast() {
    const auto flags = lab::run({"ip", "netns", "exec", "host", "cat", "/sys/class/net/P/flags"});
    static constexpr unsigned long kAllMulti = 0x200;  // IFF_ALLMULTI
    return std::strtoul(flags.out.c_str(), nullptr, 16) & kAllMulti;
  }
};

TEST_F(OurParentFilter, all_groups_while_there_are_endpoints_in_l2) {
  EXPECT_FALSE(all_multicast());
  BV_OK(siblings_l2(BV_POLICY_BRIDGE));
  EXPECT_TRUE(all_multicast());
  for (const auto mode : {BV_MODE_L3, BV_MODE_L2}) {
    BV_OK(attach(BV_POLICY_BRIDGE, mode));
    EXPECT_EQ(all_multicast(), mode == BV_MODE_L2);
  }
  BV_OK(control([](Control& c) { return c.delete_endpoint("a"); }));
  EXPECT_TRUE(all_multicast());
  BV_OK(control([](Control& c) { return c.delete_endpoint("b"); }));
  EXPECT_FALSE(all_multicast());
}

TEST_F(OurParentFilter, somebody_elses_setting_stays) {
  BV_OK(lab.ip("host", "link set P allmulticast on"));
  BV_OK(siblings_l2(BV_POLICY_BRIDGE));
  BV_OK(control([](Control& c) { return c.detach("P", true); }));
  EXPECT_TRUE(all_multicast());
}

}  // namespace
}  // namespace bpfvlan::test
