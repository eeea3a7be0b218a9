// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "bpfvlan/test/address.hpp"

namespace bpfvlan::test {

// RFC 1071, of a whole message: one with its checksum filled in gives 0.
std::uint16_t internet_checksum(const Bytes& message);

}  // namespace bpfvlan::test
