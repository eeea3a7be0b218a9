// SPDX-License-Identifier: MIT
// Flows and events that differ on purpose: what the driver does, and what we do, stated beforehand.
#pragma once

#include <string>

#include "comparison.hpp"
#include "topology.hpp"

namespace bpfvlan::test {

// Of a comparison whose row is marked different: what is not as stated. Empty if all is.
std::string unlike_stated(const Comparison& c, const Setting& setting);

}  // namespace bpfvlan::test
