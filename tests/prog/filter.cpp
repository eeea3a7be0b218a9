// SPDX-License-Identifier: MIT
#include "filter.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>

#include "bpfvlan/rules.hpp"
#include "conntrack_settings.hpp"
#include "programs.hpp"
#include "rules/compile.hpp"
#include "rules/words.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::uint32_t kFirstRule = BV_CHAIN_MAX * BV_MAX_PARENTS;

template <class T>
T value_of(Result<T> result, const std::string& what) {
  if (!result) throw std::logic_error(what + ": " + result.error().what);
  return std::move(*result);
}

Rule parse(const std::string& text) {
  const auto words = value_of(split_words(text), text);
  return value_of(parse_rule(words), text);
}

const Chain& chain_of(const World& world, bv_chain chain) {
  return chain == BV_CHAIN_INPUT ? world.input : world.output;
}

bool has_rules(const World& world) {
  return std::any_of(kChains.begin(), kChains.end(), [&](bv_chain chain) {
    const Chain& c = chain_of(world, chain);
    return !c.rules.empty() || c.policy != BV_TARGET_ACCEPT;
  });
}

RulePages compile(const World& world) {
  std::array<std::vector<Rule>, BV_CHAIN_MAX> rules;
  RulesToCompile all;
  for (const bv_chain chain : kChains) {
    const Chain& written = chain_of(world, chain);
    for (const auto& text : written.rules) rules.at(chain).push_back(parse(text));
    auto& c = all.chains.at(chain);
    c.policy = written.policy;
    c.policy_counter = policy_counter(chain);
    for (std::size_t i = 0; i < rules.at(chain).size(); ++i) {
      c.rules.push_back(&rules.at(chain)[i]);
      c.counters.push_back(rule_counter(chain, i));
    }
  }
  all.endpoints = {{"sender", kSenderId}, {"receiver", kReceiverId}, {"third", kThirdId}};
  return value_of(compile_rules(all), "rules");
}

}  // namespace

std::uint32_t rule_counter(bv_chain chain, std::size_t rule) {
  return kFirstRule + BV_CHAIN_RULES * static_cast<std::uint32_t>(chain) +
         static_cast<std::uint32_t>(rule);
}

std::uint32_t policy_counter(bv_chain chain) {
  return BV_CHAIN_MAX * kParentIndex + static_cast<std::uint32_t>(chain);
}

void install_filter(const World& world, Programs& programs) {
  programs.need_filter();
  programs.call_filter(world.filter_program == FilterProgram::kThere);
  programs.put("ct_settings", std::uint32_t{0}, default_ct_settings(ticks_per_1000_seconds()));
  programs.zero("conntrack");
  if (world.table_full) fill_table(programs, BV_CONN_SEEN_REPLY | BV_CONN_ASSURED);
  programs.zero("ct_stats");
  programs.clear("ct_fragments");
  for (const bv_chain chain : kChains) {
    programs.clear_rule_count(policy_counter(chain));
    for (std::size_t i = 0; i < chain_of(world, chain).rules.size(); ++i)
      programs.clear_rule_count(rule_counter(chain, i));
  }
  // Whether all is accepted by no rules or by none at all is not the same code.
  if (has_rules(world))
    programs.put_pages(kParentIndex, compile(world));
  else
    programs.erase_pages(kParentIndex);
}

void fill_table(Programs& programs, std::uint8_t status, FillTable places) {
  const auto settings = *programs.find<bv_ct_settings>("ct_settings", std::uint32_t{0});
  const std::uint32_t now = programs.now_ticks();
  for (std::uint32_t i = 0; i < programs.connections() / BV_CONN_WAYS; ++i) {
    auto set = *programs.find<bv_conn_set>("conntrack", i);
    for (std::size_t way = 0; way < BV_CONN_WAYS; ++way) {
      if (places == FillTable::kFreePlaces && set.tag[way]) continue;
      set.tag[way] = 1;
      set.conn[way] = {};
      set.conn[way].status_state = status;
      set.conn[way].expires = now + settings.timeout[BV_CT_TIMEOUT_TCP_ESTABLISHED];
    }
    programs.put("conntrack", i, set);
  }
}

std::vector<bv_conn> connections(const Programs& programs) {
  const auto settings = *programs.find<bv_ct_settings>("ct_settings", std::uint32_t{0});
  const std::uint32_t now = programs.now_ticks();
  std::vector<bv_conn> out;
  for (std::uint32_t i = 0; i < programs.connections() / BV_CONN_WAYS; ++i) {
    const auto set = *programs.find<bv_conn_set>("conntrack", i);
    for (std::size_t way = 0; way < BV_CONN_WAYS; ++way) {
      const bv_conn& conn = set.conn[way];
      const std::uint32_t left = conn.expires - now;
      if (set.tag[way] && left && left <= settings.longest) out.push_back(conn);
    }
  }
  return out;
}

}  // namespace bpfvlan::test
