// SPDX-License-Identifier: MIT
// Scripts played in both networks: after each frame, what has passed and what the tables say.
#pragma once

#include "comparison.hpp"
#include "topology.hpp"

namespace bpfvlan::test {

Result<Comparisons> compare_conversations(const Setting& setting);

}  // namespace bpfvlan::test
