// SPDX-License-Identifier: MIT
// The connection table when it is full, when time has gone by, and when two CPUs want a place.
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <barrier>
#include <functional>
#include <thread>

#include "tracking.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::uint8_t kAssured = BV_CONN_SEEN_REPLY | BV_CONN_ASSURED;

Bytes syn(std::uint16_t sport) {
  return frame(Ethernet{.dst = kMac, .src = kOtherMac}, IPv4{.src = kOutside4, .dst = kSender4},
               Tcp{.sport = sport});
}

Bytes udp(std::uint16_t sport) {
  return frame(Ethernet{.dst = kMac, .src = kOtherMac}, IPv4{.src = kOutside4, .dst = kSender4},
               Udp{.sport = sport}, payload(24));
}

class TableTest : public ::testing::TestWithParam<std::string> {
 protected:
  // True if it was let through.
  bool arrives(const Bytes& frame) { return tracking_.state_of(Hook::kRx, frame) != "dropped"; }

  std::uint64_t counted(bv_ct_stat stat) { return under_test().ct_stat(stat); }
  Programs& under_test() { return tracking_.programs(); }

  // Of connections other than fill_table()'s.
  std::vector<bv_conn> entered() {
    auto all = tracking_.connections();
    std::erase_if(all, [](const bv_conn& conn) { return conn.protocol == 0; });
    return all;
  }

  // From the outside to the sender, until it is assured.
  void open_connection() {
    const IPv4 in{.src = kOutside4, .dst = kSender4}, out{.src = kSender4, .dst = kOutside4};
    const Tcp answer{.sport = 5000, .dport = 1, .ack = 1, .flags = Tcp::kSyn | Tcp::kAck};
    ASSERT_EQ(tracking_.state_of(Hook::kRx, syn(1)), "NEW");
    ASSERT_EQ(tracking_.state_of(Hook::kXmit, frame(Ethernet{}, out, answer)), "ESTABLISHED");
    ASSERT_EQ(tracking_.state_of(Hook::kRx, data_), "ESTABLISHED");
    ASSERT_TRUE(tracking_.connections().at(0).status_state & BV_CONN_ASSURED);
  }

  Tracking tracking_{programs(GetParam())};
  const Bytes data_ =
      frame(Ethernet{.dst = kMac, .src = kOtherMac}, IPv4{.src = kOutside4, .dst = kSender4},
            Tcp{.sport = 1, .seq = 1, .ack = 1, .flags = Tcp::kAck});
};

TEST_P(TableTest, AssuredOnesAreNeverPushedOut) {
  constexpr std::uint16_t kFlood = 2000;
  fill_table(under_test(), kAssured);
  for (std::uint16_t port = 1; port <= kFlood; ++port) ASSERT_FALSE(arrives(syn(port))) << port;
  EXPECT_EQ(counted(BV_CT_STAT_FULL), kFlood);
  EXPECT_EQ(counted(BV_CT_STAT_NEW), 0U);
  EXPECT_EQ(counted(BV_CT_STAT_EARLY_DROPPED), 0U);
  EXPECT_EQ(under_test().reasons()[BV_REASON_RX_CT_FULL].packets, kFlood);
  EXPECT_EQ(tracking_.connections().size(), kConnections);
  EXPECT_TRUE(entered().empty());
}

TEST_P(TableTest, HalfOpenOnesMakeRoom) {
  constexpr std::uint16_t kFlood = 100;
  fill_table(under_test(), 0);
  for (std::uint16_t port = 1; port <= kFlood; ++port) ASSERT_TRUE(arrives(syn(port))) << port;
  EXPECT_EQ(counted(BV_CT_STAT_NEW), kFlood);
  EXPECT_EQ(counted(BV_CT_STAT_EARLY_DROPPED), kFlood);
  EXPECT_EQ(counted(BV_CT_STAT_FULL), 0U);
  EXPECT_EQ(tracking_.connections().size(), kConnections);
}

