// SPDX-License-Identifier: MIT
// Addresses in network order. Written as text in a test; the text is checked when it is built.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bpfvlan::test {

using Bytes = std::vector<std::uint8_t>;

template <std::size_t N>
using Octets = std::array<std::uint8_t, N>;

struct MacAddr {
  Octets<6> octets{};

  constexpr MacAddr() = default;
  constexpr MacAddr(const Octets<6>& o) : octets(o) {}
  MacAddr(const char* text);  // "02:00:00:00:00:01"; throws std::invalid_argument
  bool operator==(const MacAddr&) const = default;
};

struct Ip4Addr {
  Octets<4> octets{};

  constexpr Ip4Addr() = default;
  constexpr Ip4Addr(const Octets<4>& o) : octets(o) {}
  Ip4Addr(const char* text);  // throws std::invalid_argument
  bool operator==(const Ip4Addr&) const = default;
};

struct Ip6Addr {
  Octets<16> octets{};

  constexpr Ip6Addr() = default;
  constexpr Ip6Addr(const Octets<16>& o) : octets(o) {}
  Ip6Addr(const char* text);  // throws std::invalid_argument
  bool operator==(const Ip6Addr&) const = default;
};

}  // namespace bpfvlan::test
