// SPDX-License-Identifier: MIT
// What the filter costs: connections, and rules, however many.
#pragma once

#include "devices.hpp"

namespace bpfvlan::test {

void add_filter_paths(const Devices& devices);

}  // namespace bpfvlan::test
