// SPDX-License-Identifier: MIT
// The inside of Conntrack.
#pragma once

#include <map>
#include <set>
#include <unordered_map>

#include "bpf_map.hpp"
#include "bpfvlan/conntrack.hpp"
#include "conntrack_programs.hpp"

namespace bpfvlan {

// A parent's index and an address, as in ConnectionTuple.
using OwnerKey = std::array<std::uint8_t, 17>;
struct OwnerHash {
  std::size_t operator()(const OwnerKey& key) const;
};

struct Conntrack::Impl {
  BpfMap<std::uint32_t, bv_conn_set> sets;
  BpfMap<std::uint32_t, std::uint64_t> counters;
  ConntrackPrograms programs;
  bool there = false;  // else nothing is filtered, and no table has been made
  bv_ct_settings settings{};
  std::uint32_t max_connections = 0;
  std::optional<std::uint32_t> parent;           // index; none: all
  std::map<std::uint32_t, std::string> parents;  // interface names, by index
  std::set<std::string, std::less<>> endpoints;  // their names, which the next one refers to
  std::unordered_map<OwnerKey, std::string_view, OwnerHash> owners;

  static Result<std::unique_ptr<Impl>> open(const std::string& dir);
  void add_owner(std::uint32_t parent_index, const std::array<std::uint8_t, 16>& address,
                 std::string_view endpoint);

  // f(bv_conn, Connection) for each that matches; gives how many there were.
  template <class F>
  Result<std::uint64_t> walk(const ConnectionFilter& filter, const Progress& progress, F f) const;

 private:
  void name(std::uint32_t parent_index, Connection& c) const;
};

}  // namespace bpfvlan
