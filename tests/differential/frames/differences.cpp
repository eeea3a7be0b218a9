// SPDX-License-Identifier: MIT
#include "frames/differences.hpp"

#include <linux/if_packet.h>
#include <netinet/in.h>

#include "frames/differences_list.hpp"
#include "frames/frame_fields.hpp"

namespace bpfvlan::test {
namespace {

bool on_parent(const Seen& s) {
  return s.where == "P" && s.type != PACKET_OUTGOING;
}

// What the driver delivers to an endpoint goes on to the host's stack with us, which may have it
// anyway.
template <class Which>
bool passed_to_host(Observation& seen, Which which) {
  const auto moves = [&](const Seen& s) { return at_endpoint(s) && which(s); };
  const auto any = [&](auto test) { return std::any_of(seen.begin(), seen.end(), test); };
  if (!arrived(seen) || !any(moves)) return false;
  const bool host_has_it = any([](const Seen& s) { return s.where == "stack P"; });
  if (any([&](const Seen& s) { return s.where == "h" && moves(s); }))
    std::erase_if(seen, [](const Seen& s) { return s.where == "stack h"; });
  if (host_has_it) {
    std::erase_if(seen, moves);
    return true;
  }
  for (auto& s : seen) {
    if (!moves(s)) continue;
    s.where = "stack P";
    s.tag.reset();  // the stack has taken the tag off
    s.type = PACKET_OTHERHOST;
  }
  return true;
}

}  // namespace

Differences differences(const Setting& setting) {
  switch (setting.mode) {
    case BV_MODE_L2:
      return differences_l2(setting.policy);
    case BV_MODE_L3:
      return differences_l3();
    case BV_MODE_L3S:
      return differences_l3s();
  }
  return {};
}

bool dropped(Observation& seen) {
  const bool any = !seen.empty();
  seen.clear();
  return any;
}

bool arrived(const Observation& seen) {
  return std::any_of(seen.begin(), seen.end(), on_parent);
}

bool other_host(const FrameCase& /*c*/, Observation& seen) {
  return passed_to_host(seen, [](const Seen& s) { return s.type == PACKET_OTHERHOST; });
}

// The endpoint's stack finds that it has no such VLAN: another host's frame.
bool in_vlan(const FrameCase& /*c*/, Observation& seen) {
  return passed_to_host(seen, [](const Seen& s) { return s.tag && (s.tag->tci & 0xfff) != 0; });
}

// The headers do not say TCP where the offload does. Our device lets the stack segment, and so
// check, what a raw socket made (NETIF_F_GSO_ROBUST, which the driver's device claims, is missing).
bool lying_segments(const FrameCase& c, Observation& seen) {
  constexpr std::size_t kTcp = 20;
  if (!is_endpoint(c.at) || !c.offload.gso_type) return false;
  if (c.frame.size() <= c.offload.csum_start + kTcp + c.offload.gso_size) return false;  // one
  const auto byte = [&](std::size_t at) -> unsigned {
    return at < c.frame.size() ? c.frame[at] : 0;
  };
  constexpr unsigned kLeastWords = 5;  // of a TCP header
  const bool v4 = c.offload.gso_type == Offload::kGsoTcp4;
  const auto tcp_at = kEthernet + (v4 ? (byte(kEthernet) & 15U) * 4 : kIpv6);
  const bool lies = ethertype(c.frame) != (v4 ? ETHERTYPE_IP : ETHERTYPE_IPV6) ||
                    byte(v4 ? 23 : 20) != IPPROTO_TCP || tcp_at != c.offload.csum_start ||
                    byte(tcp_at + 12) >> 4U < kLeastWords;
  return lies && dropped(seen);
}

}  // namespace bpfvlan::test
