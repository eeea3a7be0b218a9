// SPDX-License-Identifier: MIT
// What parents and endpoints are, and what the parent's netfilter sees of their traffic.
#pragma once

#include "comparison.hpp"
#include "topology.hpp"

namespace bpfvlan::test {

Result<Comparisons> compare_objects(const Setting& setting);

}  // namespace bpfvlan::test
