// SPDX-License-Identifier: MIT
#include "row.hpp"

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <net/ethernet.h>

#include <string>
#include <tuple>
#include <vector>

#include "expect.hpp"
#include "filter.hpp"
#include "setup.hpp"

namespace bpfvlan::test {
namespace {

// behaviour.md, not the X-macro: what each reason must do with the packet.
bv_action action_of(bv_reason reason) {
  switch (reason) {
    case BV_REASON_RX_DELIVERED:
    case BV_REASON_TX_SIBLING:
    case BV_REASON_RX_DHCP:
      return BV_DELIVER;
    case BV_REASON_TX_FORWARDED:
    case BV_REASON_TX_VEPA:
    case BV_REASON_TX_FLOODED:
    case BV_REASON_RX_REJECTED:
      return BV_FORWARD;
    case BV_REASON_TX_OWN_MAC:
      return BV_RECEIVE;
    case BV_REASON_TX_ANSWERED:
    case BV_REASON_TX_REJECTED:
      return BV_ANSWER;
    case BV_REASON_COPY_LOST:
    case BV_REASON_GROUP_REFUSED:
    case BV_REASON_ADDRESS_REFUSED:
    case BV_REASON_ADDRESS_FULL:
      return BV_NOTE;
    case BV_REASON_RX_NO_ENDPOINT:
    case BV_REASON_RX_OTHER_HOST:
    case BV_REASON_RX_VLAN:
    case BV_REASON_RX_NOT_IP:
    case BV_REASON_RX_MALFORMED:
    case BV_REASON_RX_FLOODED:
    case BV_REASON_RX_SOLICITED:
    case BV_REASON_RX_REFLECTED:
      return BV_PASS;
    case BV_REASON_TX_ROUTED:
    case BV_REASON_TX_MALFORMED:
      return BV_WIRE;
    case BV_REASON_TX_HOST:
      return BV_HOST;
    case BV_REASON_TX_PRIVATE:
    case BV_REASON_TX_MULTICAST:
    case BV_REASON_TX_NOT_IP:
    case BV_REASON_TX_VLAN:
    case BV_REASON_TX_TRUNCATED:
    case BV_REASON_TX_NO_ENDPOINT:
    case BV_REASON_TX_PAUSE:
    case BV_REASON_RX_RULE:
    case BV_REASON_RX_CHAIN_POLICY:
    case BV_REASON_RX_UNREADABLE:
    case BV_REASON_RX_NO_FILTER:
    case BV_REASON_RX_CT_FULL:
    case BV_REASON_RX_BAD_HEADER:
    case BV_REASON_RX_SPOOFED:
    case BV_REASON_TX_RULE:
    case BV_REASON_TX_CHAIN_POLICY:
    case BV_REASON_TX_UNREADABLE:
    case BV_REASON_TX_NO_FILTER:
    case BV_REASON_TX_CT_FULL:
      return BV_DROP;
    case BV_REASON_MAX:
      break;
  }
  ADD_FAILURE() << "reason " << reason << " has no action";
  return BV_DROP;
}

// Redirected packets stay in BPF_PROG_TEST_RUN: where they would go is in the recorded verdict.
std::int32_t returned_for(bv_action action) {
  switch (action) {
    case BV_PASS:
      return TC_ACT_UNSPEC;
    case BV_DROP:
      return TC_ACT_SHOT;
    case BV_DELIVER:
    case BV_WIRE:
    case BV_HOST:
    case BV_FORWARD:
    case BV_RECEIVE:
    case BV_ANSWER:
      return TC_ACT_REDIRECT;
    case BV_NOTE:
      break;
  }
  return TC_ACT_OK;
}

std::uint32_t device_of(const Row& row) {
  if (row.from_other) return devices().other();
  const bool at_parent = row.hook == Hook::kRx || row.hook == Hook::kXdp;
  return at_parent ? devices().parent() : devices().sender();  // by netkit: the same
}

bv_verdict verdict_of(const Row& row) {
  bv_verdict verdict{.action = action_of(row.reason), .reason = row.reason, .ifindex = 0, .to = 0};
  switch (verdict.action) {
    case BV_WIRE:
    case BV_FORWARD:
    case BV_RECEIVE:
      verdict.ifindex = devices().parent();
      break;
    case BV_ANSWER:
      verdict.ifindex = devices().sender();
      break;
    case BV_DELIVER:
      verdict.ifindex = device_of(row.to, devices());
      verdict.to = id_of(row.to);
      break;
    default:
      break;
  }
  return verdict;
}

void expect_counters(const Programs& programs, const Row& row, std::size_t bytes) {
  const bv_verdict verdict = verdict_of(row);
  ReasonCounts reasons{};
  reasons[row.reason] = {1, bytes};
  for (const bv_reason note : row.notes) {
    reasons[note].packets += 1;
    reasons[note].bytes += bytes;
  }
  expect_reasons(programs, reasons);

  std::vector<bv_ep_counters> endpoints(kIds);
  if (row.hook != Hook::kRx && row.hook != Hook::kXdp && !row.from_other) {
    endpoints[kSenderId].tx_packets = 1;
    endpoints[kSenderId].tx_bytes = bytes;
    endpoints[kSenderId].tx_dropped = verdict.action == BV_DROP;
  }
  std::vector<std::uint32_t> receivers;
  for (const Who who : row.copies) receivers.push_back(id_of(who));
  if (verdict.action == BV_DELIVER) receivers.push_back(verdict.to);
  for (const std::uint32_t id : receivers) {
    endpoints[id].rx_packets += 1;
    endpoints[id].rx_bytes += bytes;
  }
  expect_endpoints(programs, endpoints);
}

void expect_run(Programs& programs, const Row& row, const Bytes& frame) {
  constexpr std::uint32_t kMark = 0x1234, kPriority = 5;
  const bv_action action = action_of(row.reason);
  const Bytes& left = row.answer ? *row.answer : frame;
  programs.reset();
  const Outcome run = programs.run(row.hook, frame,
                                   {.device = device_of(row),
                                    .mark = kMark,
                                    .priority = kPriority,
                                    .gso_size = row.gso_size,
                                    .tag = row.tag});
  EXPECT_EQ(run.returned, returned_for(action));
  EXPECT_EQ(describe(run.frame), describe(left)) << "the frame must leave as it should";
  const bool leaves_netns = action == BV_DELIVER && !row.world.receiver_in_parent_netns;
  EXPECT_EQ(run.mark, leaves_netns ? 0 : kMark);
  EXPECT_EQ(run.priority, leaves_netns ? 0 : kPriority);
  expect_verdict(programs, verdict_of(row));
  expect_counters(programs, row, left.size());
}

void expect_nothing_counted(const Programs& programs) {
  expect_verdict(programs, {});
  expect_reasons(programs, {});
  expect_endpoints(programs, std::vector<bv_ep_counters>(kIds));
}

std::int32_t returned_at_xdp(bv_action action) {
  return action == BV_DROP ? XDP_DROP : XDP_REDIRECT;
}

// The rules count a packet that they drop here, and no other; `dropped`: so far.
void expect_rule_counts(const Programs& programs, const Row& row, std::size_t dropped) {
  const auto& rules = row.world.input.rules;
  EXPECT_EQ(programs.rule_count(policy_counter(BV_CHAIN_INPUT)).packets,
            row.reason == BV_REASON_RX_CHAIN_POLICY ? dropped : 0);
  for (std::size_t i = 0; i < rules.size(); ++i)
    EXPECT_EQ(programs.rule_count(rule_counter(BV_CHAIN_INPUT, i)).packets,
              row.reason == BV_REASON_RX_RULE && i + 1 == rules.size() ? dropped : 0)
        << rules[i];
}

void expect_xdp_run(Programs& programs, const Row& row, const Bytes& frame) {
  programs.reset();
  const Outcome run = programs.run(row.hook, frame, {.device = device_of(row)});
  EXPECT_EQ(describe(run.frame), describe(frame));
  if (row.reason == kLeftToRx) {
    EXPECT_EQ(run.returned, XDP_PASS);
    expect_nothing_counted(programs);
    return;
  }
  EXPECT_EQ(run.returned, returned_at_xdp(action_of(row.reason)));
  expect_verdict(programs, verdict_of(row));
  expect_counters(programs, row, frame.size());
}

// What bv_netkit leaves to bv_xmit: anything but IP to one receiver.
bool is_for_xmit(const Row& row, const Bytes& frame) {
  constexpr std::size_t kType = 12;
  if (row.tag || frame.size() < kType + 2 || (frame[0] & 1)) return true;
  const int type = frame[kType] << 8 | frame[kType + 1];
  return type != ETHERTYPE_IP && type != ETHERTYPE_IPV6;
}

void expect_left_to_xmit(Programs& programs, const Row& row, const Bytes& frame) {
  programs.reset();
  const Outcome run = programs.run(
      row.hook, frame, {.device = device_of(row), .gso_size = row.gso_size, .tag = row.tag});
  EXPECT_EQ(run.returned, TC_ACT_REDIRECT);
  EXPECT_EQ(describe(run.frame), describe(frame));
  expect_nothing_counted(programs);
}

class RowTest : public ::testing::TestWithParam<std::tuple<std::string, Row>> {};

TEST_P(RowTest, EndsAsItShould) {
  const auto& [object, row] = GetParam();
  Programs& under_test = programs(object);
  install(row.world, devices(), under_test);
  devices().set_forwarding(row.forwarding);
  ASSERT_FALSE(row.frames.empty());
  bool left = false;
  for (const Bytes& frame : row.frames) {
    SCOPED_TRACE(describe(frame));
    const bool leave = row.hook == Hook::kNetkit && is_for_xmit(row, frame);
    left |= leave;
    if (row.hook == Hook::kXdp)
      expect_xdp_run(under_test, row, frame);
    else if (leave)
      expect_left_to_xmit(under_test, row, frame);
    else
      expect_run(under_test, row, frame);
  }
  if (row.hook == Hook::kXdp && row.world.filter.value_or(false))
    expect_rule_counts(under_test, row, row.frames.size());
  if (row.connections && !left) {
    EXPECT_EQ(connections(under_test).size(), *row.connections);
  }
  devices().set_forwarding(true);
}

// Of an endpoint with a netkit pair: what it sends ends as by a veth pair.
std::vector<Row> rows_by_netkit() {
  auto rows = all_rows();
  std::erase_if(rows, [](const Row& row) { return row.hook != Hook::kXmit; });
  for (auto& row : rows) row.hook = Hook::kNetkit;
  return rows;
}

const auto kName = [](const auto& test) {
  return std::get<1>(test.param).name + "_" + compiler_of(std::get<0>(test.param));
};

INSTANTIATE_TEST_SUITE_P(All, RowTest,
                         ::testing::Combine(::testing::ValuesIn(bpf_objects()),
                                            ::testing::ValuesIn(all_rows())),
                         kName);
INSTANTIATE_TEST_SUITE_P(Netkit, RowTest,
                         ::testing::Combine(::testing::ValuesIn(bpf_objects()),
                                            ::testing::ValuesIn(rows_by_netkit())),
                         kName);

}  // namespace
}  // namespace bpfvlan::test
