// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "bpfvlan/result.hpp"

namespace bpfvlan {

struct Feature {
  std::string name;
  bool present = false;
  std::string since;    // first kernel that has it
  std::string without;  // what its lack costs
};

// Asks the running kernel, by trying where it can; changes nothing.
Result<std::vector<Feature>> probe_features();

std::string kernel_release();

}  // namespace bpfvlan
