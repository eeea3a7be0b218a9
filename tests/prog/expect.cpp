// SPDX-License-Identifier: MIT
#include "expect.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace bpfvlan::test {
namespace {

constexpr const char* kReasonIds[] = {
#define X(id, action, text) #id,
    BV_REASONS(X)
#undef X
};

void expect_counters(const bv_ep_counters& counted, std::uint32_t id,
                     const bv_ep_counters& expected) {
  EXPECT_EQ(counted.rx_packets, expected.rx_packets) << "of endpoint " << id;
  EXPECT_EQ(counted.rx_bytes, expected.rx_bytes) << "of endpoint " << id;
  EXPECT_EQ(counted.tx_packets, expected.tx_packets) << "of endpoint " << id;
  EXPECT_EQ(counted.tx_bytes, expected.tx_bytes) << "of endpoint " << id;
  EXPECT_EQ(counted.tx_dropped, expected.tx_dropped) << "of endpoint " << id;
}

}  // namespace

void expect_reasons(const Programs& programs, const ReasonCounts& expected) {
  const ReasonCounts counted = programs.reasons();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(counted[i].packets, expected[i].packets) << "packets of " << kReasonIds[i];
    EXPECT_EQ(counted[i].bytes, expected[i].bytes) << "bytes of " << kReasonIds[i];
  }
}

void expect_endpoint(const Programs& programs, std::uint32_t id, const bv_ep_counters& expected) {
  expect_counters(programs.endpoint(id), id, expected);
}

void expect_endpoints(const Programs& programs, const std::vector<bv_ep_counters>& expected) {
  const auto counted = programs.endpoints(static_cast<std::uint32_t>(expected.size()));
  for (std::uint32_t id = 0; id < expected.size(); ++id)
    expect_counters(counted[id], id, expected[id]);
}

void expect_verdict(const Programs& programs, const bv_verdict& expected) {
  const bv_verdict last = programs.last_verdict();
  EXPECT_EQ(last.action, expected.action);
  EXPECT_EQ(last.reason, expected.reason)
      << "is " << kReasonIds[last.reason] << ", not " << kReasonIds[expected.reason];
  EXPECT_EQ(last.ifindex, expected.ifindex);
  EXPECT_EQ(last.to, expected.to);
}

std::string describe(const Bytes& frame) {
  return fmt::format("frame of {} bytes: {:02x}", frame.size(), fmt::join(frame, ""));
}

}  // namespace bpfvlan::test
