// SPDX-License-Identifier: MIT
#include "frames/differences.hpp"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>

#include "frames/pools.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kEthernet = 14, kIpv4 = 20, kIpv6 = 40;

bool from_endpoint(const FrameCase& c) {
  return c.at == Place::A || c.at == Place::B || c.at == Place::H;
}

unsigned word(const Bytes& frame, std::size_t at) {
  return at + 1 < frame.size() ? static_cast<unsigned>(frame[at] << 8 | frame[at + 1]) : 0;
}

unsigned ethertype(const Bytes& frame) {
  return word(frame, 12);
}

bool drop(Observation& seen) {
  const bool any = !seen.empty();
  seen.clear();
  return any;
}

bool at_endpoint(const Seen& s) {
  return s.where == "a" || s.where == "b" || s.where == "h";
}

bool is(const Bytes& frame, std::size_t at, const Ip6Addr& address) {
  return frame.size() >= at + 16 && std::equal(address.octets.begin(), address.octets.end(),
                                               frame.begin() + static_cast<std::ptrdiff_t>(at));
}

// What the driver routes is dropped by us.
bool not_routed(Observation& seen) {
  return std::erase_if(seen,
                       [](const Seen& s) { return !at_endpoint(s) && s.where != "stack h"; }) > 0;
}

// What the driver delivers to an endpoint goes on to the host's stack with us.
template <class Which>
bool passed_to_host(const FrameCase& c, Observation& seen, Which which) {
  if (c.at != Place::X) return false;
  bool changed = false;
  std::erase_if(seen, [&](const Seen& s) { return s.where == "stack h" && which(s); });
  for (auto& s : seen) {
    if (!at_endpoint(s) || !which(s)) continue;
    s.where = "stack P";
    s.tag.reset();  // the stack has taken the tag off
    s.type = PACKET_OTHERHOST;
    changed = true;
  }
  return changed;
}

bool other_host(const FrameCase& c, Observation& seen) {
  return passed_to_host(c, seen, [](const Seen& s) { return s.type == PACKET_OTHERHOST; });
}

// The endpoint's stack finds that it has no such VLAN: another host's frame.
bool in_vlan(const FrameCase& c, Observation& seen) {
  return passed_to_host(c, seen, [](const Seen& s) { return s.tag && (s.tag->tci & 0xfff) != 0; });
}

// IPv6 to a group, with a MAC address that is none's: the driver routes it.
bool group_by_unicast(const FrameCase& c, Observation& seen) {
  const auto& f = c.frame;
  if (!from_endpoint(c) || ethertype(f) != ETHERTYPE_IPV6 || f.size() < kEthernet + kIpv6 ||
      f[38] != 0xff || (f[0] & 1))
    return false;
  return not_routed(seen);
}

void write_mac(Bytes& frame, std::size_t at, const MacAddr& mac) {
  std::copy(mac.octets.begin(), mac.octets.end(), frame.begin() + static_cast<std::ptrdiff_t>(at));
}

// Routed to the wire, whole and as it was sent.
Observation on_wire(const FrameCase& c) {
  auto offload = c.offload;
  offload.header_len = 0;  // said of segments alone
  auto frame = c.frame;
  write_mac(frame, 0, kMacX);
  write_mac(frame, 6, kMacP);
  return {{.where = "P", .type = PACKET_OUTGOING, .offload = offload, .frame = frame},
          {.where = "X", .type = PACKET_HOST, .offload = offload, .frame = frame}};
}

bool at_loopback(const Observation& seen) {
  return std::any_of(seen.begin(), seen.end(), [](const Seen& s) { return s.where == "lo"; });
}

// The driver's look-up finds the parent's stack.
bool link_local(const FrameCase& c, Observation& seen) {
  if (!from_endpoint(c) || ethertype(c.frame) != ETHERTYPE_IPV6 || !is(c.frame, 38, kLinkLocalP) ||
      !at_loopback(seen))
    return false;
  seen = on_wire(c);
  return true;
}

// The driver's packets are fragmented, or refused with an error, by their route's MTU.
bool path_mtu(const FrameCase& c, Observation& seen) {
  static const Ip4Addr v4 = kSmallMtu4;
  const bool to4 = ethertype(c.frame) == ETHERTYPE_IP && c.frame.size() >= 34 &&
                   std::equal(v4.octets.begin(), v4.octets.end(), c.frame.begin() + 30);
  if (!from_endpoint(c) || (!to4 && !is(c.frame, 38, kSmallMtu6)) || (c.frame[0] & 1) ||
      c.frame.size() <= kEthernet + kSmallMtu)
    return false;
  const bool whole = std::any_of(seen.begin(), seen.end(),
                                 [&](const Seen& s) { return s.frame.size() == c.frame.size(); });
  if (whole) return false;
  seen = on_wire(c);
  return true;
}

