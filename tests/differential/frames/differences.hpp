// SPDX-License-Identifier: MIT
// Where we differ from the driver on purpose, stated exactly: what the driver's observation of a
// frame must turn into to be ours. Whatever else differs is a defect.
#pragma once

#include <functional>
#include <vector>

#include "frames/frame_case.hpp"

namespace bpfvlan::test {

struct Difference {
  const char* row;  // its row in rows.cpp
  // Changes the driver's observation into the expected one; false: it does not apply.
  std::function<bool(const FrameCase& c, Observation& ipvlan)> apply;
};
using Differences = std::vector<Difference>;

Differences differences(const Setting& setting);

// Mode l2. The driver keeps a hash of the groups that an endpoint has joined, and gives it those of
// the same hash as well: which ones, is another matter each time the machine starts. Takes such
// copies out; false if there was none.
bool without_collisions(const Setting& setting, const FrameCase& c, Observation& ipvlan);
inline constexpr const char* kCollisionRow = "rx_group_filter";
// Mode l3s: of all that arrives for an endpoint.
inline constexpr const char* kCapturedRow = "rx_captured";

}  // namespace bpfvlan::test
