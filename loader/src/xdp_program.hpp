// SPDX-License-Identifier: MIT
// XDP in front of parents: a program of its own, and a map that only it needs, pinned beside the
// others by the first command that wants it. It reads the filter's maps, which are there before.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bpf_map.hpp"
#include "bpfvlan/schema.h"
#include "pinned_object.hpp"
#include "xdp.hpp"

namespace bpfvlan {

// The same program, for native mode and for generic mode.
inline constexpr auto kXdp = "bv_xdp", kXdpGeneric = "bv_xdp_generic";

inline const char* xdp_program_for(XdpMode mode) {
  return mode == BV_XDP_NATIVE ? kXdp : kXdpGeneric;
}

struct XdpMaps {
  // Host sides that the program may hand frames to: key and value are the ifindex.
  BpfMap<std::uint32_t, std::uint32_t> devices;

  static Result<XdpMaps> open(const std::string& dir);
};

bool xdp_loaded(const std::string& dir);
// With the maps that are pinned at `dir` already; what a killed process left of it goes first.
Result<> load_xdp(const std::string& dir, const bv_meta& meta);

// The programs anew, with the maps that are there.
Result<std::vector<NewProgram>> reload_xdp(const std::string& dir, const bv_meta& meta);

// Once more, as one of the programs of the dispatcher that has the hook.
Result<> share_xdp(const std::string& dir, const bv_meta& meta, const Link& link, XdpMode mode);

}  // namespace bpfvlan
