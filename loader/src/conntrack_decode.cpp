// SPDX-License-Identifier: MIT
#include "conntrack_decode.hpp"

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <netinet/in.h>

#include <cstring>

namespace bpfvlan {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::uint16_t number(const std::uint8_t (&port)[2]) {
  return static_cast<std::uint16_t>(port[0] << 8 | port[1]);
}

// The answer to a query of ICMP: RFC 792, 950, 4443, 4620.
std::uint8_t icmp_answer(std::uint8_t protocol, std::uint8_t query) {
  if (protocol == IPPROTO_ICMPV6) return static_cast<std::uint8_t>(query + 1);
  return query == ICMP_ECHO ? std::uint8_t{ICMP_ECHOREPLY} : static_cast<std::uint8_t>(query + 1);
}

bool is_icmp(std::uint8_t protocol) {
  return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

}  // namespace

Connection decode(const bv_conn& conn, std::uint32_t now, std::uint32_t ticks_per_1000_seconds) {
  Connection c;
  const int tcp_state = conn.status_state >> 4;
  std::array<std::uint8_t, 16> lo, hi;
  std::copy(std::begin(conn.lo), std::end(conn.lo), lo.begin());
  std::copy(std::begin(conn.hi), std::end(conn.hi), hi.begin());
  c.family = std::equal(kMapped.begin(), kMapped.end(), lo.begin()) &&
                     std::equal(kMapped.begin(), kMapped.end(), hi.begin())
                 ? AF_INET
                 : AF_INET6;
  c.protocol = conn.protocol;
  if (conn.protocol == IPPROTO_TCP)
    c.state = tcp_state < BV_TCP_MAX ? static_cast<bv_tcp_state>(tcp_state) : BV_TCP_NONE;
  c.seen_reply = conn.status_state & BV_CONN_SEEN_REPLY;
  c.assured = conn.status_state & BV_CONN_ASSURED;
  c.seconds_left =
      static_cast<std::uint32_t>(std::uint64_t{conn.expires - now} * 1000 / ticks_per_1000_seconds);

  const bool from_lo = conn.status_state & BV_CONN_LO_STARTED;
  auto &there = c.original, &back = c.reply;
  there.src = back.dst = from_lo ? lo : hi;
  there.dst = back.src = from_lo ? hi : lo;
  if (is_icmp(conn.protocol)) {
    there.icmp_id = back.icmp_id = number(conn.port[0]);
    there.icmp_type = conn.port[1][0];
    back.icmp_type = icmp_answer(conn.protocol, there.icmp_type);
  } else {
    there.sport = back.dport = number(conn.port[from_lo ? 0 : 1]);
    there.dport = back.sport = number(conn.port[from_lo ? 1 : 0]);
  }
  for (int d = 0; d < 2; ++d) {
    auto& tuple = d == 0 ? there : back;
    tuple.packets = std::uint64_t{conn.packets_high[d]} << 32 | conn.packets[d];
    tuple.bytes = std::uint64_t{conn.bytes_high[d]} << 32 | conn.bytes[d];
  }
  return c;
}

}  // namespace bpfvlan
