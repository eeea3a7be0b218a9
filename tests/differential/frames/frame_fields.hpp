// SPDX-License-Identifier: MIT
// What a frame says at fixed places, and of whom a copy is.
#pragma once

#include <net/ethernet.h>

#include <algorithm>
#include <cstddef>

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

inline bool is_endpoint(Place place) {
  return place == Place::A || place == Place::B || place == Place::H;
}

inline bool at_endpoint(const Seen& s) {
  return s.where == "a" || s.where == "b" || s.where == "h";
}

}  // namespace bpfvlan::test
