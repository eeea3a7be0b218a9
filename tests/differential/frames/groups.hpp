// SPDX-License-Identifier: MIT
// Mode l2: which groups the endpoints' stacks have joined by themselves, and which endpoint a frame
// asks for or comes from.
#pragma once

#include <optional>
#include <vector>

#include "frames/frame_case.hpp"

namespace bpfvlan::test {

bool to_group(const Bytes& frame);
bool has_joined(Place endpoint, const Bytes& frame);
std::vector<Place> members(const Bytes& frame);
// The groups that endpoints tell of: of their IPv6 addresses, for duplicate address detection.
std::vector<MacAddr> reported_groups();

// What an endpoint sends with a priority tag, VLAN 0; the frame without it.
bool has_priority_tag(const Bytes& frame);
Bytes without_priority_tag(Bytes frame);

// The endpoint that a frame is for, as it is sent: the driver then counts the Ethernet header as a
// part of the packet.
std::optional<Place> meant_for(const Bytes& frame);
// Of an ARP request or a neighbour solicitation: the endpoint whose address it asks for.
std::optional<Place> asked_for(const Bytes& frame);
// The endpoint whose address a frame has as its source, or, in duplicate address detection, will
// have.
std::optional<Place> sender_of(const Bytes& frame);

}  // namespace bpfvlan::test
