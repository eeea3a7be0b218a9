// SPDX-License-Identifier: MIT
// Real sockets between all places of the network, on both engines.
#pragma once

#include "comparison.hpp"
#include "topology.hpp"

namespace bpfvlan::test {

// TCP, UDP, ICMP echo and ICMP errors between every ordered pair of places, both families:
// outcome, time to live of the answer, and the interfaces that carried it.
Result<Comparisons> compare_flows(const Setting& setting);

// The same of a few flows, before and after something happens to the parent or to an endpoint.
Result<Comparisons> compare_events(const Setting& setting);

}  // namespace bpfvlan::test
