// SPDX-License-Identifier: MIT
// Random layers of a frame, outermost first.
#pragma once

#include <vector>

#include "bpfvlan/test/frame.hpp"
#include "frames/dice.hpp"
#include "topology.hpp"

namespace bpfvlan::test {

Bytes random_bytes(Dice& dice, std::size_t size);
Layer ethernet(Dice& dice, Mode mode, Place at);
void vlan_tags(Dice& dice, std::vector<Layer>& layers);
// The network layer and all above it but the payload.
void network(Dice& dice, Place at, std::vector<Layer>& layers);
// What asks for a neighbour goes to whom a stack would ask, mostly.
void solicit(Dice& dice, std::vector<Layer>& layers);
// What is carried by IPv4 or IPv6; `v6` for the ICMP that belongs to it.
void transport(Dice& dice, bool v6, std::vector<Layer>& layers);

}  // namespace bpfvlan::test
