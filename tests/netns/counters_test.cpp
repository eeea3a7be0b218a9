// SPDX-License-Identifier: MIT
// Every packet is counted exactly once: at the endpoint, both ways, and under one reason.
#include "bpfvlan/test/frame.hpp"
#include "packet_socket.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

constexpr unsigned kCount = 17;

class Counters : public OurSiblings {
 protected:
  // Sends the frame often from A and waits until all are counted under the reason.
  void send(const Bytes& frame, bv_reason expected) {
    const auto before = reason(expected);
    const PacketSocket out("a", "a");
    // A netkit pair tells of what its program drops.
    const bool told = device_under_test() == BV_DEVICE_NETKIT && expected == BV_REASON_TX_PRIVATE;
    for (unsigned i = 0; i < kCount; ++i) EXPECT_EQ(out.send(frame), !told);
    EXPECT_TRUE(eventually([&] { return reason(expected) >= before + kCount; }));
    EXPECT_EQ(reason(expected), before + kCount);
  }

  static Bytes to(const char* address) {
    // Nobody answers an echo reply.
    return frame(Ethernet{}, IPv4{.src = kA.v4, .dst = address}, IcmpEcho{.reply = true},
                 payload(100));
  }
};

TEST_F(Counters, packets_and_bytes_of_both_sides) {
  const auto frame_ = to(kB.v4);
  const auto a = info("a"), b = info("b");
  send(frame_, BV_REASON_TX_SIBLING);
  // IPv6 of the endpoints' own may be under way too: dropped multicast, of A alone.
  EXPECT_GE(info("a").tx_packets, a.tx_packets + kCount);
  EXPECT_EQ(info("b").rx_packets, b.rx_packets + kCount);
  EXPECT_EQ(info("b").rx_bytes, b.rx_bytes + kCount * frame_.size());
}

TEST_F(Counters, drops_of_the_sender) {
  BV_OK(control([](Control& c) { return c.set_endpoint("b", {}, BV_POLICY_PRIVATE); }));
  const auto a = info("a"), b = info("b");
  send(to(kB.v4), BV_REASON_TX_PRIVATE);
  EXPECT_GE(info("a").tx_dropped, a.tx_dropped + kCount);
  EXPECT_EQ(info("b").rx_packets, b.rx_packets);
}

// xmit counts a packet for the parent's address as routed, until its route is known.
TEST_F(Counters, host_local_packets_have_one_reason) {
  const auto routed = reason(BV_REASON_TX_ROUTED);
  send(to(kP.v4), BV_REASON_TX_HOST);
  EXPECT_EQ(reason(BV_REASON_TX_ROUTED), routed);
}

TEST_F(Counters, host_local_malformed_packets_have_one_reason) {
  const auto malformed = reason(BV_REASON_TX_MALFORMED);
  send(frame(Ethernet{}, IPv4{.src = kA.v4, .dst = kP.v4, .total_length = 2000},
             IcmpEcho{.reply = true}, payload(100)),
       BV_REASON_TX_HOST);
  EXPECT_EQ(reason(BV_REASON_TX_MALFORMED), malformed);
}

TEST_F(Counters, start_at_zero_for_a_new_endpoint) {
  send(to(kB.v4), BV_REASON_TX_SIBLING);
  BV_OK(control([](Control& c) { return c.delete_endpoint("b"); }));
  BV_OK(endpoint("c", {"10.1.1.1", "fd00:11::1"}));  // takes b's place in the array
  EXPECT_EQ(info("c").rx_packets, 0U);
}

}  // namespace
}  // namespace bpfvlan::test