TEST_P(TableTest, AFloodLeavesWhatIsEstablished) {
  constexpr std::uint16_t kFlood = 20'000;
  ASSERT_NO_FATAL_FAILURE(open_connection());
  for (std::uint16_t port = 2; port < kFlood; ++port)
    under_test().run(Hook::kRx, syn(port), {.device = devices().parent()});
  EXPECT_GT(counted(BV_CT_STAT_EARLY_DROPPED), kFlood - 2U * kConnections);
  EXPECT_EQ(tracking_.state_of(Hook::kRx, data_), "ESTABLISHED");
}

TEST_P(TableTest, WhatIsThereGoesOnWhenItIsFull) {
  ASSERT_NO_FATAL_FAILURE(open_connection());
  fill_table(under_test(), kAssured, FillTable::kFreePlaces);
  ASSERT_FALSE(arrives(syn(2)));
  EXPECT_EQ(tracking_.state_of(Hook::kRx, data_), "ESTABLISHED");
}

TEST_P(TableTest, ExpiredOnesAreFreePlaces) {
  fill_table(under_test(), kAssured);
  tracking_.wait(432'001);  // tcp_timeout_established, and a second
  ASSERT_TRUE(arrives(syn(1)));
  EXPECT_EQ(counted(BV_CT_STAT_NEW), 1U);
  EXPECT_EQ(counted(BV_CT_STAT_EARLY_DROPPED), 0U);
  EXPECT_EQ(entered().size(), 1U);
}

void stay_on(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof(set), &set)) ADD_FAILURE() << "no CPU " << cpu;
}

// Both send the first packet of the same flow, at the same time.
TEST_P(TableTest, TwoCpusMakeOneEntry) {
  constexpr std::uint16_t kFlows = 400;
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "one CPU";
  std::barrier together(2);
  const auto send_all = [&](int cpu) {
    stay_on(cpu);
    for (std::uint16_t port = 1; port <= kFlows; ++port) {
      const Bytes first = udp(port);
      together.arrive_and_wait();
      under_test().run(Hook::kRx, first, {.device = devices().parent()});
    }
  };
  std::thread one(send_all, 0), other(send_all, 1);
  one.join();
  other.join();
  const auto all = tracking_.connections();
  EXPECT_EQ(all.size(), kFlows);
  EXPECT_EQ(counted(BV_CT_STAT_FULL), 0U);
  for (const bv_conn& conn : all)
    EXPECT_EQ(conn.packets[0], 2U) << "port " << conn.port[0][0] * 256 + conn.port[0][1];
}

// As many as one CPU gives in the ticks that this takes.
TEST_P(TableTest, AnswersToRejectedPacketsAreLimited) {
  constexpr std::uint32_t kPackets = 5000, kPerTick = 64;
  World world{.mode = BV_MODE_L3S};
  world.input.rules = {"-j REJECT"};
  install(world, devices(), under_test());
  under_test().reset();
  stay_on(0);
  const std::uint32_t before = tracking_.now();
  for (std::uint32_t i = 0; i < kPackets; ++i)
    under_test().run(Hook::kRx, udp(1), {.device = devices().parent()});
  const std::uint32_t ticks = tracking_.now() - before + 1;
  const auto reasons = under_test().reasons();
  EXPECT_GE(reasons[BV_REASON_RX_REJECTED].packets, std::min(kPackets, kPerTick));
  EXPECT_LE(reasons[BV_REASON_RX_REJECTED].packets, std::uint64_t{kPerTick} * ticks);
  EXPECT_EQ(reasons[BV_REASON_RX_REJECTED].packets + reasons[BV_REASON_RX_RULE].packets, kPackets);
}

INSTANTIATE_TEST_SUITE_P(All, TableTest, ::testing::ValuesIn(bpf_objects()),
                         [](const auto& test) { return compiler_of(test.param); });

}  // namespace
}  // namespace bpfvlan::test
