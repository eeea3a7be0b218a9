// SPDX-License-Identifier: MIT
// Rules of parents. The map has all that is known of them: the text comes back from there, with the
// counter of each rule, and every change is a new array of pages.
#include <fmt/core.h>

#include <algorithm>
#include <ctime>

#include "control_impl.hpp"
#include "rules/compile.hpp"
#include "rules/saved.hpp"

namespace bpfvlan {
namespace {

constexpr std::uint32_t kFirstCounter = BV_CHAIN_MAX * BV_MAX_PARENTS;  // before it: the policies'

std::uint32_t policy_counter(std::uint32_t index, bv_chain chain) {
  return BV_CHAIN_MAX * index + chain;
}

// Of a parent without rules. Connections that remember the verdict of rules long gone must not meet
// the same number again, so it does not begin at 1.
std::uint32_t first_generation() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint32_t>(now.tv_sec * 1000 + now.tv_nsec / 1'000'000);
}

// A rule's counter stands in its brackets.
std::string stored_text(const ParentRules& rules) {
  return save_table(rules.chains, false, [&](bv_chain chain, std::size_t i) {
    return Bracket{rules.counters[chain][i], 0};
  });
}

Result<ParentRules> from_stored(const RulesMap::Stored& stored) {
  BV_TRY(auto table, parse_saved(stored.text, RuleFamily::Any));
  ParentRules rules;
  rules.generation = stored.generation;
  for (const auto chain : kChains) {
    auto& from = table.chains[chain];
    rules.chains[chain].policy = from.policy.value_or(BV_TARGET_ACCEPT);
    for (auto& saved : from.rules) {
      rules.chains[chain].rules.push_back({std::move(saved.rule)});
      rules.counters[chain].push_back(static_cast<std::uint32_t>(saved.bracket.first));
    }
  }
  return rules;
}

Result<RuleCount> read_count(const Datapath& dp, std::uint32_t counter) {
  RuleCount sum;
  if (!dp.filter) return sum;
  BV_TRY(const auto cpus, dp.filter->rule_counts.per_cpu(counter));
  for (const auto& v : cpus) {
    sum.packets += v.packets;
    sum.bytes += v.bytes;
  }
  return sum;
}

Result<> write_count(const Datapath& dp, std::uint32_t counter, const RuleCount& count) {
  return dp.filter->rule_counts.write_per_cpu(counter, {count.packets, count.bytes});
}

tl::unexpected<Error> no_rule(bv_chain chain, std::size_t number, std::size_t last) {
  return refuse(
      std::errc::invalid_argument,
      fmt::format("chain {} has no rule {}: they are 1 to {}", to_string(chain), number, last));
}

bool names(const ParentRules& rules, std::string_view endpoint) {
  return std::any_of(rules.chains.begin(), rules.chains.end(), [&](const RuleChain& chain) {
    return std::any_of(chain.rules.begin(), chain.rules.end(), [&](const CountedRule& counted) {
      return counted.rule.endpoint && counted.rule.endpoint->value == endpoint;
    });
  });
}

}  // namespace

Result<> Control::Impl::load_rules() {
  if (rules_loaded || !dp->filter) return {};
  for (const auto& [ifindex, parent] : parents) {
    BV_TRY(const auto stored, dp->filter->rules.find(parent.index));
    if (!stored) continue;
    auto read = from_stored(*stored);
    if (!read)
      return refuse(std::errc::protocol_error, fmt::format("the rules of '{}' in the map: {}",
                                                           parent.ifname, read.error().what));
    rules[ifindex] = std::move(*read);
  }
  rules_loaded = true;
  return {};
}

Result<ParentRules> Control::Impl::rules_of(std::uint32_t parent) {
  BV_CHECK(load_rules());
  const auto found = rules.find(parent);
  return found == rules.end() ? ParentRules{} : found->second;
}

Result<> Control::Impl::write_rules(std::uint32_t parent, ParentRules changed,
                                    std::optional<std::uint32_t> without) {
  RulesToCompile all;
  for (const auto& [host_side, ep] : endpoints)
    if (ep.parent == parent && host_side != without) all.endpoints[ep.name] = ep.id;
  const auto index = parents.at(parent).index;
  changed.generation = (changed.generation ? changed.generation : first_generation()) + 1;
  if (changed.generation == 0) changed.generation = 1;
  for (const auto chain : kChains) {
    auto& to = all.chains[chain];
    to.policy = changed.chains[chain].policy;
    to.policy_counter = policy_counter(index, chain);
    to.counters = changed.counters[chain];
    for (const auto& counted : changed.chains[chain].rules) to.rules.push_back(&counted.rule);
  }
  all.generation = changed.generation;
  all.text = stored_text(changed);
  BV_TRY(const auto pages, compile_rules(all));
  BV_CHECK(dp->need_filter());
  BV_CHECK(dp->filter->rules.replace(index, pages));
  rules[parent] = std::move(changed);
  return {};
}

