// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <set>

#include "bpfvlan/schema_hairpin.h"
#include "bpfvlan/types.hpp"

extern "C" unsigned long bv_c11_sizes[33];

namespace bpfvlan {
namespace {

TEST(Schema, is_the_same_in_c11_and_cpp20) {
  const std::size_t sizes[] = {
      sizeof(bv_meta),
      sizeof(bv_parent),
      sizeof(bv_endpoint),
      sizeof(bv_addr4_key),
      sizeof(bv_addr6_key),
      sizeof(bv_addr),
      sizeof(bv_ep_counters),
      sizeof(bv_reason_count),
      sizeof(bv_verdict),
      sizeof(bv_port),
      sizeof(bv_learned_key),
      sizeof(bv_learned),
      sizeof(bv_host_addr),
      sizeof(bv_group_chunks),
      sizeof(bv_member_key),
      sizeof(bv_dhcp_key),
      sizeof(bv_ep_state),
      sizeof(bv_pending),
      sizeof(bv_ct_settings),
      sizeof(bv_conn_key),
      sizeof(bv_conn),
      sizeof(bv_conn_set),
      sizeof(bv_ct_forget),
      sizeof(bv_ct_clock),
      sizeof(bv_fragment_key),
      sizeof(bv_fragment),
      sizeof(bv_rule_key),
      sizeof(bv_rule_vector),
      sizeof(bv_rule_page),
      sizeof(bv_hairpin_port),
      sizeof(bv_hairpin_station),
      sizeof(bv_hairpin_prefix),
      sizeof(bv_hairpin_count),
  };
  ASSERT_EQ(std::size(sizes), std::size(bv_c11_sizes));
  for (std::size_t i = 0; i < std::size(sizes); ++i) EXPECT_EQ(bv_c11_sizes[i], sizes[i]) << i;
}

TEST(Schema, every_reason_has_a_text_of_its_own) {
  std::set<std::string_view> received, sent;
  for (int r = 0; r < BV_REASON_MAX; ++r) {
    const auto reason = static_cast<bv_reason>(r);
    const auto id = reason_id(reason), text = reason_text(reason);
    EXPECT_GT(text.size(), 4U) << id;
    auto& texts = id.starts_with("RX_") ? received : sent;
    EXPECT_EQ(id.starts_with("RX_") || id.starts_with("TX_"), reason_action(reason) != BV_NOTE)
        << id;
    EXPECT_TRUE(texts.insert(text).second) << id << " has another's text";
  }
}

TEST(Schema, only_rx_passes_and_only_xmit_xdp_and_the_filter_drop) {
  const std::set<int> drops = {BV_REASON_RX_RULE,       BV_REASON_RX_CHAIN_POLICY,
                               BV_REASON_RX_UNREADABLE, BV_REASON_RX_NO_FILTER,
                               BV_REASON_RX_CT_FULL,    BV_REASON_RX_BAD_HEADER,
                               BV_REASON_RX_SPOOFED};
  for (int r = 0; r < BV_REASON_MAX; ++r) {
    const auto reason = static_cast<bv_reason>(r);
    if (reason_action(reason) == BV_NOTE || drops.contains(r)) continue;
    const bool rx = reason_id(reason).starts_with("RX_");
    EXPECT_NE(reason_action(reason), rx ? BV_DROP : BV_PASS) << reason_id(reason);
  }
}

TEST(Schema, policies_are_ordered_by_strictness) {
  EXPECT_LT(BV_POLICY_BRIDGE, BV_POLICY_VEPA);
  EXPECT_LT(BV_POLICY_VEPA, BV_POLICY_PRIVATE);
}

TEST(Types, names_are_parsed_back) {
  for (const auto policy : {BV_POLICY_BRIDGE, BV_POLICY_VEPA, BV_POLICY_PRIVATE}) {
    const auto parsed = parse_policy(to_string(policy));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, policy);
  }
  for (const auto mode : {BV_MODE_L2, BV_MODE_L3, BV_MODE_L3S}) {
    const auto parsed = parse_mode(to_string(mode));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, mode);
  }
  EXPECT_FALSE(parse_policy("Bridge"));
  EXPECT_FALSE(parse_mode(""));
}

}  // namespace
}  // namespace bpfvlan
