// SPDX-License-Identifier: MIT
// An entry of the connection table, read.
#pragma once

#include <algorithm>

#include "bpfvlan/conntrack.hpp"

namespace bpfvlan {

// The programs' conn_expired(), bpf/core/conn_table.h; bv_ct_settings.longest.
inline bool conn_expired(const bv_conn& conn, std::uint32_t now, std::uint32_t longest) {
  return conn.expires - now - 1 >= longest;
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
