// SPDX-License-Identifier: MIT
// What all tests of the process share: the namespace, and the loaded objects.
#pragma once

#include <string>
#include <vector>

#include "devices.hpp"
#include "programs.hpp"

namespace bpfvlan::test {

// Paths of the objects, one for each BPF compiler.
const std::vector<std::string>& bpf_objects();

// "clang_19" of ".../bpfvlan.clang-19.bpf.o"
std::string compiler_of(const std::string& object_path);

Devices& devices();

// Loaded when it is first asked for.
Programs& programs(const std::string& object_path);

}  // namespace bpfvlan::test
