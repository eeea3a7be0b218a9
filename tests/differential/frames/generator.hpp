// SPDX-License-Identifier: MIT
// Random frames: every header field, right, wrong or lying. One (mode, seed, index) is one frame
// for ever: no state goes from one to the next.
#pragma once

#include <cstdint>

#include "frames/frame_case.hpp"

namespace bpfvlan::test {

struct Generated {
  FrameCase c;
  bool marked = false;  // the frame ends with room for a marker
};

// The marker's number is the index, unless the frame is too short or segmented.
Generated generate(Mode mode, std::uint64_t seed, std::uint32_t index);

}  // namespace bpfvlan::test
