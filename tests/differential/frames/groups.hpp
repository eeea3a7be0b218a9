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

// Of an ARP request or a neighbour solicitation: the endpoint whose address it asks for.
std::optional<Place> asked_for(const Bytes& frame);
// The endpoint whose address a frame has as its source, or, in duplicate address detection, will
// have.
std::optional<Place> sender_of(const Bytes& frame);

}  // namespace bpfvlan::test
