// SPDX-License-Identifier: MIT
// Holds what was compared against the table of rows, and says how it stands.
#pragma once

#include "comparison.hpp"
#include "frames/random_frames.hpp"
#include "topology.hpp"

namespace bpfvlan::test {

// Prints a line for each row and everything that is not as its row says; false if there is any.
// `whole`: every row of the mode that the judge can compare must be among them.
bool report_rows(const Setting& setting, const Comparisons& compared, bool whole);

// False if there were differences, or none when there had to be.
bool report_random(const Setting& setting, const RandomRun& run, const RandomOutcome& outcome,
                   bool must_differ);

}  // namespace bpfvlan::test
