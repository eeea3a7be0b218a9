// SPDX-License-Identifier: MIT
// Random frames by the thousand.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "frames/judge.hpp"

namespace bpfvlan::test {

struct RandomRun {
  std::uint64_t seed = 1;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  unsigned stop_after = 3;  // differences
};

struct RandomDifference {
  std::uint32_t index = 0;
  FrameCase found, shrunk;
  Judged judged;  // of the shrunk frame
};

struct RandomOutcome {
  std::uint32_t frames = 0;
  std::map<std::string, std::uint32_t> rows;  // how many frames each deliberate difference explains
  std::vector<std::string> sometimes;  // that differed, but not each time alone: a defect as well
  std::vector<RandomDifference> differences;
  std::uint64_t digest =
      0xcbf29ce484222325;  // of all that was seen: the same for the same seed and kernel
  double seconds = 0;
};

Result<RandomOutcome> run_random(Judge& judge, const RandomRun& run);

}  // namespace bpfvlan::test
