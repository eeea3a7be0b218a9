// SPDX-License-Identifier: MIT
// An address as the maps have it: a hash map for each family, and an index before it. Whoever adds
// or takes away does it here, so that the two agree.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <ctime>

#include "bpfvlan/ip_prefix.hpp"
#include "datapath.hpp"

namespace bpfvlan {

inline bv_addr4_key key4(std::uint32_t parent, const IpPrefix& a) {
  bv_addr4_key key{.parent = parent, .addr = {}};
  std::copy_n(a.addr.begin(), sizeof(key.addr), key.addr);
  return key;
}

inline bv_addr6_key key6(std::uint32_t parent, const IpPrefix& a) {
  bv_addr6_key key{.parent = parent, .addr = {}};
  std::copy_n(a.addr.begin(), sizeof(key.addr), key.addr);
  return key;
}

// f(map, key) with the map and the key of the address's family.
template <class F>
auto with_map(const Datapath& dp, std::uint32_t parent, const IpPrefix& a, F f) {
  return a.family == AF_INET ? f(dp.addr4, key4(parent, a)) : f(dp.addr6, key6(parent, a));
}

inline Result<std::optional<bv_addr>> find_address(const Datapath& dp, std::uint32_t parent,
                                                   const IpPrefix& a) {
  return with_map(dp, parent, a, [](const auto& map, const auto& key) { return map.find(key); });
}

inline IpPrefix prefix_of(const bv_addr4_key& key, std::uint8_t length) {
  IpPrefix p{.family = AF_INET, .length = length};
  std::copy(std::begin(key.addr), std::end(key.addr), p.addr.begin());
  return p;
}

inline IpPrefix prefix_of(const bv_addr6_key& key, std::uint8_t length) {
  IpPrefix p{.family = AF_INET6, .length = length};
  std::copy(std::begin(key.addr), std::end(key.addr), p.addr.begin());
  return p;
}

// `taken`: there is an entry that it takes the place of; else that is an error.
Result<> put_address(const Datapath& dp, std::uint32_t parent, const IpPrefix& a,
                     const bv_addr& value, bool taken);
// Of the endpoint with this id; gone already is good too.
Result<> erase_address(const Datapath& dp, std::uint32_t parent, const IpPrefix& a,
                       std::uint32_t id);

// The programs' clock: now_seconds() in bpf/core/tables.h.
inline std::uint32_t now_seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint32_t>(now.tv_sec);
}

// It is anybody's who comes.
inline bool expired(const bv_addr& value) {
  return value.age && now_seconds() - value.seen > value.age;
}

}  // namespace bpfvlan
