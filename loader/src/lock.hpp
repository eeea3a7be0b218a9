// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>

#include "bpfvlan/result.hpp"
#include "bpfvlan/unique_fd.hpp"

namespace bpfvlan {

// flock() on a directory: gone with its process, however that ends.
// Fails after `timeout`, naming the process that holds it.
Result<UniqueFd> lock_directory(const std::string& dir, std::chrono::milliseconds timeout);

}  // namespace bpfvlan
