// SPDX-License-Identifier: MIT
// A frame and where it is put in; what was seen of it, where.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bpfvlan/test/address.hpp"
#include "topology.hpp"

namespace bpfvlan::test {

// Checksum and segmentation left to the device, as the sender asks for it (PACKET_VNET_HDR). The
// layout and the values are those of linux/virtio_net.h, which no C++ compiler takes.
struct Offload {
  static constexpr std::uint8_t kNeedsCsum = 1, kGsoTcp4 = 1, kGsoTcp6 = 4;
  std::uint8_t flags = 0;
  std::uint8_t gso_type = 0;
  std::uint16_t header_len = 0;  // host byte order, like the rest here
  std::uint16_t gso_size = 0;
  std::uint16_t csum_start = 0;
  std::uint16_t csum_offset = 0;
  auto operator<=>(const Offload&) const = default;
};
static_assert(sizeof(Offload) == 10);

struct FrameCase {
  Place at = Place::X;  // sent on this place's interface
  Bytes frame;
  Offload offload{};
};

// The last bytes of a frame tell which one it is: a magic number and a number in network order.
inline constexpr std::size_t kMarkerSize = 8;
void mark(Bytes& frame, std::uint32_t number);  // overwrites the end of a frame long enough
std::optional<std::uint32_t> marker_of(const Bytes& frame);

// A VLAN tag that the stack took off.
struct Tag {
  std::uint16_t tpid = 0, tci = 0;
  auto operator<=>(const Tag&) const = default;
};

// One copy of a frame at one point.
struct Seen {
  std::string where;  // interface, or "stack" and an interface: given to the host's protocols
  int type = 0;       // PACKET_HOST, PACKET_OUTGOING, …
  std::optional<Tag> tag{};
  Offload offload{};
  Bytes frame{};
  auto operator<=>(const Seen&) const = default;
};
using Observation = std::vector<Seen>;  // sorted

std::string to_text(const Bytes& frame);  // the beginning as a hex dump
std::string to_text(const Observation& observation, const FrameCase& c);  // what changed
std::string to_text(const FrameCase& c);

}  // namespace bpfvlan::test
