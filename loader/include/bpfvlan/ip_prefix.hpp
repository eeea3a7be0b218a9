// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "bpfvlan/result.hpp"

namespace bpfvlan {

// An interface address: host part kept, as in `ip addr`.
struct IpPrefix {
  int family = 0;                       // AF_INET, AF_INET6
  std::array<std::uint8_t, 16> addr{};  // network order; 4 bytes used for AF_INET
  std::uint8_t length = 0;

  // ADDRESS or ADDRESS/LENGTH. Only unicast addresses: an endpoint can have no other.
  static Result<IpPrefix> parse(std::string_view text);

  std::string address() const;  // without the length
  std::string cidr() const;

  // Address alone: two endpoints cannot share it, whatever the lengths.
  bool same_address(const IpPrefix& other) const {
    return family == other.family && addr == other.addr;
  }
  // As a network: is the address in it?
  bool contains(const IpPrefix& address) const;
  bool operator==(const IpPrefix&) const = default;
};

}  // namespace bpfvlan
