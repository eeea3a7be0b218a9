// SPDX-License-Identifier: MIT
// libxdp's dispatcher: one program on a device's hook that calls several in turn. Ours joins one
// that is there, and makes none. It is known by the map that it uses, so nothing need be remembered
// of it, whoever was killed.
#pragma once

#include <bpf/libbpf.h>

#include <vector>

#include "xdp.hpp"

namespace bpfvlan {

bool is_dispatcher(const XdpHolder& holder);

// The program of an object that is open and not loaded yet: libxdp loads it as the dispatcher's.
Result<> join_dispatcher(bpf_object& object, const char* program, const Link& link, XdpMode mode);

// The ids of the programs that use this map.
std::vector<std::uint32_t> in_dispatcher(std::uint32_t ifindex, std::uint32_t map_id);
// Takes these off; the others go on. Those that are not there any more are no error.
Result<> leave_dispatcher(std::uint32_t ifindex, const std::vector<std::uint32_t>& programs);

}  // namespace bpfvlan
