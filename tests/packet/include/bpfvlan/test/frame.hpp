// SPDX-License-Identifier: MIT
// frame(Ethernet{.dst = ...}, IPv4{.dst = "192.0.2.9", .ttl = 1}, Udp{}, payload(100))
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "bpfvlan/test/layers.hpp"

namespace bpfvlan::test {

using Layer = std::variant<Ethernet, Vlan, Mpls, Arp, Pause, Lldp, IPv4, IPv6, HopByHop,
                           DestinationOptions, Routing, Fragment, Udp, Tcp, IcmpEcho, Icmp6Echo,
                           IcmpError, Icmp6Error, NeighborSolicitation, NeighborAdvertisement, Igmp,
                           IgmpV3Report, Mld, MldV2Report, Dhcp, Raw>;

// Outermost layer first; any order is written as told.
Bytes build(std::span<const Layer> layers);

template <class... Layers>
Bytes frame(Layers... layers) {
  const std::vector<Layer> stack{Layer(std::move(layers))...};
  return build(stack);
}

// Bytes that are not all alike.
Raw payload(std::size_t size);

// Cut off, or padded with zeros.
Bytes resized(Bytes frame, std::size_t size);

}  // namespace bpfvlan::test
