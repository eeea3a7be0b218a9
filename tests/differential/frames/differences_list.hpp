// SPDX-License-Identifier: MIT
// The lists of each mode, and what they have in common.
#pragma once

#include "frames/differences.hpp"

namespace bpfvlan::test {

Differences differences_l2(Policy policy);
Differences differences_l3();
Differences differences_l3s();
Differences differences_routed();  // of what endpoints send, in both

bool from_mapped(const FrameCase& c, Observation& seen);
bool from_mapped_elsewhere(const FrameCase& c, Observation& seen);

// There is no trace of it.
bool dropped(Observation& seen);
// It came in by the parent.
bool arrived(const Observation& seen);
bool other_host(const FrameCase& c, Observation& seen);
bool in_vlan(const FrameCase& c, Observation& seen);
bool lying_segments(const FrameCase& c, Observation& seen);

}  // namespace bpfvlan::test
