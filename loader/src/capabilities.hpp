// SPDX-License-Identifier: MIT
#pragma once

#include "bpfvlan/result.hpp"

namespace bpfvlan {

// Said in one sentence up front, not as EPERM from whichever call comes first.
Result<> check_capabilities();

}  // namespace bpfvlan
