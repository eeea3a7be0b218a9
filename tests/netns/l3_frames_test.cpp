// SPDX-License-Identifier: MIT
// Frames that BPF_PROG_TEST_RUN cannot make (packet types, VLAN tags), injected on the wire and at
// the endpoint; and what a capture sees.
#include <linux/if_packet.h>

#include "bpfvlan/test/frame.hpp"
#include "packet_socket.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kPayload = 333;  // nothing else on these wires has this size

bool is_ours(const Captured& c) {
  return c.frame.size() == 14 + 20 + 8 + kPayload;
}

MacAddr to_mac(const Bytes& mac) {
  MacAddr out;
  std::copy(mac.begin(), mac.end(), out.octets.begin());
  return out;
}

class Frames : public OurSiblings {
 protected:
  void SetUp() override {
    OurSiblings::SetUp();
    p_mac = to_mac(mac_of("host", "P"));
  }

  IPv4 ip(const char* src, const char* dst) const { return {.src = src, .dst = dst}; }

  // Sends on the wire, waits until the rx program counted it, and gives what A and P got.
  struct Seen {
    std::vector<Captured> at_a, at_p;
  };
  Seen inject(const Bytes& frame, bv_reason expected) {
    const PacketSocket wire("x", "X"), at_a("a", "a"), at_p("host", "P");
    const auto before = reason(expected);
    EXPECT_TRUE(wire.send(frame));
    EXPECT_TRUE(eventually([&] { return reason(expected) == before + 1; }))
        << reason_id(expected) << " was not counted";
    Seen seen;
    for (auto& c : at_a.drain())
      if (is_ours(c)) seen.at_a.push_back(c);
    for (auto& c : at_p.drain())
      if (is_ours(c)) seen.at_p.push_back(c);
    return seen;
  }

  MacAddr p_mac;
};

class RxRealFrames : public Frames {};
class XmitRealFrames : public Frames {};

TEST_F(RxRealFrames, to_us) {
  const auto frame_ = frame(Ethernet{.dst = p_mac}, ip(kX.v4, kA.v4), Udp{}, payload(kPayload));
  const auto seen = inject(frame_, BV_REASON_RX_DELIVERED);
  ASSERT_EQ(seen.at_a.size(), 1U);
  EXPECT_EQ(seen.at_a[0].frame, frame_) << "no byte changed";
  EXPECT_EQ(seen.at_a[0].packet_type, PACKET_HOST);
}

TEST_F(RxRealFrames, other_host) {
  const auto seen = inject(
      frame(Ethernet{.dst = "02:00:00:00:99:99"}, ip(kX.v4, kA.v4), Udp{}, payload(kPayload)),
      BV_REASON_RX_OTHER_HOST);
  EXPECT_TRUE(seen.at_a.empty());
  EXPECT_EQ(seen.at_p.size(), 1U);
}

// The frame keeps its type: a receiver must know that it came as a broadcast.
TEST_F(RxRealFrames, broadcast_mac_with_the_endpoints_address) {
  const auto seen = inject(
      frame(Ethernet{.dst = "ff:ff:ff:ff:ff:ff"}, ip(kX.v4, kA.v4), Udp{}, payload(kPayload)),
      BV_REASON_RX_DELIVERED);
  ASSERT_EQ(seen.at_a.size(), 1U);
  EXPECT_EQ(seen.at_a[0].packet_type, PACKET_BROADCAST);
}

TEST_F(RxRealFrames, vlan_tagged) {
  const auto seen = inject(
      frame(Ethernet{.dst = p_mac}, Vlan{.id = 7}, ip(kX.v4, kA.v4), Udp{}, payload(kPayload)),
      BV_REASON_RX_VLAN);
  EXPECT_TRUE(seen.at_a.empty());
  ASSERT_EQ(seen.at_p.size(), 1U);
  EXPECT_EQ(seen.at_p[0].tci, 7);
}

// VLAN id 0 carries only a priority: for the receiver the frame is untagged.
TEST_F(RxRealFrames, priority_tagged) {
  const auto seen = inject(frame(Ethernet{.dst = p_mac}, Vlan{.id = 0, .priority = 5},
                                 ip(kX.v4, kA.v4), Udp{}, payload(kPayload)),
                           BV_REASON_RX_DELIVERED);
  EXPECT_EQ(seen.at_a.size(), 1U);
}

