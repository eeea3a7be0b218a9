// SPDX-License-Identifier: MIT
// Where we differ from the driver on purpose, stated exactly: what the driver's observation of a
// frame must turn into to be ours. Whatever else differs is a defect.
#pragma once

#include <span>
#include <string>

#include "frames/frame_case.hpp"

namespace bpfvlan::test {

struct Difference {
  const char* row;  // its row in rows.cpp
  // Changes the driver's observation into the expected one; false: it does not apply.
  bool (*apply)(const FrameCase& c, Observation& ipvlan);
};

std::span<const Difference> differences();

}  // namespace bpfvlan::test
