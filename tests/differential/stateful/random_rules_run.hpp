// SPDX-License-Identifier: MIT
// Random sets of rules, and random packets of connections that meet them, in both networks: what
// passes, and what the counters of rules and policies say in the end.
#pragma once

#include <cstdint>

#include "topology.hpp"

namespace bpfvlan::test {

struct RandomRuleSets {
  std::uint64_t seed = 1;
  std::uint32_t first = 0, count = 20;  // sets: each is made by the seed and its number
  std::uint32_t packets = 80;           // of each set
};

// Prints what differs, and how much was compared.
Result<bool> compare_random_rules(Setting setting, const RandomRuleSets& run);

}  // namespace bpfvlan::test
