// SPDX-License-Identifier: MIT
// Rules as `iptables -L` prints them, or as JSON: an object for each chain.
#pragma once

#include <optional>

#include "bpfvlan/rules.hpp"
#include "output.hpp"

namespace bpfvlan::cli {

struct RuleColumns {
  bool counts = false;
  bool numbers = false;
};

// `only`: that chain.
void list_rules(const Output& output, const RuleChains& chains, std::optional<bv_chain> only,
                const RuleColumns& columns);

}  // namespace bpfvlan::cli
