// SPDX-License-Identifier: MIT
// The parts of the list, by what they are about.
#pragma once

#include <utility>
#include <vector>

#include "bpfvlan/test/frame.hpp"
#include "frames/fixed_frames.hpp"

namespace bpfvlan::test {

using FixedFrames = std::vector<FixedFrame>;

void add_rx_frames(FixedFrames& all);
// Modes in which no endpoint hears groups:
void add_rx_group_frames(FixedFrames& all);
void add_rx_discovery_frames(FixedFrames& all);  // ARP and neighbour discovery
void add_sibling_frames(FixedFrames& all);       // from an endpoint to a sibling, or to none
void add_routed_frames(FixedFrames& all);        // from an endpoint to anybody else
void add_broken_frames(FixedFrames& all);  // from an endpoint, and none that a stack would send
void add_l3s_frames(FixedFrames& all);
// Mode l2:
void add_l2_frames(FixedFrames& all);

// TCP over IPv6 of several segments, as its sender has the device cut it.
inline FrameCase segmented(Ethernet mac, IPv6 network) {
  constexpr std::uint16_t kTransportAt = 14 + 40, kHeader = kTransportAt + 20;
  return {.at = Place::A,
          .frame = frame(mac, network, Tcp{}, payload(1000)),
          .offload = {.flags = Offload::kNeedsCsum,
                      .gso_type = Offload::kGsoTcp6,
                      .header_len = kHeader,
                      .gso_size = 400,
                      .csum_start = kTransportAt,
                      .csum_offset = 16}};
}

// As a stack at this place writes it: X to the parent, endpoints to whomever their routes say.
inline Ethernet from(Place at) {
  return {.dst = at == Place::P ? kMacX : kMacP, .src = at == Place::X ? kMacX : kMacP};
}

template <class... Layers>
FrameCase at(Place place, Layers... layers) {
  return {.at = place, .frame = frame(std::move(layers)..., payload(32))};
}

}  // namespace bpfvlan::test
