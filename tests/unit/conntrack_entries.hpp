// SPDX-License-Identifier: MIT
// Entries of the connection table as the programs would have written them.
#pragma once

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "bpfvlan/conntrack.hpp"

namespace bpfvlan::test {

// What 1000 seconds have with CONFIG_HZ=250.
inline constexpr std::uint32_t kTicks = 250 * 1000 / 16;
// Shortly before ticks overflow.
inline constexpr std::uint32_t kNow = 0xffff'ff00;

struct Entry {
  const char* src;
  const char* dst;
  std::uint8_t protocol;
  std::uint16_t sport = 0, dport = 0;  // of ICMP: type of the query and identifier
  bv_tcp_state state = BV_TCP_NONE;
  int status = 0;  // BV_CONN_SEEN_REPLY, BV_CONN_ASSURED
  std::uint64_t seconds = 0;
  std::uint64_t packets[2]{}, bytes[2]{};
};

inline std::array<std::uint8_t, 16> address(const char* text) {
  return AddressRange::parse(text)->addr;
}

inline bv_conn conn(const Entry& e) {
  bv_conn c{};
  auto lo = address(e.src), hi = address(e.dst);
  std::uint8_t from[2] = {static_cast<std::uint8_t>(e.sport >> 8),
                          static_cast<std::uint8_t>(e.sport)};
  std::uint8_t to[2] = {static_cast<std::uint8_t>(e.dport >> 8),
                        static_cast<std::uint8_t>(e.dport)};
  const bool icmp = e.protocol == IPPROTO_ICMP || e.protocol == IPPROTO_ICMPV6;
  const int by_address = std::memcmp(lo.data(), hi.data(), lo.size());
  const bool from_lo =
      by_address < 0 || (by_address == 0 && !icmp && std::memcmp(from, to, sizeof(to)) <= 0);
  if (!from_lo) std::swap(lo, hi);
  std::copy(lo.begin(), lo.end(), c.lo);
  std::copy(hi.begin(), hi.end(), c.hi);
  if (icmp) {
    std::copy_n(to, 2, c.port[0]);
    c.port[1][0] = from[1];
    c.port[1][1] = from_lo;
  } else {
    std::copy_n(from, 2, c.port[from_lo ? 0 : 1]);
    std::copy_n(to, 2, c.port[from_lo ? 1 : 0]);
  }
  c.protocol = e.protocol;
  c.status_state =
      static_cast<std::uint8_t>(e.status | (from_lo ? BV_CONN_LO_STARTED : 0) | e.state << 4);
  c.expires = kNow + static_cast<std::uint32_t>((e.seconds * kTicks + 999) / 1000);
  for (int d = 0; d < 2; ++d) {
    c.packets[d] = static_cast<std::uint32_t>(e.packets[d]);
    c.packets_high[d] = static_cast<std::uint8_t>(e.packets[d] >> 32);
    c.bytes[d] = static_cast<std::uint32_t>(e.bytes[d]);
    c.bytes_high[d] = static_cast<std::uint16_t>(e.bytes[d] >> 32);
  }
  return c;
}

}  // namespace bpfvlan::test