TEST_F(RxRealFrames, double_tagged) {
  const auto before = reason(BV_REASON_RX_VLAN);
  const PacketSocket wire("x", "X");
  EXPECT_TRUE(wire.send(frame(Ethernet{.dst = p_mac}, Vlan{.id = 7, .tpid = 0x88a8}, Vlan{.id = 8},
                              ip(kX.v4, kA.v4), Udp{}, payload(kPayload))));
  EXPECT_TRUE(eventually([&] { return reason(BV_REASON_RX_VLAN) == before + 1; }));
}

TEST_F(XmitRealFrames, vlan_tagged) {
  const PacketSocket at_a("a", "a"), wire("x", "X"), at_b("b", "b");
  for (const std::uint16_t id : {std::uint16_t{7}, std::uint16_t{0}})
    EXPECT_TRUE(at_a.send(
        frame(Ethernet{.dst = p_mac}, Vlan{.id = id}, ip(kA.v4, kB.v4), Udp{}, payload(kPayload))));
  EXPECT_TRUE(eventually([&] { return reason(BV_REASON_TX_VLAN) == 2; }));
  for (const auto* socket : {&wire, &at_b})
    for (const auto& c : socket->drain()) EXPECT_FALSE(is_ours(c));
}

// The IP address finds the sibling; the MAC address tells its stack whether the frame is meant for
// it, as on any wire.
TEST_F(XmitRealFrames, the_sibling_sees_what_the_mac_address_says) {
  const PacketSocket at_a("a", "a"), at_b("b", "b");
  for (const auto& [mac, type] :
       {std::pair{p_mac, PACKET_HOST}, std::pair{MacAddr("02:00:00:00:99:99"), PACKET_OTHERHOST},
        std::pair{MacAddr("01:00:5e:00:00:01"), PACKET_MULTICAST},
        std::pair{MacAddr("ff:ff:ff:ff:ff:ff"), PACKET_BROADCAST}}) {
    EXPECT_TRUE(at_a.send(frame(Ethernet{.dst = mac}, ip(kA.v4, kB.v4), Udp{}, payload(kPayload))));
    const auto got = at_b.wait_for(is_ours);
    ASSERT_TRUE(got) << type;
    EXPECT_EQ(got->packet_type, type);
  }
}

// The Ethernet header alone lies together, the rest in pages.
TEST_F(XmitRealFrames, headers_in_pages) {
  BV_OK(lab.ip("host", "link set P mtu 9000"));
  BV_OK(attach(BV_POLICY_BRIDGE));  // endpoints follow
  const PacketSocket at_a("a", "a"), at_b("b", "b");
  const auto large = frame(Ethernet{.dst = p_mac}, ip(kA.v4, kB.v4), Udp{}, payload(8000));
  EXPECT_TRUE(at_a.send(large));
  EXPECT_TRUE(at_b.wait_for([&](const Captured& c) { return c.frame == large; }));
}

// What a capture in the endpoint shows.
TEST_F(RxRealFrames, every_frame_has_the_parents_mac_and_replies_ttl_64) {
  BV_OK(route_from_x(kA));
  const PacketSocket at_a("a", "a");
  ASSERT_TRUE(ok("a", "b", kB.v4));
  ASSERT_TRUE(ok("x", "a", kA.v4));
  ASSERT_TRUE(ok("x", "a", kA.v6));
  unsigned in = 0, out = 0;
  for (const auto& c : at_a.drain()) {
    const bool ipv4 = c.frame[12] == 0x08 && c.frame[13] == 0;
    const bool outgoing = c.packet_type == PACKET_OUTGOING;
    const auto at = outgoing ? 6 : 0;  // its own side: source or destination
    if (c.frame[0] & 1) continue;      // a group's MAC address
    EXPECT_TRUE(std::equal(p_mac.octets.begin(), p_mac.octets.end(), c.frame.begin() + at));
    EXPECT_EQ(c.frame[ipv4 ? 14 + 8 : 14 + 7], 64) << "time to live";
    (outgoing ? out : in)++;
  }
  EXPECT_GT(in, 10U);
  EXPECT_GT(out, 10U);
}

}  // namespace
}  // namespace bpfvlan::test
