// SPDX-License-Identifier: MIT
// What `ethtool -k` shows of a device in the calling thread's namespace, by the requests that every
// kernel has.
#pragma once

#include <string>

#include "bpfvlan/result.hpp"

namespace bpfvlan {

// Are checksums of what it sends left to it?
Result<bool> finishes_checksums(const std::string& device);
// Does it take VLAN tags out of what it receives?
Result<bool> takes_tags_out(const std::string& device);

Result<bool> has_gro(const std::string& device);
Result<> set_gro(const std::string& device, bool on);

}  // namespace bpfvlan
