// SPDX-License-Identifier: MIT
// Comparisons that say which of many numbers is wrong.
#pragma once

#include "programs.hpp"

namespace bpfvlan::test {

// Exactly these counts, and none of any other reason.
void expect_reasons(const Programs& programs, const ReasonCounts& expected);

void expect_endpoint(const Programs& programs, std::uint32_t id, const bv_ep_counters& expected);

// All of the first ids, exactly.
void expect_endpoints(const Programs& programs, const std::vector<bv_ep_counters>& expected);

void expect_verdict(const Programs& programs, const bv_verdict& expected);

// For SCOPED_TRACE: length and bytes of a frame.
std::string describe(const Bytes& frame);

}  // namespace bpfvlan::test
