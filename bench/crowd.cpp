// SPDX-License-Identifier: MIT
#include "crowd.hpp"

#include <net/if.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <vector>

#include "bpfvlan/test/frame.hpp"
#include "world.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::uint32_t kEverybody = BV_GROUP_BUCKETS + kParentIndex;

Bytes report(std::uint8_t type) {
  return frame(Ethernet{.dst = kCrowdMac, .src = kMac},
               IPv4{.dst = kCrowdGroup, .ttl = 1, .options = kRouterAlert4},
               Igmp{.type = type, .group = kCrowdGroup});
}

}  // namespace

Sink::Sink() {
  // Its other end is down.
  if (std::system("ip link add bv-sink up type veth peer name bv-sink-in") != 0)
    throw std::system_error(EINVAL, std::generic_category(), "a veth pair");
  device_ = if_nametoindex("bv-sink");
}

void add_crowd(Programs& programs, const Devices& devices, const Sink& sink, const Crowd& crowd) {
  std::vector<std::uint64_t> hints(programs.chunks());
  bv_group_chunks chunks{};
  for (std::uint32_t id = 0; id < crowd.endpoints; ++id) {
    bv_port port{};
    port.host_side = sink.device();
    port.id = id;
    port.parent = devices.parent();
    port.mode = BV_MODE_L2;
    programs.put("ports", id, port);
    programs.put("ep_state", id, bv_ep_state{});
    hints[id / 64] |= std::uint64_t{1} << id % 64;
    chunks.words[id / 64 / 64] |= std::uint64_t{1} << id / 64 % 64;
    const bool member = id % (crowd.endpoints / crowd.members) == 0 &&
                        id / (crowd.endpoints / crowd.members) < crowd.members;
    if (member || crowd.left) send_as(id, report(Igmp::kV2Report), devices, programs);
    if (!member && crowd.left) send_as(id, report(Igmp::kV2Leave), devices, programs);
  }
  for (std::uint32_t chunk = 0; chunk < programs.chunks(); ++chunk)
    programs.put("group_hints", kEverybody * programs.chunks() + chunk, hints[chunk]);
  programs.put("group_chunks", kEverybody, chunks);

  auto sender = *programs.find<bv_endpoint>("endpoints", devices.sender());
  sender.id = BV_DEFAULT_ENDPOINTS;  // nobody's
  programs.put(devices.sender(), sender);
}

}  // namespace bpfvlan::test
