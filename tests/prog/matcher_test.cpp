// SPDX-License-Identifier: MIT
// The programs' matching against a plain walk through the list, on rules and packets at random.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <tuple>

#include "bpfvlan/test/layers.hpp"
#include "filter.hpp"
#include "linear.hpp"
#include "programs.hpp"
#include "random_rules.hpp"
#include "rules/compile.hpp"
#include "rules/words.hpp"
#include "setup.hpp"

namespace bpfvlan::test {
namespace {

struct Size {
  std::size_t sets, most_rules, packets;
};

// 100,000 packets in all.
constexpr Size kSizes[] = {{80, 3, 500}, {80, 40, 500}, {20, 600, 700}, {4, 3000, 1500}};

Rule rule_of(const std::string& text) {
  auto rule = parse_rule(*split_words(text));
  if (!rule) throw std::logic_error(text + ": " + rule.error().what);
  return *rule;
}

template <class Param>
class WithMatcher : public ::testing::TestWithParam<Param> {
 protected:
  virtual const std::string& object() const = 0;

  // In the parent's place, each rule with a counter of its own, which is 0.
  void put(const std::vector<Rule>& rules, bv_target policy) {
    RulesToCompile all;
    auto& chain = all.chains[BV_CHAIN_INPUT];
    chain.policy = policy;
    chain.policy_counter = policy_counter(BV_CHAIN_INPUT);
    under_test().clear_rule_count(chain.policy_counter);
    for (std::size_t i = 0; i < rules.size(); ++i) {
      chain.rules.push_back(&rules[i]);
      chain.counters.push_back(rule_counter(BV_CHAIN_INPUT, i));
      under_test().clear_rule_count(chain.counters.back());
    }
    all.endpoints = RandomRules::endpoints();
    const auto pages = compile_rules(all);
    ASSERT_TRUE(pages) << pages.error().what;
    under_test().put_pages(kParentIndex, *pages);
  }

  Programs& under_test() { return programs(object()); }
};

class MatcherTest : public WithMatcher<std::tuple<std::string, Size>> {
  const std::string& object() const override { return std::get<0>(GetParam()); }
};

class EveryWordTest : public WithMatcher<std::string> {
  const std::string& object() const override { return GetParam(); }
};

// With BPFVLAN_SEED=N in the environment, that run again.
TEST_P(MatcherTest, MatchesWhatTheListMatches) {
  const auto with = random_seed();
  SCOPED_TRACE(fmt::format("BPFVLAN_SEED={}", with));
  under_test().need_matcher();
  RandomRules random(with);
  const Size& size = std::get<1>(GetParam());
  std::size_t hits = 0;
  for (std::size_t set = 0; set < size.sets; ++set) {
    std::vector<Rule> rules;
    for (auto n = 1 + random.below(size.most_rules); n--;) rules.push_back(random.rule());
    const auto policy = random.one_in(2) ? BV_TARGET_ACCEPT : BV_TARGET_DROP;
    ASSERT_NO_FATAL_FAILURE(put(rules, policy));
    std::vector<bv_rule_count> expected(rules.size() + 1);
    for (std::size_t i = 0; i < size.packets; ++i) {
      const auto packet = random.packet(rules);
      const auto bytes = static_cast<std::uint32_t>(random.below(65536));
      const auto first = first_match(rules, packet);
      const bool hit = first < rules.size();
      const auto verdict = under_test().match({.key = packet.key(),
                                               .ipv6 = packet.family == RuleFamily::IPv6,
                                               .has_ports = packet.has_transport,
                                               .bytes = bytes,
                                               .parent = kParentIndex});
      ASSERT_EQ(verdict.counter,
                hit ? rule_counter(BV_CHAIN_INPUT, first) : policy_counter(BV_CHAIN_INPUT))
          << "set " << set << ", packet " << i << ": " << describe(packet) << "\nfirst is "
          << (hit ? to_text(rules[first]) : "none");
      ASSERT_EQ(verdict.target, hit ? rules[first].target : policy) << describe(packet);
      ++expected[first].packets;
      expected[first].bytes += bytes;
      hits += hit;
    }
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto count = under_test().rule_count(i < rules.size() ? rule_counter(BV_CHAIN_INPUT, i)
                                                                  : policy_counter(BV_CHAIN_INPUT));
      ASSERT_EQ(count.packets, expected[i].packets) << "rule " << i << " of set " << set;
      ASSERT_EQ(count.bytes, expected[i].bytes) << "rule " << i << " of set " << set;
    }
  }
  EXPECT_GT(hits, size.sets * size.packets / 4);
}

INSTANTIATE_TEST_SUITE_P(Sizes, MatcherTest,
                         ::testing::Combine(::testing::ValuesIn(bpf_objects()),
                                            ::testing::ValuesIn(kSizes)),
                         [](const auto& test) {
                           return fmt::format("up_to_{}_{}", std::get<1>(test.param).most_rules,
                                              compiler_of(std::get<0>(test.param)));
                         });

// As many rules as there can be, of which each matches in one field and none in both.
TEST_P(EveryWordTest, IsLookedAtForTheLastRule) {
  std::vector<Rule> rules;
  for (std::size_t i = 0; i < BV_CHAIN_RULES; ++i)
    rules.push_back(
        rule_of(i % 2 ? fmt::format("-s {} -p tcp --dport {} -j DROP", kOutside4, 1000 + i)
                      : fmt::format("-s 10.9.{}.{} -p tcp --dport 80 -j DROP", i / 250, i % 250)));
  RulePacket packet{.protocol = Tcp::kProtocol, .has_transport = true, .dport = 80};
  const Ip4Addr source(kOutside4);
  std::copy(source.octets.begin(), source.octets.end(), packet.src.begin());
  const RuleQuestion question{.key = packet.key(), .has_ports = 1, .parent = kParentIndex};
  under_test().need_matcher();

  ASSERT_NO_FATAL_FAILURE(put(rules, BV_TARGET_ACCEPT));
  EXPECT_EQ(under_test().match(question).counter, policy_counter(BV_CHAIN_INPUT));
  rules.back() = rule_of(fmt::format("-s {} -p tcp --dport 80 -j DROP", kOutside4));
  ASSERT_NO_FATAL_FAILURE(put(rules, BV_TARGET_ACCEPT));
  EXPECT_EQ(under_test().match(question).counter, rule_counter(BV_CHAIN_INPUT, rules.size() - 1));
}

INSTANTIATE_TEST_SUITE_P(All, EveryWordTest, ::testing::ValuesIn(bpf_objects()),
                         [](const auto& test) { return compiler_of(test.param); });

}  // namespace
}  // namespace bpfvlan::test