// The driver's look-up of an IPv6 route only prefers the parent.
bool other_interface(const FrameCase& c, Observation& seen) {
  if (!from_endpoint(c) || ethertype(c.frame) != ETHERTYPE_IPV6) return false;
  bool changed = false;
  for (auto& s : seen) {
    if (s.where != "Q" && s.where != "Y") continue;
    s.where = s.where == "Q" ? "P" : "X";
    write_mac(s.frame, 0, kMacX);
    write_mac(s.frame, 6, kMacP);
    changed = true;
  }
  return changed;
}

// From :: to the parent: as to its link-local address.
bool from_nobody(const FrameCase& c, Observation& seen) {
  if (!from_endpoint(c) || ethertype(c.frame) != ETHERTYPE_IPV6 || !is(c.frame, 22, "::") ||
      !is(c.frame, 38, kP.v6) || !at_loopback(seen))
    return false;
  seen = on_wire(c);
  return true;
}

// The routes that the helper finds for us: none for IGMP, and none from an IPv4-mapped address.
bool igmp(const FrameCase& c, Observation& seen) {
  if (!from_endpoint(c) || ethertype(c.frame) != ETHERTYPE_IP ||
      c.frame.size() < kEthernet + kIpv4 || c.frame[kEthernet + 9] != 2)
    return false;
  return not_routed(seen);
}

bool from_mapped(const FrameCase& c, Observation& seen) {
  static constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (!from_endpoint(c) || ethertype(c.frame) != ETHERTYPE_IPV6 ||
      c.frame.size() < kEthernet + kIpv6 ||
      !std::equal(mapped.begin(), mapped.end(), c.frame.begin() + 22) ||
      std::equal(mapped.begin(), mapped.end(), c.frame.begin() + 38))
    return false;
  return not_routed(seen);
}

// The driver looks behind the end of such a frame: at xmit it takes the Ethernet header for a part
// of the IP header's bytes.
bool cut_header(const FrameCase& c, Observation& seen) {
  const auto size = c.frame.size() - kEthernet;
  const auto type = ethertype(c.frame);
  if (!from_endpoint(c)) return false;
  if (!(type == ETHERTYPE_IP && size < kIpv4) && !(type == ETHERTYPE_IPV6 && size < kIpv6))
    return false;
  return drop(seen);
}

// The driver writes the lengths and the checksum of what it routes anew; we leave them as they are.
bool mended_header(const FrameCase& c, Observation& seen) {
  if (!from_endpoint(c)) return false;
  const auto type = ethertype(c.frame);
  bool changed = false;
  const auto restore = [&](Bytes& frame, std::size_t at) {
    for (auto i = kEthernet + at; i < kEthernet + at + 2; ++i) {
      if (i >= frame.size() || i >= c.frame.size() || frame[i] == c.frame[i]) continue;
      frame[i] = c.frame[i];
      changed = true;
    }
  };
  for (auto& s : seen) {
    if (at_endpoint(s) || s.where == "stack h" || s.frame.size() != c.frame.size() ||
        ethertype(s.frame) != type)
      continue;
    if (type == ETHERTYPE_IP) {
      restore(s.frame, 2);
      restore(s.frame, 10);
    } else if (type == ETHERTYPE_IPV6) {
      restore(s.frame, 4);
    }
  }
  return changed;
}

// The headers do not say TCP where the offload does. Our device lets the stack segment, and so
// check, what a raw socket made (NETIF_F_GSO_ROBUST, which the driver's device claims, is missing).
bool lying_segments(const FrameCase& c, Observation& seen) {
  const auto byte = [&](std::size_t at) -> unsigned {
    return at < c.frame.size() ? c.frame[at] : 0;
  };
  constexpr unsigned kLeastWords = 5;  // of a TCP header
  if (!from_endpoint(c) || !c.offload.gso_type) return false;
  const auto protocol = byte(c.offload.gso_type == Offload::kGsoTcp4 ? 23 : 20);
  const auto words = byte(c.offload.csum_start + 12U) >> 4U;
  return (protocol != IPPROTO_TCP || words < kLeastWords) && drop(seen);
}

constexpr std::array kDifferences{
    Difference{"rx_other_host", other_host},
    Difference{"rx_vlan", in_vlan},
    Difference{"xmit_group_by_unicast", group_by_unicast},
    Difference{"xmit_igmp", igmp},
    Difference{"xmit_ipv6_from_mapped", from_mapped},
    Difference{"xmit_ipv6_from_nobody", from_nobody},
    Difference{"xmit_ipv6_link_local", link_local},
    Difference{"xmit_path_mtu", path_mtu},
    Difference{"xmit_ipv6_other_interface", other_interface},
    Difference{"xmit_cut_header", cut_header},
    Difference{"xmit_lying_segments", lying_segments},
    Difference{"xmit_mended_header", mended_header},
};

}  // namespace

std::span<const Difference> differences() {
  return kDifferences;
}

}  // namespace bpfvlan::test
