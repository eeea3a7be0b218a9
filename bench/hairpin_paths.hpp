// SPDX-License-Identifier: MIT
// The programs of a hairpin port.
#pragma once

#include "devices.hpp"

namespace bpfvlan::test {

void add_hairpin_paths(const Devices& devices);

}  // namespace bpfvlan::test
