// SPDX-License-Identifier: MIT
// Where a thread runs: which CPU does what is part of what is measured.
#pragma once

#include "bpfvlan/result.hpp"

namespace bpfvlan::test {

// The calling thread, and those that it starts from here on. A negative one: anywhere.
Result<> run_on(int cpu);

}  // namespace bpfvlan::test
