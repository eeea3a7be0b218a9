// SPDX-License-Identifier: MIT
// The filter table in iptables-save's format, whatever the brackets before a rule mean.
#pragma once

#include <functional>

#include "bpfvlan/rules.hpp"

namespace bpfvlan {

// The two numbers in brackets.
struct Bracket {
  std::uint64_t first = 0, second = 0;
};

struct SavedRule {
  Rule rule;
  Bracket bracket{};
  std::size_t line = 0;
};

struct SavedTable {
  struct Chain {
    std::optional<bv_target> policy{};
    Bracket bracket{};
    std::vector<SavedRule> rules{};
  };
  std::array<Chain, BV_CHAIN_MAX> chains{};
  std::vector<std::string> notices{};
};

Result<SavedTable> parse_saved(std::string_view text, RuleFamily family);

// Of one rule: what is to be in the brackets before it; nothing: no brackets.
using BracketOf = std::function<std::optional<Bracket>(bv_chain, std::size_t rule)>;
// `counts`: those of the policies, else 0.
std::string save_table(const RuleChains& chains, bool counts, const BracketOf& bracket_of);

}  // namespace bpfvlan
