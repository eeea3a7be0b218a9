// SPDX-License-Identifier: MIT
#include "rules/compile.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>

#include "linear.hpp"
#include "random_rules.hpp"
#include "rules/words.hpp"
#include "walker.hpp"

namespace bpfvlan {
namespace {

using ::testing::HasSubstr;

// Counters are the rules' numbers, so that a target tells whose it is.
RulesToCompile to_compile(const std::vector<Rule>& input, const std::vector<Rule>& output = {}) {
  RulesToCompile all;
  for (const auto chain : kChains) {
    const auto& rules = chain == BV_CHAIN_INPUT ? input : output;
    auto& c = all.chains[chain];
    c.policy_counter = 1'000'000;
    for (const auto& rule : rules) {
      c.counters.push_back(static_cast<std::uint32_t>(c.rules.size()));
      c.rules.push_back(&rule);
    }
  }
  all.endpoints = RandomRules::endpoints();
  return all;
}

std::vector<Rule> parse_all(const std::vector<std::string>& lines) {
  std::vector<Rule> rules;
  for (const auto& line : lines) rules.push_back(*parse_rule(*split_words(line)));
  return rules;
}

// Rule by rule, and which one comes first.
::testing::AssertionResult agrees(const std::vector<Rule>& rules, const RuleWalker& walker,
                                  const RulePacket& packet) {
  const auto bits = walker.matching(packet);
  std::vector<bool> compiled(rules.size());
  for (std::size_t i = 0; i < walker.chain().rules; ++i)
    if (bits.has(i)) compiled.at(walker.target(i).counter) = true;
  for (std::size_t i = 0; i < rules.size(); ++i)
    if (compiled[i] != matches(rules[i], packet))
      return ::testing::AssertionFailure()
             << describe(packet) << "\nrule " << i << " of " << rules.size() << ", "
             << to_text(rules[i]) << ": compiled it " << (compiled[i] ? "matches" : "does not");
  const auto expected = first_match(rules, packet);
  const auto counter = walker.target(walker.first(packet)).counter;
  if (counter != (expected < rules.size() ? expected : 1'000'000))
    return ::testing::AssertionFailure()
           << describe(packet) << "\nfirst is rule " << expected << ", compiled " << counter;
  return ::testing::AssertionSuccess();
}

struct Size {
  std::size_t sets, most_rules, packets;
};
class CompiledRules : public ::testing::TestWithParam<Size> {};

// With BPFVLAN_SEED=N in the environment, that run again.
TEST_P(CompiledRules, mean_what_the_list_means) {
  const auto with = random_seed();
  SCOPED_TRACE(fmt::format("BPFVLAN_SEED={}", with));
  RandomRules random(with);
  std::size_t hits = 0, all = 0, longest = 0;
  for (std::size_t set = 0; set < GetParam().sets; ++set) {
    std::vector<Rule> rules;
    for (auto n = 1 + random.below(GetParam().most_rules); n--;) rules.push_back(random.rule());
    const auto pages = compile_rules(to_compile(rules));
    ASSERT_TRUE(pages) << pages.error().what;
    const RuleWalker walker(*pages, BV_CHAIN_INPUT);
    for (std::size_t i = 0; i < GetParam().packets; ++i) {
      const auto packet = random.packet(rules);
      ASSERT_TRUE(agrees(rules, walker, packet)) << "set " << set << ", packet " << i;
      hits += first_match(rules, packet) < rules.size();
      ++all;
    }
    longest = std::max(longest, walker.longest());
  }
  EXPECT_LE(longest, 33U);  // RULE_STEPS of bpf/core/rules.h
  EXPECT_GT(hits, all / 4);
  RecordProperty("packets", static_cast<int>(all));
}

INSTANTIATE_TEST_SUITE_P(Sizes, CompiledRules,
                         ::testing::Values(Size{400, 3, 120}, Size{200, 40, 250},
                                           Size{20, 600, 300}, Size{3, 3000, 500}),
                         [](const auto& param_info) {
                           return fmt::format("up_to_{}", param_info.param.most_rules);
                         });

TEST(Compile, what_no_rule_needs_is_not_looked_up) {
  const auto rules = parse_all({"-j DROP"});
  const auto pages = compile_rules(to_compile(rules));
  ASSERT_TRUE(pages);
  const auto& head = pages->at(0).rules;
  const auto& c = head.chain[BV_CHAIN_INPUT];
  for (const auto ref : {c.src[0], c.src[1], c.dst[0], c.dst[1], c.sport, c.dport, c.no_ports,
                         c.protocol, c.state, c.endpoint})
    EXPECT_EQ(ref, BV_RULE_ALL);
  EXPECT_EQ(c.rules, 1U);
  EXPECT_EQ(c.policy_alone, 0);
  EXPECT_EQ(c.per_packet, 0);
  EXPECT_EQ(head.chain[BV_CHAIN_OUTPUT].policy_alone, 1);
  EXPECT_EQ(head.chain[BV_CHAIN_OUTPUT].rules, 0U);
  EXPECT_EQ(pages->size(), 3U);  // the head, and the targets of each chain
}

TEST(Compile, the_second_half_of_page_0_is_all_rules) {
  const auto pages = compile_rules(to_compile({}));
  ASSERT_TRUE(pages);
  const auto& all = pages->at(0).vectors[BV_RULE_ALL];
  EXPECT_EQ(all.any, ~0ULL);
  for (const auto word : all.words) EXPECT_EQ(word, ~0ULL);
}

TEST(Compile, a_rule_of_one_family_excludes_the_other_by_its_source) {
  const auto rules = parse_all({"-4 -j DROP"});
  const auto pages = compile_rules(to_compile(rules));
  const auto& c = pages->at(0).rules.chain[BV_CHAIN_INPUT];
  EXPECT_EQ(c.src[0], BV_RULE_ALL);
  EXPECT_EQ(c.src[1], BV_RULE_NONE);
  EXPECT_EQ(c.dst[1], BV_RULE_ALL);
}

TEST(Compile, tcp_flags_are_of_a_packet_and_not_of_a_connection) {
  const auto rules = parse_all({"-p udp -j ACCEPT", "-p tcp --syn -j DROP"});
  const auto pages = compile_rules(to_compile(rules, parse_all({"-j DROP"})));
  EXPECT_EQ(pages->at(0).rules.chain[BV_CHAIN_INPUT].per_packet, 1);
  EXPECT_EQ(pages->at(0).rules.chain[BV_CHAIN_OUTPUT].per_packet, 0);
}

TEST(Compile, targets_say_how_to_reject) {
  const auto rules = parse_all({"-j REJECT", "-j REJECT --reject-with icmp-admin-prohibited",
                                "-j REJECT --reject-with icmp6-no-route",
                                "-p tcp -j REJECT --reject-with tcp-reset", "-j DROP"});
  auto all = to_compile(rules);
  all.chains[BV_CHAIN_INPUT].policy = BV_TARGET_DROP;
  const auto pages = compile_rules(all);
  const RuleWalker walker(*pages, BV_CHAIN_INPUT);
  EXPECT_EQ(walker.target(0).target, BV_TARGET_REJECT);
  EXPECT_EQ(walker.target(0).reject4, 3);
  EXPECT_EQ(walker.target(0).reject6, 4);
  EXPECT_EQ(walker.target(1).reject4, 13);
  EXPECT_EQ(walker.target(2).reject6, 0);
  EXPECT_EQ(walker.target(3).reject4, BV_REJECT_TCP_RESET);
  EXPECT_EQ(walker.target(3).reject6, BV_REJECT_TCP_RESET);
  EXPECT_EQ(walker.target(4).target, BV_TARGET_DROP);
  EXPECT_EQ(walker.target(5).target, BV_TARGET_DROP);
  EXPECT_EQ(walker.target(5).counter, 1'000'000U);
}

TEST(Compile, the_text_comes_along) {
  auto all = to_compile({});
  all.text = std::string(2500, 'x') + "end";
  all.generation = 77;
  const auto pages = compile_rules(all);
  const auto& head = pages->at(0).rules;
  EXPECT_EQ(head.generation, 77U);
  ASSERT_EQ(head.text_bytes, 2503U);
  EXPECT_EQ(pages->size(), head.text + 3U);
  EXPECT_EQ(std::memcmp(pages->back().text + 2500 - 2 * 1040, "end", 3), 0);
}

TEST(Compile, is_the_same_each_time) {
  RandomRules random(1);
  std::vector<Rule> rules;
  for (int i = 0; i < 300; ++i) rules.push_back(random.rule());
  const auto once = compile_rules(to_compile(rules)), again = compile_rules(to_compile(rules));
  ASSERT_EQ(once->size(), again->size());
  EXPECT_EQ(std::memcmp(once->data(), again->data(), once->size() * sizeof((*once)[0])), 0);
}

TEST(Compile, as_many_rules_as_a_chain_may_have) {
  std::vector<Rule> rules(BV_CHAIN_RULES, parse_all({"-p tcp --dport 1 -j DROP"})[0]);
  EXPECT_TRUE(compile_rules(to_compile(rules)));
  rules.back() = parse_all({"-p tcp --ports 1,2 -j DROP"})[0];
  const auto more = compile_rules(to_compile(rules));
  ASSERT_FALSE(more);
  EXPECT_THAT(more.error().what, HasSubstr("INPUT would have 4097 rules (one with --ports"));
}

struct Shape {
  const char* name;
  std::string (*text)(RandomRules& random, std::size_t i);
  std::size_t most_pages;
};
class LargeSet : public ::testing::TestWithParam<Shape> {};

// 4,096 rules with values of their own in one field or in all.
TEST_P(LargeSet, is_compiled_soon_and_stays_small) {
  RandomRules random(7);
  std::vector<Rule> rules;
  for (std::size_t i = 0; i < BV_CHAIN_RULES; ++i)
    rules.push_back(parse_all({GetParam().text(random, i)})[0]);
  const auto before = std::chrono::steady_clock::now();
  const auto pages = compile_rules(to_compile(rules));
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                      std::chrono::steady_clock::now() - before)
                      .count();
  ASSERT_TRUE(pages);
  RecordProperty("ms", static_cast<int>(ms));
  RecordProperty("pages", static_cast<int>(pages->size()));
  fmt::print("{}: {} ms, {} pages\n", GetParam().name, ms, pages->size());
  EXPECT_LE(pages->size(), GetParam().most_pages);
  const RuleWalker walker(*pages, BV_CHAIN_INPUT);
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(agrees(rules, walker, random.packet(rules)));
}

std::string random6(RandomRules& r) {
  std::string text;
  for (int i = 0; i < 8; ++i) text += fmt::format("{}{:x}", i ? ":" : "", r.below(65536));
  return text;
}

std::string random4(RandomRules& r) {
  return fmt::format("{}.{}.{}.{}", r.below(256), r.below(256), r.below(256), r.below(256));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, LargeSet,
    ::testing::Values(
        Shape{"hosts4",
              [](RandomRules& r, std::size_t) { return fmt::format("-s {} -j DROP", random4(r)); },
              3000},
        Shape{"hosts6",
              [](RandomRules& r, std::size_t) { return fmt::format("-s {} -j DROP", random6(r)); },
              3000},
        Shape{"neighbours6",
              [](RandomRules&, std::size_t i) {
                return fmt::format("-d fd00::1:{:x} -j DROP", i * 3);
              },
              3000},
        Shape{"prefixes6",
              [](RandomRules& r, std::size_t) {
                return fmt::format("-s {}/{} -j DROP", random6(r), 1 + r.below(128));
              },
              6000},
        Shape{"ports",
              [](RandomRules&, std::size_t i) {
                return fmt::format("-p tcp --dport {} -j DROP", i * 16);
              },
              3000},
        Shape{"everything",
              [](RandomRules& r, std::size_t i) {
                return fmt::format("-s {} -d {} -p udp --sport {} --dport {} --endpoint {} -j DROP",
                                   random6(r), random6(r), i, i + 1000, "red");
              },
              12000}),
    [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace bpfvlan
