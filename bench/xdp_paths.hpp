// SPDX-License-Identifier: MIT
// The program in front of bv_rx, beside bv_rx and the filter with the same frames and rules.
#pragma once

#include "devices.hpp"

namespace bpfvlan::test {

void add_xdp_paths(const Devices& devices);

}  // namespace bpfvlan::test
