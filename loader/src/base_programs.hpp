// SPDX-License-Identifier: MIT
// The programs on every packet's way, and the maps that they need.
#pragma once

#include <string>
#include <vector>

#include "bpfvlan/schema.h"
#include "pinned_object.hpp"

namespace bpfvlan {

inline constexpr auto kRx = "bv_rx", kLocal = "bv_local", kXmit = "bv_xmit", kNetkit = "bv_netkit";

// Programs and maps of these sizes, pinned in this directory; on failure some are, and some not.
Result<> load_base(const bv_meta& meta, const std::string& dir);

// The programs anew, with the maps that are there.
Result<std::vector<NewProgram>> reload_base(const bv_meta& meta, const std::string& dir);

}  // namespace bpfvlan
