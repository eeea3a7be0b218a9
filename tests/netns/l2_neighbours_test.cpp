// SPDX-License-Identifier: MIT
// ARP and neighbour discovery in mode l2: whom a request reaches, duplicate addresses, and siblings
// in mode l3, which have neither protocol.
#include <fmt/core.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string_view>

#include "bpfvlan/test/frame.hpp"
#include "packet_socket.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

constexpr Addr kC2{"10.211.55.222", "fd00:55::222"};

// Duplicate address detection, which the lab switches off.
Result<> detect_duplicates(const lab::Lab& lab, const std::string& netns,
                           const std::string& ifname) {
  return lab.sysctl(netns, fmt::format("net.ipv6.conf.{}.accept_dad", ifname), "1");
}

// What came of an address that is being detected.
std::string detected(const std::string& netns, const std::string& address) {
  std::string state;
  eventually([&] {
    const auto shown = lab::run({"ip", "-n", netns, "-6", "address", "show", "to", address}).out;
    if (shown.find("dadfailed") != std::string::npos) state = "duplicate";
    if (!shown.empty() && shown.find("tentative") == std::string::npos) state = "unique";
    return !state.empty();
  });
  return state;
}

class L2Duplicates : public BothFamilies {};
INSTANTIATE_TEST_SUITE_P(, L2Duplicates,
                         ::testing::Combine(kEitherEngine, ::testing::Values(AF_INET6)),
                         engine_and_family);

TEST_P(L2Duplicates, of_a_host_outside) {
  BV_OK(siblings_l2(BV_POLICY_BRIDGE));
  BV_OK(detect_duplicates(lab, "a", "a"));
  BV_OK(lab.ip("a", fmt::format("address add {}/64 dev a", kX.v6)));
  BV_OK(lab.ip("a", "address add fd00:55::abc/64 dev a"));
  EXPECT_EQ(detected("a", kX.v6), "duplicate");
  EXPECT_EQ(detected("a", "fd00:55::abc"), "unique");
}

TEST_P(L2Duplicates, seen_from_outside) {
  BV_OK(siblings_l2(BV_POLICY_BRIDGE));
  BV_OK(detect_duplicates(lab, "x", "X"));
  BV_OK(lab.ip("x", fmt::format("address add {}/64 dev X", kA2.v6)));
  BV_OK(lab.ip("x", "address add fd00:55::abc/64 dev X"));
  EXPECT_EQ(detected("x", kA2.v6), "duplicate");
  EXPECT_EQ(detected("x", "fd00:55::abc"), "unique");
}

// The driver does not let an endpoint have it in the first place.
class OurNeighbours : public OurStage {};

TEST_F(OurNeighbours, duplicate_of_a_sibling) {
  BV_OK(siblings_l2(BV_POLICY_BRIDGE));
  BV_OK(detect_duplicates(lab, "b", "b"));
  BV_OK(lab.ip("b", fmt::format("address add {}/64 dev b", kA2.v6)));
  EXPECT_EQ(detected("b", kA2.v6), "duplicate");
}

// Of a sibling that does not answer by itself.
TEST_F(OurNeighbours, duplicate_of_a_sibling_in_l3) {
  BV_OK(attach(BV_POLICY_BRIDGE, BV_MODE_L2));
  BV_OK(endpoint("a", kA2, [](auto& r) { r.mode = BV_MODE_L3; }));
  BV_OK(endpoint("b", kB2));
  BV_OK(detect_duplicates(lab, "b", "b"));
  BV_OK(lab.ip("b", fmt::format("address add {}/64 dev b", kA2.v6)));
  EXPECT_EQ(detected("b", kA2.v6), "duplicate");
}

// Frames of one kind, told by their sender or target.
bool is_arp_for(const Captured& c, const Ip4Addr& target) {
  const auto& f = c.frame;
  return c.packet_type != PACKET_OUTGOING && f.size() >= 42 && f[12] == 0x08 && f[13] == 0x06 &&
         std::equal(target.octets.begin(), target.octets.end(), f.begin() + 38);
}

bool is_solicitation_for(const Captured& c, const Ip6Addr& target) {
  const auto& f = c.frame;
  return c.packet_type != PACKET_OUTGOING && f.size() >= 78 && f[12] == 0x86 && f[13] == 0xdd &&
         f[20] == IPPROTO_ICMPV6 && f[54] == 135 &&
         std::equal(target.octets.begin(), target.octets.end(), f.begin() + 62);
}

int count_requests(const PacketSocket& socket, const Addr& target) {
  int count = 0;
  for (const auto& c : socket.drain())
    count += is_arp_for(c, target.v4) || is_solicitation_for(c, target.v6);
  return count;
}

class OurRequests : public OurStage, public ::testing::WithParamInterface<int> {
 protected:
  std::string of(const Addr& addr) const { return addr.of(GetParam()); }
  void SetUp() override {
    OurStage::SetUp();
    BV_OK(siblings_l2(BV_POLICY_BRIDGE));
    BV_OK(endpoint("c", kC2));
  }
};
INSTANTIATE_TEST_SUITE_P(, OurRequests, ::testing::Values(AF_INET, AF_INET6),
                         [](const auto& i) { return family_name(i.param); });

TEST_P(OurRequests, for_a_sibling_reach_it_alone) {
  const PacketSocket wire("x", "X"), at_p("host", "P"), at_b("b", "b"), at_c("c", "c");
  EXPECT_TRUE(ok("a", "b", of(kB2)));
  EXPECT_EQ(count_requests(at_b, kB2), 1);
  EXPECT_EQ(count_requests(at_c, kB2), 0);
  EXPECT_EQ(count_requests(wire, kB2), 0);
  EXPECT_EQ(count_requests(at_p, kB2), 0);
}

