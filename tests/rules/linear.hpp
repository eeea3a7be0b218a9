// SPDX-License-Identifier: MIT
// What the rules mean, as plainly as it can be said: to judge what is compiled.
#pragma once

#include <vector>

#include "packet.hpp"

namespace bpfvlan {

bool matches(const Rule& rule, const RulePacket& packet);

// Number of the first rule that matches; their number: none does.
std::size_t first_match(const std::vector<Rule>& rules, const RulePacket& packet);

}  // namespace bpfvlan