// The lowest that no rule has, of any parent; `count` of them.
Result<std::vector<std::uint32_t>> Control::Impl::free_counters(
    std::size_t count, std::optional<std::uint32_t> but_of) const {
  std::vector<bool> used(kFirstCounter + BV_MAX_RULES);
  for (const auto& [parent, set] : rules)
    if (parent != but_of)
      for (const auto& counters : set.counters)
        for (const auto counter : counters) used.at(counter) = true;
  std::vector<std::uint32_t> free;
  for (std::uint32_t i = kFirstCounter; i < used.size() && free.size() < count; ++i)
    if (!used[i]) free.push_back(i);
  if (free.size() < count)
    return refuse(
        std::errc::no_space_on_device,
        fmt::format("there would be more than {} rules, of all parents together", BV_MAX_RULES));
  return free;
}

// An endpoint of another parent can never be met. One that the parent's rules name already may be
// gone for now, so that what was saved can be restored.
Result<> Control::Impl::check_endpoint_of(const Rule& rule, std::uint32_t parent,
                                          const ParentRules& before) const {
  if (!rule.endpoint || names(before, rule.endpoint->value)) return {};
  BV_TRY(const auto host_side, find_endpoint(rule.endpoint->value));
  const auto& ep = endpoints.at(host_side);
  if (ep.parent == parent) return {};
  return refuse(std::errc::invalid_argument,
                fmt::format("endpoint '{}' is one of '{}', not of '{}'", ep.name,
                            parents.at(ep.parent).ifname, parents.at(parent).ifname));
}

Result<> Control::Impl::put_rule(const std::string& name, bv_chain chain, const Rule& rule,
                                 Place place, std::size_t number) {
  BV_TRY(const auto parent, find_parent(name));
  BV_TRY(auto set, rules_of(parent));
  auto& list = set.chains[chain].rules;
  auto& counters = set.counters[chain];
  if (place == Place::Append) number = list.size() + 1;
  const auto last = list.size() + (place == Place::Replace ? 0 : 1);
  if (number < 1 || number > last) return no_rule(chain, number, last);
  BV_CHECK(check_endpoint_of(rule, parent, set));
  BV_CHECK(dp->need_filter());
  BV_TRY(const auto counter, free_counters(1, {}));
  BV_CHECK(write_count(*dp, counter[0], {}));
  const auto at = static_cast<std::ptrdiff_t>(number - 1);
  if (place == Place::Replace) {
    list[number - 1].rule = rule;
    counters[number - 1] = counter[0];
  } else {
    list.insert(list.begin() + at, {rule});
    counters.insert(counters.begin() + at, counter[0]);
  }
  return write_rules(parent, std::move(set));
}

Result<> Control::append_rule(const std::string& parent, bv_chain chain, const Rule& rule) {
  return impl_->put_rule(parent, chain, rule, Impl::Place::Append);
}

Result<> Control::insert_rule(const std::string& parent, bv_chain chain, std::size_t number,
                              const Rule& rule) {
  return impl_->put_rule(parent, chain, rule, Impl::Place::Insert, number);
}

Result<> Control::replace_rule(const std::string& parent, bv_chain chain, std::size_t number,
                               const Rule& rule) {
  return impl_->put_rule(parent, chain, rule, Impl::Place::Replace, number);
}

Result<> Control::delete_rule(const std::string& name, bv_chain chain, std::size_t number) {
  auto& c = *impl_;
  BV_TRY(const auto parent, c.find_parent(name));
  BV_TRY(auto set, c.rules_of(parent));
  auto& list = set.chains[chain].rules;
  if (list.empty())
    return refuse(std::errc::invalid_argument,
                  fmt::format("chain {} has no rules", to_string(chain)));
  if (number < 1 || number > list.size()) return no_rule(chain, number, list.size());
  const auto at = static_cast<std::ptrdiff_t>(number - 1);
  list.erase(list.begin() + at);
  set.counters[chain].erase(set.counters[chain].begin() + at);
  return c.write_rules(parent, std::move(set));
}

Result<> Control::delete_rule(const std::string& name, bv_chain chain, const Rule& rule) {
  auto& c = *impl_;
  BV_TRY(const auto parent, c.find_parent(name));
  BV_TRY(const auto set, c.rules_of(parent));
  const auto& list = set.chains[chain].rules;
  const auto found = std::find_if(list.begin(), list.end(),
                                  [&](const auto& counted) { return counted.rule == rule; });
  if (found == list.end())
    return refuse(std::errc::invalid_argument,
                  fmt::format("chain {} has no such rule: {}", to_string(chain), to_text(rule)));
  return delete_rule(name, chain, static_cast<std::size_t>(found - list.begin()) + 1);
}

