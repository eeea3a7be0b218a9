// SPDX-License-Identifier: MIT
#include "checksum.hpp"

namespace bpfvlan::test {

std::uint16_t internet_checksum(const Bytes& message) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < message.size(); ++i)
    sum += i % 2 ? message[i] : static_cast<std::uint64_t>(message[i]) << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace bpfvlan::test
