// SPDX-License-Identifier: MIT
// An entry of the connection table, read.
#pragma once

#include <algorithm>

#include "bpfvlan/conntrack.hpp"

namespace bpfvlan {

inline bool conn_expired(const bv_conn& conn, std::uint32_t now) {
  return static_cast<std::int32_t>(conn.expires - now) <= 0;
}

inline bv_conn_key conn_key(const bv_conn& conn) {
  bv_conn_key key{};
  std::copy(std::begin(conn.lo), std::end(conn.lo), key.lo);
  std::copy(std::begin(conn.hi), std::end(conn.hi), key.hi);
  std::copy(&conn.port[0][0], &conn.port[0][0] + sizeof(conn.port), &key.port[0][0]);
  key.protocol = conn.protocol;
  key.parent = conn.parent;
  return key;
}

// All but the names. `now` in ticks; the connection has not expired.
Connection decode(const bv_conn& conn, std::uint32_t now, std::uint32_t ticks_per_1000_seconds);

}  // namespace bpfvlan
