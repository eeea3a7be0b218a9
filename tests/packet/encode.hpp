// SPDX-License-Identifier: MIT
// One overload per layer: its header, given what it carries and what carries it.
#pragma once

#include <cstdint>

#include "bpfvlan/test/frame.hpp"

namespace bpfvlan::test {

struct Surroundings {
  const Bytes& inner;       // all that follows, ready
  std::uint16_t ethertype;  // of the layer that follows
  std::uint8_t protocol;    // likewise, in IP's numbers
  bool above_mpls;          // the layer that follows is one more MPLS label
  const Layer* ip;          // nearest IPv4 or IPv6 layer further out, or nullptr
};

Bytes encode(const Ethernet& eth, const Surroundings& around);
Bytes encode(const Vlan& vlan, const Surroundings& around);
Bytes encode(const Mpls& mpls, const Surroundings& around);
Bytes encode(const Arp& arp, const Surroundings& around);
Bytes encode(const Pause& pause, const Surroundings& around);
Bytes encode(const Lldp& lldp, const Surroundings& around);
Bytes encode(const IPv4& ip, const Surroundings& around);
Bytes encode(const IPv6& ip, const Surroundings& around);
Bytes encode(const HopByHop& header, const Surroundings& around);
Bytes encode(const DestinationOptions& header, const Surroundings& around);
Bytes encode(const Routing& routing, const Surroundings& around);
Bytes encode(const Fragment& fragment, const Surroundings& around);
Bytes encode(const Udp& udp, const Surroundings& around);
Bytes encode(const Tcp& tcp, const Surroundings& around);
Bytes encode(const IcmpEcho& echo, const Surroundings& around);
Bytes encode(const Icmp6Echo& echo, const Surroundings& around);
Bytes encode(const IcmpError& error, const Surroundings& around);
Bytes encode(const Icmp6Error& error, const Surroundings& around);
Bytes encode(const NeighborSolicitation& ns, const Surroundings& around);
Bytes encode(const NeighborAdvertisement& na, const Surroundings& around);
Bytes encode(const Igmp& igmp, const Surroundings& around);
Bytes encode(const IgmpV3Report& report, const Surroundings& around);
Bytes encode(const Mld& mld, const Surroundings& around);
Bytes encode(const MldV2Report& report, const Surroundings& around);
Bytes encode(const Dhcp& dhcp, const Surroundings& around);
Bytes encode(const Raw& raw, const Surroundings& around);

// Of a header and what follows it; with IP's pseudo header if `protocol` has one there.
std::uint16_t transport_checksum(const Surroundings& around, std::uint8_t protocol,
                                 const Bytes& header);
std::uint16_t message_checksum(const Surroundings& around, const Bytes& header);

inline void put8(Bytes& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value));
}
inline void put16(Bytes& out, std::size_t value) {
  put8(out, value >> 8);
  put8(out, value);
}
inline void put32(Bytes& out, std::size_t value) {
  put16(out, value >> 16);
  put16(out, value);
}
template <class Range>
void put(Bytes& out, const Range& range) {
  // Not insert(): GCC 12 takes its copy of a short vector for one out of bounds at -O3.
  for (const auto byte : range) out.push_back(byte);
}
inline void set16(Bytes& out, std::size_t at, std::uint16_t value) {
  out[at] = static_cast<std::uint8_t>(value >> 8);
  out[at + 1] = static_cast<std::uint8_t>(value);
}

}  // namespace bpfvlan::test