Result<> Control::flush_rules(const std::string& name, std::optional<bv_chain> which) {
  auto& c = *impl_;
  BV_TRY(const auto parent, c.find_parent(name));
  BV_TRY(auto set, c.rules_of(parent));
  for (const auto chain : kChains) {
    if (which && *which != chain) continue;
    set.chains[chain].rules.clear();
    set.counters[chain].clear();
  }
  return c.write_rules(parent, std::move(set));
}

Result<> Control::set_chain_policy(const std::string& name, bv_chain chain, bv_target policy) {
  auto& c = *impl_;
  BV_TRY(const auto parent, c.find_parent(name));
  BV_TRY(auto set, c.rules_of(parent));
  set.chains[chain].policy = policy;
  return c.write_rules(parent, std::move(set));
}

Result<RuleChains> Control::rules(const std::string& name) const {
  auto& c = *impl_;
  BV_TRY(const auto parent, c.find_parent(name));
  BV_TRY(auto set, c.rules_of(parent));
  for (const auto chain : kChains) {
    auto& to = set.chains[chain];
    BV_TRY(to.count, read_count(*c.dp, policy_counter(c.parents.at(parent).index, chain)));
    for (std::size_t i = 0; i < to.rules.size(); ++i) {
      BV_TRY(to.rules[i].count, read_count(*c.dp, set.counters[chain][i]));
    }
  }
  return set.chains;
}

// The old rules count until the new ones are there, so that the new ones' counters are others; if
// that many are not free, the old ones' too, and these are set afterwards.
Result<> Control::restore_rules(const std::string& name, const RestoredRules& restored,
                                bool counters) {
  auto& c = *impl_;
  BV_TRY(const auto parent, c.find_parent(name));
  BV_TRY(const auto before, c.rules_of(parent));
  ParentRules set;
  set.generation = before.generation;
  std::size_t count = 0;
  for (const auto chain : kChains) {
    set.chains[chain] = restored.chains[chain];
    if (!restored.has_policy[chain]) set.chains[chain].policy = before.chains[chain].policy;
    count += restored.chains[chain].rules.size();
    for (const auto& [rule, counted, line] : restored.chains[chain].rules) {
      const auto good = c.check_endpoint_of(rule, parent, before);
      if (!good)
        return refuse(std::errc::invalid_argument,
                      fmt::format("line {}: {}", line, good.error().what));
    }
  }
  BV_CHECK(c.dp->need_filter());
  auto all = c.free_counters(count, {});
  const bool after = !all;
  if (after) {
    BV_TRY(all, c.free_counters(count, parent));
  }

  std::vector<std::pair<std::uint32_t, RuleCount>> counts;
  auto next = all->begin();
  for (const auto chain : kChains) {
    const auto index = c.parents.at(parent).index;
    counts.emplace_back(policy_counter(index, chain), restored.chains[chain].count);
    for (const auto& counted : restored.chains[chain].rules) {
      set.counters[chain].push_back(*next);
      counts.emplace_back(*next++, counted.count);
    }
  }
  const auto write_counts = [&](bool policies) -> Result<> {
    for (const auto& [counter, value] : counts)
      if ((counter < kFirstCounter) == policies)
        BV_CHECK(write_count(*c.dp, counter, counters ? value : RuleCount{}));
    return {};
  };
  if (!after) BV_CHECK(write_counts(false));
  BV_CHECK(c.write_rules(parent, std::move(set)));
  if (after) BV_CHECK(write_counts(false));
  return write_counts(true);
}

// Nobody has it: rules that name it match no packet until one of that name comes.
Result<> Control::Impl::follow_endpoint(std::uint32_t host_side, bool leaves) {
  const auto& ep = endpoints.at(host_side);
  if (!parents.contains(ep.parent)) return {};
  BV_TRY(auto set, rules_of(ep.parent));
  if (!names(set, ep.name)) return {};
  return write_rules(ep.parent, std::move(set),
                     leaves ? std::optional(host_side) : std::optional<std::uint32_t>{});
}

Result<> Control::Impl::zero_policy_counts(const bv_parent& parent) const {
  if (!dp->filter) return {};
  for (const auto chain : kChains)
    BV_CHECK(write_count(*dp, policy_counter(parent.index, chain), {}));
  return {};
}

Result<> Control::Impl::forget_rules(std::uint32_t parent) {
  if (dp->filter) BV_CHECK(dp->filter->rules.erase(parents.at(parent).index));
  rules.erase(parent);
  return {};
}

}  // namespace bpfvlan
