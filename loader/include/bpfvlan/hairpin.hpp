// SPDX-License-Identifier: MIT
// Hairpin ports: the other end of a vepa parent's wire, which sends back what is for its sender's
// side (IEEE 802.1Qbg's reflective relay).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bpfvlan/ip_prefix.hpp"
#include "bpfvlan/schema_hairpin.h"
#include "bpfvlan/types.hpp"

namespace bpfvlan {

// BV_HAIRPIN_ENDS: the identifier and the text.
std::string_view hairpin_end_id(bv_hairpin_end end);
std::string_view hairpin_end_text(bv_hairpin_end end);

struct HairpinRequest {
  std::string device;
  std::optional<XdpMode> xdp{};  // unset: what the device is best in, or what the port has
  // Sent back if they come to the device's own MAC address. Unset: none, or what the port has.
  std::optional<std::vector<IpPrefix>> addresses{};
};

struct HairpinStation {
  Mac mac{};
  std::uint16_t vlan = 0;            // 0: untagged
  std::uint32_t unused_seconds = 0;  // since its latest frame
};

struct HairpinCount {
  std::uint64_t packets = 0, bytes = 0;
};

struct HairpinInfo {
  std::string device;
  std::uint32_t ifindex = 0;
  XdpMode xdp{};
  std::string hook;  // of the program on TC ingress: "tcx" or "clsact"
  Mac mac{};         // that the port takes for the device's own
  std::vector<IpPrefix> addresses;
  std::vector<HairpinStation> stations;
  std::array<HairpinCount, BV_HAIRPIN_END_MAX> counts{};
};

}  // namespace bpfvlan
