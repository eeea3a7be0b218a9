// SPDX-License-Identifier: MIT
#include <linux/if_packet.h>
#include <netinet/in.h>

#include <optional>

#include "frames/differences_list.hpp"
#include "frames/frame_fields.hpp"

namespace bpfvlan::test {
namespace {

const Seen* arrival(const Observation& seen) {
  const auto at = std::find_if(seen.begin(), seen.end(), [](const Seen& s) {
    return s.where == "P" && s.type != PACKET_OUTGOING && s.type != PACKET_OTHERHOST;
  });
  return at == seen.end() ? nullptr : &*at;
}

// Whose the packet is, if its header is one that is looked at.
std::optional<Place> owner(const Bytes& frame) {
  if (frame.size() < kEthernet + kIpv4) return {};
  const Bytes packet(frame.begin() + kEthernet, frame.end());
  const auto type = ethertype(frame);
  if (type == ETHERTYPE_IP) {
    const auto header = (packet[0] & 15U) * 4U, length = word(packet, 2);
    if (packet[0] >> 4 != 4 || header < kIpv4 || length < header || length > packet.size())
      return {};
    return endpoint_it_is_for(packet);
  }
  if (type != ETHERTYPE_IPV6 || packet.size() < kIpv6 || packet[0] >> 4 != 6 ||
      word(packet, 4) + kIpv6 > packet.size())
    return {};  // with a length that lies it is the host's, who drops it
  return endpoint_it_is_for(packet);
}

// The driver's host has it, and hands it to the endpoint's sockets. Ours comes in by the endpoint's
// interface, whose stack then does the same.
bool by_the_interface(const FrameCase& /*c*/, Observation& seen) {
  const auto* in = arrival(seen);
  const auto to = in && !(in->tag && (in->tag->tci & 0xfff)) ? owner(in->frame) : std::nullopt;
  if (!to) return false;
  Seen copy = *in;
  copy.where = interface_of(*to);
  std::erase_if(seen, [](const Seen& s) { return s.where == "stack P"; });
  seen.push_back(copy);
  if (to == Place::H) {
    copy.where = "stack h";
    copy.tag.reset();
    seen.push_back(copy);
  }
  return true;
}

}  // namespace

Differences differences_l3s() {
  auto all = differences_routed();
  all.insert(all.begin(), {kCapturedRow, by_the_interface});
  return all;
}

}  // namespace bpfvlan::test
