// SPDX-License-Identifier: MIT
// What a frame says at fixed places, and of whom a copy is.
#pragma once

#include <net/ethernet.h>

#include <algorithm>
#include <cstddef>
#include <optional>

#include "frames/frame_case.hpp"

namespace bpfvlan::test {

inline constexpr std::size_t kEthernet = 14, kIpv4 = 20, kIpv6 = 40;

inline unsigned word(const Bytes& frame, std::size_t at) {
  return at + 1 < frame.size() ? static_cast<unsigned>(frame[at] << 8 | frame[at + 1]) : 0;
}

inline unsigned ethertype(const Bytes& frame) {
  return word(frame, 12);
}

// Whether the frame has these bytes at this place.
template <class Address>
bool has(const Bytes& frame, std::size_t at, const Address& address) {
  return frame.size() >= at + address.octets.size() &&
         std::equal(address.octets.begin(), address.octets.end(),
                    frame.begin() + static_cast<std::ptrdiff_t>(at));
}

// By the destination of an IP packet, from its header on.
inline std::optional<Place> endpoint_it_is_for(const Bytes& packet) {
  for (const auto place : {Place::A, Place::B, Place::H}) {
    const auto& address = address_of(place);
    if (!packet.empty() && (packet[0] >> 4 == 4 ? has(packet, 16, Ip4Addr(address.v4))
                                                : has(packet, 24, Ip6Addr(address.v6))))
      return place;
  }
  return {};
}

// Offset of the IP header behind the Ethernet header and its tags.
inline std::size_t network_at(const Bytes& frame) {
  std::size_t at = kEthernet;
  while (word(frame, at - 2) == ETHERTYPE_VLAN || word(frame, at - 2) == 0x88a8) at += 4;
  return at;
}

// What sockets are given has no padding any more, and a stack writes into IPv4 options.
inline bool is_input_of(const Bytes& packet, const Bytes& frame) {
  const auto at = network_at(frame);
  if (packet.size() < kIpv4 || packet.size() + at > frame.size()) return false;
  const auto same = [&](std::size_t from, std::size_t to) {
    const auto in = [](std::size_t i) { return static_cast<std::ptrdiff_t>(i); };
    return std::equal(packet.begin() + in(from), packet.begin() + in(to),
                      frame.begin() + in(at + from));
  };
  constexpr std::size_t kChecksum = 10, kAddresses = 12;
  const auto header = (packet[0] & 15U) * 4U;
  if (packet[0] >> 4 != 4 || header <= kIpv4 || header > packet.size())
    return same(0, packet.size());
  return same(0, kChecksum) && same(kAddresses, kIpv4) && same(header, packet.size());
}

inline bool at_input(const Seen& s) {
  return s.where.starts_with("input ");
}

inline bool is_endpoint(Place place) {
  return place == Place::A || place == Place::B || place == Place::H;
}

inline bool at_endpoint(const Seen& s) {
  return s.where == "a" || s.where == "b" || s.where == "h";
}

}  // namespace bpfvlan::test
