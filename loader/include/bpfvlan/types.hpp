// SPDX-License-Identifier: MIT
// What the library takes and gives. Numbers are in host byte order.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bpfvlan/ip_prefix.hpp"
#include "bpfvlan/result.hpp"
#include "bpfvlan/schema.h"

namespace bpfvlan {

using Mode = bv_mode;
using Policy = bv_policy;
using XdpMode = bv_xdp_mode;
using Mac = std::array<std::uint8_t, 6>;

std::string_view to_string(Mode mode);
std::string_view to_string(Policy policy);
std::string_view to_string(XdpMode mode);
std::string_view to_string(bv_device device);
std::string_view to_string(bv_action action);
Result<Mode> parse_mode(std::string_view text);
Result<Policy> parse_policy(std::string_view text);

// BV_REASONS: the identifier (RX_DELIVERED), what it does with the packet, and the text.
std::string_view reason_id(bv_reason reason);
std::string_view reason_text(bv_reason reason);
bv_action reason_action(bv_reason reason);

// Seconds after which an unused learned address is free again, if nobody says otherwise.
inline constexpr std::uint32_t kDefaultLearnAge = 300;

struct AttachRequest {
  std::string parent;
  std::optional<Mode> mode{};      // unset: l3, or what an attached parent has
  std::optional<Policy> policy{};  // unset: bridge, or what an attached parent has
  std::optional<XdpMode> xdp{};    // unset: off, or what an attached parent has
  // Sizes hold for all parents of the namespace; they are fixed when its first one is attached.
  std::optional<std::uint32_t> max_endpoints{};
  std::optional<std::uint32_t> max_addresses{};    // of each family
  std::optional<std::uint32_t> max_connections{};  // rounded up to a power of two
};

struct EndpointRequest {
  std::string name;
  std::string parent;                   // attached with the defaults if nobody has
  std::optional<std::string> netns{};   // NAME, PATH or PID; unset: the parent's namespace
  std::optional<std::string> ifname{};  // unset: the endpoint's name
  std::optional<Mode> mode{};           // unset: follows the parent
  std::optional<Policy> policy{};       // unset: follows the parent
  std::optional<bool> filter{};         // by the parent's rules; unset: in mode l3s
  std::vector<IpPrefix> addresses{};
  bool default_route = false;                        // of each family that has an address
  std::optional<bv_device> device = BV_DEVICE_VETH;  // unset: netkit where the kernel has it
  std::optional<std::uint32_t> mtu{};                // unset: the parent's
  // Seconds after which an unused learned address counts no more; 0: none is learned.
  std::uint32_t learn_age = 0;
  bool takes_xdp = false;  // XDP at the parent hands it its frames
};

struct ParentInfo {
  std::string name;
  std::uint32_t ifindex = 0;
  Mode mode{};
  Policy policy{};
  std::string hook;  // "tcx" or "clsact"
  std::uint32_t endpoints = 0;
  XdpMode xdp{};
  bool xdp_shared = false;  // as one of the programs of libxdp's dispatcher
};

// An address that an endpoint was found to send from.
struct LearnedAddress {
  IpPrefix address;
  std::uint32_t unused_seconds = 0;  // since it was last sent from
};

struct EndpointInfo {
  std::string name;
  std::string parent;
  std::string interface;  // inner side
  std::string host_side;
  std::uint32_t host_ifindex = 0;
  std::string netns;  // as the user named it; empty: the parent's namespace
  Mode mode{};
  Policy policy{};
  bool own_mode = false;  // set for this endpoint, not inherited
  bool own_policy = false;
  bool filter = false;  // what it exchanges with the outside passes the parent's rules
  bool own_filter = false;
  bool takes_xdp = false;  // XDP at the parent hands it its frames
  XdpMode parent_xdp{};
  std::string device;
  std::uint32_t mtu = 0;
  std::vector<IpPrefix> addresses;  // listed: for good
  std::uint32_t learn_age = 0;      // as in EndpointRequest
  std::vector<LearnedAddress> learned;
  std::uint64_t addresses_refused = 0;  // packets from addresses that it could not have
  std::uint32_t groups = 0;             // joined
  std::uint64_t groups_refused = 0;
  std::uint64_t rx_packets = 0, rx_bytes = 0;  // delivered to the endpoint
  std::uint64_t tx_packets = 0, tx_bytes = 0;  // sent by it
  std::uint64_t tx_dropped = 0;                // of these, dropped by a TX_* reason
};

struct ReasonInfo {
  bv_reason reason{};
  std::uint64_t packets = 0, bytes = 0;
};

}  // namespace bpfvlan
