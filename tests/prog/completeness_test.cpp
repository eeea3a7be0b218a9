// SPDX-License-Identifier: MIT
// A new reason, policy or mode without rows fails here.
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "row.hpp"

namespace bpfvlan::test {
namespace {

struct Combination {
  bv_mode mode;
  Hook hook;
  bv_policy policy;  // of the sender at xmit, of the receiver at rx
  bv_reason reason;
  bool operator==(const Combination&) const = default;
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
  }
  return "?";
}
constexpr bv_mode kModes[] = {BV_MODE_L3};

Hook hook_of(std::string_view reason_id) {
  return reason_id.starts_with("RX_") ? Hook::kRx : Hook::kXmit;
}

struct Impossible {
  bv_reason reason;
  bv_policy policy;
  std::string_view why;
};
constexpr Impossible kImpossible[] = {
    {BV_REASON_TX_SIBLING, BV_POLICY_VEPA, "the sender's own policy is stricter than bridge"},
    {BV_REASON_TX_SIBLING, BV_POLICY_PRIVATE, "the sender's own policy is stricter than bridge"},
    {BV_REASON_TX_NO_ENDPOINT, BV_POLICY_VEPA, "who is no endpoint has no policy"},
    {BV_REASON_TX_NO_ENDPOINT, BV_POLICY_PRIVATE, "who is no endpoint has no policy"},
};

// Nothing is left to the netns suite alone, but it repeats with real frames what these rows give
// to the programs by BPF_PROG_TEST_RUN's own means: the packet type (rx_group_other_host; netns:
// RxRealFrames.other_host) and tags (rx_tag_*, xmit_tag_*; netns: RxRealFrames.vlan_tagged,
// RxRealFrames.priority_tagged, XmitRealFrames.vlan_tagged). What happens behind TC_ACT_REDIRECT,
// and the packet type that a delivered frame has, only the netns suite can see.

bool is_impossible(const Combination& c) {
  return std::any_of(std::begin(kImpossible), std::end(kImpossible), [&](const Impossible& i) {
    return i.reason == c.reason && i.policy == c.policy;
  });
}

bool has_row(const Combination& c) {
  const auto& rows = all_rows();
  return std::any_of(rows.begin(), rows.end(), [&](const Row& row) {
    const bool rx = row.hook == Hook::kRx;
    return c == Combination{.mode = row.world.mode,
                            .hook = row.hook,
                            .policy = rx ? row.world.receiver : row.world.sender,
                            .reason = row.reason};
  });
}

TEST(Completeness, EveryReasonHasARowInEveryModeAndPolicy) {
  for (const bv_mode mode : kModes) {
    for (const auto& [policy, policy_name] : kPolicies) {
      for (const auto& [reason, id] : kReasons) {
        const Combination c{mode, hook_of(id), policy, reason};
        EXPECT_NE(has_row(c), is_impossible(c))
            << "mode " << name_of(mode) << ", policy " << policy_name << ", " << id
            << (has_row(c) ? ": has a row and is on the list of impossible ones" : ": no row");
      }
    }
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
