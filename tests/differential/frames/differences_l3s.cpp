// SPDX-License-Identifier: MIT
#include <linux/if_packet.h>
#include <netinet/in.h>

#include <optional>

#include "frames/differences_list.hpp"
#include "frames/frame_fields.hpp"

namespace bpfvlan::test {
namespace {

// With a header that is one.
bool is_ip(const Bytes& f) {
  const auto type = ethertype(f);
  if (type == ETHERTYPE_IP)
    return f.size() >= kEthernet + kIpv4 && f[kEthernet] >> 4 == 4 && (f[kEthernet] & 15) >= 5;
  return type == ETHERTYPE_IPV6 && f.size() >= kEthernet + kIpv6 && f[kEthernet] >> 4 == 6;
}

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
  if (type != ETHERTYPE_IPV6 || packet.size() < kIpv6 || packet[0] >> 4 != 6) return {};
  // With a length that lies it is the host's, who drops it; and so is what looks like duplicate
  // address detection.
  if (word(packet, 4) + kIpv6 > packet.size()) return {};
  if (packet[6] == IPPROTO_ICMPV6 && has(packet, 8, Ip6Addr())) return {};
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

// What the filter can look into.
enum class Look { Good, Unreadable };

bool is_extension(unsigned next) {
  return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
         next == IPPROTO_AH || next == IPPROTO_FRAGMENT;
}

constexpr std::size_t kTcp = 20;

// `at`: of the fragment within its packet, in bytes; `size`: behind the headers.
Look look_at_fragment(unsigned protocol, std::size_t at, bool more, std::size_t size) {
  const bool hides = protocol == IPPROTO_TCP && (at ? at < kTcp : more && size < kTcp);
  return hides ? Look::Unreadable : Look::Good;
}

Look look_at_ipv6(const Bytes& f) {
  constexpr int kMostExtensions = 12;
  const std::size_t length = word(f, kEthernet + 4);
  const auto end = length ? kEthernet + kIpv6 + length : f.size();
  if (end > f.size()) return Look::Good;  // INVALID, but no secret
  std::size_t at = kEthernet + kIpv6, offset = 0;
  unsigned next = f[20];
  bool more = false;
  for (int i = 0; i < kMostExtensions && is_extension(next) && !offset; ++i) {
    if (at + 8 > f.size()) return Look::Unreadable;
    const unsigned kind = next;
    next = f[at];
    if (kind == IPPROTO_FRAGMENT) {
      offset = word(f, at + 2) & 0xfff8U;
      more = word(f, at + 2) & 1U;
      at += 8;
    } else {
      at += kind == IPPROTO_AH ? (f[at + 1] + 2U) * 4 : (f[at + 1] + 1U) * 8;
    }
  }
  if (offset) return look_at_fragment(next, offset, more, 0);
  if (is_extension(next)) return Look::Unreadable;
  if (next == IPPROTO_NONE) return Look::Good;
  if (at > end) return Look::Unreadable;
  return look_at_fragment(next, 0, more, end - at);
}

Look look(const Bytes& f) {
  if (ethertype(f) == ETHERTYPE_IPV6) return look_at_ipv6(f);
  const auto header = (f[kEthernet] & 15U) * 4U;
  const auto fragment = word(f, kEthernet + 6);
  return look_at_fragment(f[kEthernet + 9], (fragment & 0x1fffU) * 8, fragment & 0x2000U,
                          word(f, kEthernet + 2) - header);
}

// From outside, or from an endpoint to anybody but a sibling; nothing is left but where it came in.
bool unreadable(const FrameCase& c, Observation& seen) {
  if (const auto* in = arrival(seen)) {
    if (!owner(in->frame) || look(in->frame) != Look::Unreadable) return false;
    return std::erase_if(seen, [](const Seen& s) { return s.where != "P"; }) > 0;
  }
  const bool passes = std::any_of(seen.begin(), seen.end(), [](const Seen& s) {
    return s.where == "lo" || (s.type == PACKET_OUTGOING && (s.where == "P" || s.where == "Q"));
  });
  return is_endpoint(c.at) && passes && is_ip(c.frame) && look(c.frame) == Look::Unreadable &&
         dropped(seen);
}

// Duplicate address detection by unicast, as nobody does it: the driver asks its routes for the
// address that it goes to, but as the endpoint that it is about. To ours it is the host's.
bool probe(const FrameCase& /*c*/, Observation& seen) {
  constexpr std::size_t kType = kEthernet + kIpv6, kTarget = kType + 8, kEnd = kTarget + 16;
  constexpr std::uint8_t kSolicitation = 135;
  const auto* in = arrival(seen);
  if (!in || ethertype(in->frame) != ETHERTYPE_IPV6 || in->frame.size() < kEnd) return false;
  const auto& f = in->frame;
  if (f[20] != IPPROTO_ICMPV6 || f[kType] != kSolicitation || !has(f, 22, Ip6Addr())) return false;
  const Bytes packet(f.begin() + kEthernet, f.end());
  const auto to = endpoint_it_is_for(packet);
  const bool about_one = has(f, kTarget, Ip6Addr(kA.v6)) || has(f, kTarget, Ip6Addr(kB.v6)) ||
                         has(f, kTarget, Ip6Addr(kH.v6));
  if (!to || !about_one || packet[0] >> 4 != 6) return false;
  const auto before = seen;
  std::erase_if(seen, at_input);
  const auto size = word(f, kEthernet + 4) + kIpv6;
  if (to == Place::H && size <= packet.size())
    seen.push_back({.where = "input h",
                    .frame = {packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size)}});
  std::sort(seen.begin(), seen.end());
  return seen != before;
}

// The kernel takes a second tag of VLAN 0 off as well, where no receive handler sees it again: the
// host's stack has it, and gives it to an endpoint in the host alone.
bool two_tags(const FrameCase& /*c*/, Observation& seen) {
  const auto* in = arrival(seen);
  if (!in || (ethertype(in->frame) != ETHERTYPE_VLAN && ethertype(in->frame) != 0x88a8))
    return false;
  return std::erase_if(seen, [](const Seen& s) { return at_input(s) && s.where != "input h"; }) > 0;
}

}  // namespace

Differences differences_l3s() {
  auto all = differences_routed();
  const Differences of_filter{{kCapturedRow, by_the_interface},
                              {"filter_unreadable", unreadable},
                              {"xmit_ipv6_from_mapped_elsewhere", from_mapped_elsewhere},
                              {"xmit_ipv6_from_mapped", from_mapped},
                              {"rx_probe", probe},
                              {"rx_two_tags", two_tags}};
  all.insert(all.begin(), of_filter.begin(), of_filter.end());
  return all;
}

}  // namespace bpfvlan::test
