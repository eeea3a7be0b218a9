// SPDX-License-Identifier: MIT
// The smallest frame that still shows a difference.
#pragma once

#include "frames/judge.hpp"

namespace bpfvlan::test {

// Shorter, and with as many zero bytes, as it can be.
Result<FrameCase> shrink(Judge& judge, FrameCase c);

}  // namespace bpfvlan::test