TEST_P(OurRequests, from_outside_reach_the_endpoint_and_the_host) {
  const PacketSocket at_p("host", "P"), at_b("b", "b"), at_c("c", "c");
  EXPECT_TRUE(ok("x", "b", of(kB2)));
  EXPECT_EQ(count_requests(at_p, kB2), 1);
  EXPECT_EQ(count_requests(at_b, kB2), 1);
  EXPECT_EQ(count_requests(at_c, kB2), 0);
}

TEST_P(OurRequests, for_nobody_known_reach_the_wire_and_who_listens) {
  const Addr nobody{"10.211.55.77", "fd00:55::77"};
  const PacketSocket wire("x", "X"), at_p("host", "P"), at_b("b", "b");
  lab::icmp_echo({"a", "x", of(nobody)}, silence());
  EXPECT_GT(count_requests(wire, nobody), 0);
  EXPECT_EQ(count_requests(at_p, nobody), 0);
  EXPECT_EQ(count_requests(at_b, nobody) > 0, GetParam() == AF_INET)
      << "nobody has joined that address's solicited-node group";
}

TEST_F(OurNeighbours, gratuitous_arp_reaches_all) {
  BV_OK(siblings_l2(BV_POLICY_BRIDGE));
  BV_OK(endpoint("c", kC2));
  const PacketSocket at_a("a", "a"), at_b("b", "b"), at_c("c", "c"), wire("x", "X");
  MacAddr mac;
  const auto shared = mac_of("host", "P");
  std::copy(shared.begin(), shared.end(), mac.octets.begin());
  const auto announcement = frame(
      Ethernet{.dst = "ff:ff:ff:ff:ff:ff", .src = mac},
      Arp{.operation = Arp::kRequest, .sender_mac = mac, .sender_ip = kA2.v4, .target_ip = kA2.v4});
  EXPECT_TRUE(at_a.send(announcement));
  for (const auto* socket : {&at_b, &at_c, &wire})
    EXPECT_TRUE(socket->wait_for([&](const Captured& c) { return c.frame == announcement; }));
  for (const auto& c : at_a.drain()) EXPECT_EQ(c.packet_type, PACKET_OUTGOING);
}

class MixedModes : public OurStage, public ::testing::WithParamInterface<int> {
 protected:
  std::string of(const Addr& addr) const { return addr.of(GetParam()); }
  // A in mode l2, B in mode l3.
  void make(Policy policy) {
    BV_OK(attach(policy, BV_MODE_L2));
    BV_OK(endpoint("a", kA2));
    BV_OK(endpoint("b", kB2, [](auto& r) { r.mode = BV_MODE_L3; }));
    BV_OK(route_from_x(kB2));
  }
};
INSTANTIATE_TEST_SUITE_P(, MixedModes, ::testing::Values(AF_INET, AF_INET6),
                         [](const auto& i) { return family_name(i.param); });

TEST_P(MixedModes, bridge) {
  make(BV_POLICY_BRIDGE);
  EXPECT_TRUE(ok("a", "b", of(kB2)));
  EXPECT_TRUE(ok("b", "a", of(kA2)));
  EXPECT_TRUE(ok("a", "x", of(kX)));
  EXPECT_TRUE(ok("b", "x", of(kX)));
  EXPECT_TRUE(ok("x", "a", of(kA2)));
  EXPECT_TRUE(ok("x", "b", of(kB2)));
  EXPECT_EQ(reason(BV_REASON_TX_ANSWERED), 1U) << "A's request for B's address";
}

TEST_P(MixedModes, private_) {
  make(BV_POLICY_PRIVATE);
  EXPECT_TRUE(no({{"a", "b", of(kB2)}, {"b", "a", of(kA2)}}));
  EXPECT_TRUE(ok("a", "x", of(kX)));
  EXPECT_TRUE(ok("b", "x", of(kX)));
}

TEST_P(MixedModes, private_of_one) {
  make(BV_POLICY_BRIDGE);
  BV_OK(control([](Control& c) { return c.set_endpoint("b", {}, BV_POLICY_PRIVATE); }));
  EXPECT_TRUE(no({{"a", "b", of(kB2)}, {"b", "a", of(kA2)}}));
}

// Each way of the switch: the interface's ARP flag follows.
TEST_P(MixedModes, switched_live) {
  make(BV_POLICY_BRIDGE);
  const auto arp = [&] {
    return lab::run({"ip", "-n", "b", "link", "show", "dev", "b"}).out.find("NOARP") ==
           std::string::npos;
  };
  EXPECT_FALSE(arp());
  BV_OK(control([](Control& c) { return c.set_endpoint("b", BV_MODE_L2, {}); }));
  EXPECT_TRUE(arp());
  BV_OK(lab.ip("x", fmt::format("route delete {}", of(kB2))));
  EXPECT_TRUE(ok("a", "b", of(kB2)));
  EXPECT_TRUE(ok("b", "x", of(kX)));
  EXPECT_TRUE(ok("x", "b", of(kB2)));
  BV_OK(control([](Control& c) { return c.set_endpoint("b", BV_MODE_L3, {}); }));
  EXPECT_FALSE(arp());
  BV_OK(lab.ip("x", fmt::format("route add {} via {}", of(kB2), of(kP))));
  EXPECT_TRUE(ok("b", "a", of(kA2)));
  EXPECT_TRUE(ok("a", "b", of(kB2)));
  EXPECT_TRUE(ok("b", "x", of(kX)));
}

}  // namespace
}  // namespace bpfvlan::test
