// SPDX-License-Identifier: MIT
#include "conntrack_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace bpfvlan {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::map<std::string, std::uint32_t> values(const bv_ct_settings& settings) {
  std::map<std::string, std::uint32_t> out;
  for (const auto& s : list_settings(settings)) out.emplace(s.name, s.value);
  return out;
}

// By CONFIG_HZ.
class ConntrackSettings : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  const bv_ct_settings defaults = default_ct_settings(GetParam() * 1000 / 16);

  Result<bv_ct_settings> with(const char* change) const {
    BV_TRY(const auto parsed, ConntrackChange::parse(change));
    return change_settings(defaults, {parsed});
  }
};

TEST_P(ConntrackSettings, defaults_are_the_kernels) {
  const auto all = list_settings(defaults);
  for (const auto& s : all) EXPECT_EQ(s.value, s.default_value) << s.name;
  EXPECT_EQ(all.size(), BV_CT_TIMEOUT_MAX + 4U);
  const auto by_name = values(defaults);
  EXPECT_EQ(by_name.size(), all.size());
  EXPECT_EQ(by_name.at("nf_conntrack_tcp_timeout_established"), 432000U);
  EXPECT_EQ(by_name.at("nf_conntrack_generic_timeout"), 600U);
  EXPECT_EQ(by_name.at("nf_conntrack_tcp_loose"), 1U);
  EXPECT_EQ(by_name.at("nf_conntrack_tcp_be_liberal"), 0U);
  EXPECT_EQ(by_name.at("nf_conntrack_tcp_max_retrans"), 3U);
}

TEST_P(ConntrackSettings, seconds_are_read_back_and_never_early) {
  for (std::uint32_t seconds = 1; seconds < 100'000; seconds += seconds / 7 + 1) {
    const auto s = with(("nf_conntrack_udp_timeout=" + std::to_string(seconds)).c_str());
    ASSERT_TRUE(s);
    EXPECT_EQ(values(*s).at("nf_conntrack_udp_timeout"), seconds);
    const auto jiffies = std::uint64_t{s->timeout[BV_CT_TIMEOUT_UDP]} << BV_CT_TICK_SHIFT;
    EXPECT_GE(jiffies, std::uint64_t{seconds} * GetParam());
    EXPECT_LT(jiffies, std::uint64_t{seconds} * GetParam() + (1 << BV_CT_TICK_SHIFT));
  }
}

TEST_P(ConntrackSettings, a_time_out_is_half_the_ticks_at_most) {
  const auto most = 0x7fff'ffffULL * 16 / GetParam();
  const auto name = std::string("nf_conntrack_tcp_timeout_established=");
  const auto s = with((name + std::to_string(most)).c_str());
  ASSERT_TRUE(s) << s.error().what;
  EXPECT_LE(s->timeout[BV_CT_TIMEOUT_TCP_ESTABLISHED], 0x7fff'ffffU);
  EXPECT_EQ(values(*s).at("nf_conntrack_tcp_timeout_established"), most);
  EXPECT_THAT(with((name + std::to_string(most + 1)).c_str()).error().what,
              AllOf(HasSubstr(name + std::to_string(most + 1)),
                    HasSubstr("1 and " + std::to_string(most) + " seconds")));
  EXPECT_FALSE(with((name + "18446744073709551615").c_str()));
  EXPECT_THAT(with((name + "0").c_str()).error().what, HasSubstr("not within 1 and"));
}

INSTANTIATE_TEST_SUITE_P(Hz, ConntrackSettings, ::testing::Values(100, 250, 300, 1000));

TEST(ConntrackChange, switches_have_limits_of_their_own) {
  const auto defaults = default_ct_settings(15625);
  EXPECT_EQ(change_settings(defaults, {{"nf_conntrack_tcp_loose", 0}})->tcp_loose, 0);
  EXPECT_EQ(change_settings(defaults, {{"nf_conntrack_tcp_max_retrans", 15}})->tcp_max_retrans, 15);
  EXPECT_EQ(change_settings(defaults, {{"nf_conntrack_tcp_be_liberal", 2}}).error().what,
            "nf_conntrack_tcp_be_liberal=2: not within 0 and 1");
  EXPECT_FALSE(change_settings(defaults, {{"nf_conntrack_tcp_max_retrans", 16}}));
  EXPECT_FALSE(change_settings(defaults, {{"nf_conntrack_tcp_ignore_invalid_rst", 256}}));
}

TEST(ConntrackChange, others_stay_and_one_bad_one_is_none) {
  const auto defaults = default_ct_settings(15625);
  const auto s =
      change_settings(defaults, {{"nf_conntrack_udp_timeout", 7}, {"nf_conntrack_tcp_loose", 0}});
  ASSERT_TRUE(s);
  auto expected = values(defaults);
  expected["nf_conntrack_udp_timeout"] = 7;
  expected["nf_conntrack_tcp_loose"] = 0;
  EXPECT_EQ(values(*s), expected);
  EXPECT_THAT(change_settings(defaults, {{"nf_conntrack_udp_timeout", 7}, {"nf_conntrack_max", 9}})
                  .error()
                  .what,
              HasSubstr("no setting 'nf_conntrack_max'"));
}

TEST(ConntrackChange, the_longest_time_out_is_that_of_old_entries_too) {
  const auto defaults = default_ct_settings(15625);
  EXPECT_EQ(defaults.longest, defaults.timeout[BV_CT_TIMEOUT_TCP_ESTABLISHED]);
  const auto shorter = change_settings(defaults, {{"nf_conntrack_tcp_timeout_established", 60}});
  EXPECT_EQ(shorter->longest, defaults.longest);
  const auto longer = change_settings(defaults, {{"nf_conntrack_udp_timeout", 1'000'000}});
  EXPECT_EQ(longer->longest, longer->timeout[BV_CT_TIMEOUT_UDP]);
}

TEST(ConntrackChange, is_parsed_as_sysctl_has_it) {
  const auto c = ConntrackChange::parse("net.netfilter.nf_conntrack_udp_timeout=30");
  ASSERT_TRUE(c);
  EXPECT_EQ(c->name, "nf_conntrack_udp_timeout");
  EXPECT_EQ(c->value, 30U);
  for (const auto* bad :
       {"", "x", "=", "x=", "x=-1", "x=1s", "x=1 ", "x= 1", "x=0x1", "x=18446744073709551616"})
    EXPECT_THAT(ConntrackChange::parse(bad).error().what, HasSubstr("NAME=VALUE")) << bad;
}

TEST(ConntrackTicks, are_those_of_a_plausible_kernel) {
  EXPECT_GE(ticks_per_1000_seconds(), 24U * 1000 / 16);
  EXPECT_LE(ticks_per_1000_seconds(), 2000U * 1000 / 16);
}

}  // namespace
}  // namespace bpfvlan
