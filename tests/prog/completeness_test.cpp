// SPDX-License-Identifier: MIT
// A new reason, policy or mode without rows fails here.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "row.hpp"

namespace bpfvlan::test {
namespace {

struct Combination {
  bv_mode mode;
  bv_policy policy;  // of the sender at xmit, of the receiver at rx
  bv_reason reason;
};

struct NamedReason {
  bv_reason reason;
  std::string_view id;
};
constexpr NamedReason kReasons[] = {
#define X(id, action, text) {BV_REASON_##id, #id},
    BV_REASONS(X)
#undef X
};

// Without a default, so that the compiler asks for a new mode; then it belongs into kModes too.
constexpr const char* name_of(bv_mode mode) {
  switch (mode) {
    case BV_MODE_L2:
      return "l2";
    case BV_MODE_L3:
      return "l3";
    case BV_MODE_L3S:
      return "l3s";
  }
  return "?";
}
constexpr bv_mode kModes[] = {BV_MODE_L2, BV_MODE_L3, BV_MODE_L3S};

struct Impossible {
  bv_reason reason;
  std::optional<bv_mode> mode;      // none: in all of them; l3 stands for l3s as well
  std::optional<bv_policy> policy;  // likewise
  std::string_view why;
};
constexpr auto kL2 = BV_MODE_L2;
constexpr auto kL3 = BV_MODE_L3;
constexpr auto kAny = std::nullopt;
constexpr Impossible kImpossible[] = {
    {BV_REASON_TX_SIBLING, kAny, BV_POLICY_VEPA, "the sender's own policy is stricter"},
    {BV_REASON_TX_SIBLING, kAny, BV_POLICY_PRIVATE, "the sender's own policy is stricter"},
    {BV_REASON_TX_NO_ENDPOINT, kAny, BV_POLICY_VEPA, "who is no endpoint has no policy"},
    {BV_REASON_TX_NO_ENDPOINT, kAny, BV_POLICY_PRIVATE, "who is no endpoint has no policy"},

    {BV_REASON_TX_VEPA, kL2, BV_POLICY_PRIVATE, "the sender's own policy is stricter"},
    {BV_REASON_TX_ANSWERED, kL2, BV_POLICY_PRIVATE, "the sibling is none of the sender's business"},
    {BV_REASON_TX_OWN_MAC, kL2, BV_POLICY_VEPA, "the wire has it, as with the driver"},
    {BV_REASON_TX_ROUTED, kL2, kAny, "MAC addresses decide, not routes"},
    {BV_REASON_TX_MALFORMED, kL2, kAny, "it goes where its MAC address says"},
    {BV_REASON_TX_HOST, kL2, kAny, "TX_OWN_MAC leaves that to the stack"},
    {BV_REASON_TX_MULTICAST, kL2, kAny, "TX_FLOODED"},
    {BV_REASON_TX_NOT_IP, kL2, kAny, "it goes where its MAC address says"},
    {BV_REASON_TX_VLAN, kL2, kAny, "it goes where its MAC address says"},
    {BV_REASON_TX_TRUNCATED, kL2, kAny, "no device hands up less than an Ethernet header"},

    {BV_REASON_RX_BAD_HEADER, kAny, kAny, "bv_xdp's alone"},
    {BV_REASON_RX_SPOOFED, kAny, kAny, "bv_xdp's alone"},

    {BV_REASON_RX_DHCP, kL3, kAny, "without broadcast there is no DHCP"},
    {BV_REASON_RX_FLOODED, kL3, kAny, "no l3 endpoint hears a group"},
    {BV_REASON_RX_SOLICITED, kL3, kAny, "l3 has no neighbour discovery"},
    {BV_REASON_RX_REFLECTED, kL3, kAny, "no l3 endpoint sends to a group"},
    {BV_REASON_TX_FORWARDED, kL3, kAny, "everything is routed"},
    {BV_REASON_TX_VEPA, kL3, kAny,
     "TX_ROUTED: to the switch outside by the next hop's MAC address"},
    {BV_REASON_TX_FLOODED, kL3, kAny, "TX_MULTICAST"},
    {BV_REASON_TX_OWN_MAC, kL3, kAny, "MAC addresses play no part"},
    {BV_REASON_TX_ANSWERED, kL3, kAny, "l3 asks nobody for a MAC address"},
    {BV_REASON_TX_PAUSE, kL3, kAny, "TX_NOT_IP, TX_MULTICAST"},
    {BV_REASON_COPY_LOST, kL3, kAny, "there are no copies"},
};

// Nothing is left to the netns suite alone, but it repeats with real frames what these rows give
// to the programs by BPF_PROG_TEST_RUN's own means: the packet type (rx_group_other_host; netns:
// RxRealFrames.other_host) and tags (rx_tag_*, xmit_tag_*; netns: RxRealFrames.vlan_tagged,
// RxRealFrames.priority_tagged, XmitRealFrames.vlan_tagged). What happens behind TC_ACT_REDIRECT,
// and the packet type that a delivered frame has, only the netns suite can see.

bool is_impossible(const Combination& c) {
  return std::any_of(std::begin(kImpossible), std::end(kImpossible), [&](const Impossible& i) {
    const bv_mode mode = c.mode == BV_MODE_L3S ? BV_MODE_L3 : c.mode;
    return i.reason == c.reason && i.mode.value_or(mode) == mode &&
           i.policy.value_or(c.policy) == c.policy;
  });
}

bool has_reason(const Row& row, bv_reason reason) {
  return row.reason == reason ||
         std::find(row.notes.begin(), row.notes.end(), reason) != row.notes.end();
}

bool is_at_parent(const Row& row) {
  return row.hook == Hook::kRx || row.hook == Hook::kXdp;
}

enum class At { kTc, kXdp };

bool has_row(const Combination& c, At at) {
  const auto& rows = all_rows();
  return std::any_of(rows.begin(), rows.end(), [&](const Row& row) {
    return (row.hook == Hook::kXdp) == (at == At::kXdp) && row.world.mode == c.mode &&
           (is_at_parent(row) ? row.world.receiver : row.world.sender) == c.policy &&
           has_reason(row, c.reason);
  });
}

TEST(Completeness, ReasonsAreOfTheirHook) {
  for (const Row& row : all_rows()) {
    if (row.hook == Hook::kXdp && row.reason == kLeftToRx) continue;
    const std::string_view id = kReasons[row.reason].id;
    EXPECT_TRUE(id.starts_with(is_at_parent(row) ? "RX_" : "TX_")) << row.name << ": " << id;
  }
}

TEST(Completeness, EveryReasonHasARowInEveryModeAndPolicy) {
  for (const bv_mode mode : kModes) {
    for (const auto& [policy, policy_name] : kPolicies) {
      for (const auto& [reason, id] : kReasons) {
        const Combination c{mode, policy, reason};
        const bool has = has_row(c, At::kTc);
        EXPECT_NE(has, is_impossible(c))
            << "mode " << name_of(mode) << ", policy " << policy_name << ", " << id
            << (has ? ": has a row and is on the list of impossible ones" : ": no row");
      }
    }
  }
}

TEST(Completeness, WhatEndsAtXdpHasARowInEveryModeAndPolicy) {
  constexpr bv_reason kEnds[] = {BV_REASON_RX_DELIVERED,    BV_REASON_RX_RULE,
                                 BV_REASON_RX_CHAIN_POLICY, BV_REASON_RX_BAD_HEADER,
                                 BV_REASON_RX_SPOOFED,      kLeftToRx};
  for (const bv_mode mode : kModes)
    for (const auto& [policy, policy_name] : kPolicies)
      for (int r = 0; r <= BV_REASON_MAX; ++r) {
        const auto reason = static_cast<bv_reason>(r);
        const bool ends = std::find(std::begin(kEnds), std::end(kEnds), reason) != std::end(kEnds);
        EXPECT_EQ(has_row({mode, policy, reason}, At::kXdp), ends)
            << "mode " << name_of(mode) << ", policy " << policy_name << ", "
            << (reason == kLeftToRx ? "left to bv_rx" : kReasons[reason].id);
      }
}

TEST(Completeness, RowsHaveDifferentNames) {
  std::vector<std::string_view> names;
  for (const Row& row : all_rows()) names.push_back(row.name);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace bpfvlan::test
