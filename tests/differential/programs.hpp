// SPDX-License-Identifier: MIT
// Other programs than the ones built in, to see whether the judge finds what is wrong with them.
#pragma once

#include <string>

#include "bpfvlan/result.hpp"

namespace bpfvlan::test {

// Replaces the pinned programs of a namespace whose maps are there: parents and endpoints attached
// from here on get those of this object file, with the same maps.
Result<> replace_programs(const std::string& object, const std::string& pin_path);

}  // namespace bpfvlan::test
