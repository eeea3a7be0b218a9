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

// Of one rule: what is to be before it, brackets and blank included.
using Prefix = std::function<std::string(bv_chain, std::size_t rule)>;
std::string save_table(const RuleChains& chains, const Prefix& prefix);

std::string bracket_text(std::uint64_t first, std::uint64_t second);

}  // namespace bpfvlan
