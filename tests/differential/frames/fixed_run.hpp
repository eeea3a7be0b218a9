// SPDX-License-Identifier: MIT
// The fixed list, played.
#pragma once

#include "comparison.hpp"
#include "frames/judge.hpp"

namespace bpfvlan::test {

// Each frame as a comparison of its row: a deliberate difference makes it differ, and so does
// anything unexpected, whose text then begins with "unexplained:".
Result<Comparisons> compare_fixed_frames(Judge& judge, Mode mode, Policy policy);

}  // namespace bpfvlan::test
