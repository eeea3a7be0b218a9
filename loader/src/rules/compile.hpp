// SPDX-License-Identifier: MIT
// Rules into the pages that the programs read: schema_rules.h.
#pragma once

#include <map>

#include "bpfvlan/rules.hpp"
#include "pages.hpp"

namespace bpfvlan {

struct RulesToCompile {
  struct Chain {
    bv_target policy = BV_TARGET_ACCEPT;
    std::uint32_t policy_counter = 0;
    std::vector<const Rule*> rules{};
    std::vector<std::uint32_t> counters{};  // of each rule
  };
  std::array<Chain, BV_CHAIN_MAX> chains{};
  std::map<std::string, std::uint32_t> endpoints{};  // ids; what has none here matches nothing
  std::uint32_t generation = 1;
  std::string text{};
};

Result<RulePages> compile_rules(const RulesToCompile& rules);

}  // namespace bpfvlan
