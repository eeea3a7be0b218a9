// SPDX-License-Identifier: MIT
// The tests that rows name, held against the suites' own lists.
#pragma once

#include <string>
#include <vector>

namespace bpfvlan::test {

// Prints each row whose difference names no test that there is, by its whole name; false if there
// is any. `suites`: NAME=BINARY, of GoogleTest.
bool check_named_tests(const std::vector<std::string>& suites);

}  // namespace bpfvlan::test
