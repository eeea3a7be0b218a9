// SPDX-License-Identifier: MIT
#include "frames/differences.hpp"

#include <linux/if_packet.h>
#include <netinet/in.h>

#include <array>
#include <optional>

#include "frames/differences_list.hpp"
#include "frames/frame_fields.hpp"
#include "frames/pools.hpp"

namespace bpfvlan::test {
namespace {

bool is_address(const Bytes& frame, std::size_t at, const Ip6Addr& address) {
  return has(frame, at, address);
}

bool at_loopback(const Observation& seen) {
  return std::any_of(seen.begin(), seen.end(), [](const Seen& s) { return s.where == "lo"; });
}

// What the driver routes, to an endpoint in the host by its loopback, is dropped by us.
bool not_routed(Observation& seen) {
  const bool by_loopback = at_loopback(seen);
  return std::erase_if(seen, [&](const Seen& s) {
           return !at_endpoint(s) && s.where != "stack h" && (by_loopback || !at_input(s));
         }) > 0;
}

// IPv6 to a group, with a MAC address that is none's: the driver routes it.
bool group_by_unicast(const FrameCase& c, Observation& seen) {
  const auto& f = c.frame;
  if (!is_endpoint(c.at) || ethertype(f) != ETHERTYPE_IPV6 || f.size() < kEthernet + kIpv6 ||
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
  offload.header_len = 0;
  auto frame = c.frame;
  write_mac(frame, 0, kMacX);
  write_mac(frame, 6, kMacP);
  return {{.where = "P", .type = PACKET_OUTGOING, .offload = offload, .frame = frame},
          {.where = "X", .type = PACKET_HOST, .offload = offload, .frame = frame}};
}

// The driver's look-up finds the parent's stack.
bool link_local(const FrameCase& c, Observation& seen) {
  if (!is_endpoint(c.at) || ethertype(c.frame) != ETHERTYPE_IPV6 ||
      !is_address(c.frame, 38, kLinkLocalP) || !at_loopback(seen))
    return false;
  seen = on_wire(c);
  return true;
}

// The driver's packets are fragmented, or refused with an error, by their route's MTU.
bool path_mtu(const FrameCase& c, Observation& seen) {
  static const Ip4Addr v4 = kSmallMtu4;
  const bool to4 = ethertype(c.frame) == ETHERTYPE_IP && c.frame.size() >= 34 &&
                   std::equal(v4.octets.begin(), v4.octets.end(), c.frame.begin() + 30);
  if (!is_endpoint(c.at) || (!to4 && !is_address(c.frame, 38, kSmallMtu6)) || (c.frame[0] & 1) ||
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
  if (!is_endpoint(c.at) || ethertype(c.frame) != ETHERTYPE_IPV6) return false;
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
  if (!is_endpoint(c.at) || ethertype(c.frame) != ETHERTYPE_IPV6 ||
      !is_address(c.frame, 22, "::") || !is_address(c.frame, 38, kP.v6) || !at_loopback(seen))
    return false;
  seen = on_wire(c);
  return true;
}

// The routes that the helper finds for us: none for IGMP, and none from an IPv4-mapped address.
bool igmp(const FrameCase& c, Observation& seen) {
  if (!is_endpoint(c.at) || ethertype(c.frame) != ETHERTYPE_IP ||
      c.frame.size() < kEthernet + kIpv4 || c.frame[kEthernet + 9] != 2)
    return false;
  return not_routed(seen);
}

// The driver looks behind the end of such a frame: at xmit it takes the Ethernet header for a part
// of the IP header's bytes.
bool cut_header(const FrameCase& c, Observation& seen) {
  const auto size = c.frame.size() - kEthernet;
  const auto type = ethertype(c.frame);
  if (!is_endpoint(c.at)) return false;
  if (!(type == ETHERTYPE_IP && size < kIpv4) && !(type == ETHERTYPE_IPV6 && size < kIpv6))
    return false;
  return dropped(seen);
}

bool has_wrong_checksum(const Bytes& packet, std::size_t header) {
  unsigned sum = 0;
  for (std::size_t at = 0; at < header; at += 2) sum += word(packet, at);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return sum != 0xffff;
}

// What a stack leaves of an IP packet before it looks for whom it is: none if its header lies, and
// no padding (ip_rcv, ip6_rcv). A checksum to be filled in must not be in that
// (pskb_trim_rcsum_slow).
std::optional<Bytes> received(const FrameCase& c) {
  Bytes packet(c.frame.begin() + kEthernet, c.frame.end());
  const bool is_ipv4 = packet[0] >> 4 == 4;
  const auto header = is_ipv4 ? (packet[0] & 15U) * 4 : kIpv6;
  const auto size = is_ipv4 ? word(packet, 2) : word(packet, 4) + kIpv6;
  if (header < kIpv4 || size < header || size > packet.size()) return {};
  if (is_ipv4 && has_wrong_checksum(packet, header)) return {};
  const auto checksum_end = c.offload.csum_start + c.offload.csum_offset + 2U;
  if (c.offload.flags && size < packet.size() && kEthernet + size < checksum_end) return {};
  packet.resize(size);
  return packet;
}

// The driver writes the lengths and the checksum of what it routes anew; we leave them as they are.
bool mended_header(const FrameCase& c, Observation& seen) {
  if (!is_endpoint(c.at)) return false;
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
  if (!changed) return false;
  const auto left = received(c);
  if (!left) std::erase_if(seen, at_input);
  for (auto& s : seen)
    if (at_input(s)) s.frame = *left;
  return true;
}

}  // namespace

// The kernel's helper routes none of these.
bool from_mapped(const FrameCase& c, Observation& seen) {
  static constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (!is_endpoint(c.at) || ethertype(c.frame) != ETHERTYPE_IPV6 ||
      c.frame.size() < kEthernet + kIpv6 ||
      !std::equal(mapped.begin(), mapped.end(), c.frame.begin() + 22) ||
      std::equal(mapped.begin(), mapped.end(), c.frame.begin() + 38))
    return false;
  return not_routed(seen);
}

// Without the filter it is told the neighbour, where bpf_fib_lookup() has found one on the parent.
bool from_mapped_elsewhere(const FrameCase& c, Observation& seen) {
  const auto& f = c.frame;
  if (f.size() < kEthernet + kIpv6) return false;
  const bool link_local = f[38] == 0xfe && (f[39] & 0xc0) == 0x80;
  const bool by_other = std::any_of(seen.begin(), seen.end(),
                                    [](const Seen& s) { return s.where == "Q" || s.where == "Y"; });
  return (link_local || by_other || at_loopback(seen)) && from_mapped(c, seen);
}

Differences differences_l3() {
  auto all = differences_routed();
  all.insert(all.begin(), {{"rx_other_host", other_host}, {"rx_vlan", in_vlan}});
  return all;
}

Differences differences_routed() {
  return {
      {"xmit_group_by_unicast", group_by_unicast},
      {"xmit_igmp", igmp},
      {"xmit_ipv6_from_mapped_elsewhere", from_mapped_elsewhere},
      {"xmit_ipv6_from_nobody", from_nobody},
      {"xmit_ipv6_link_local", link_local},
      {"xmit_path_mtu", path_mtu},
      {"xmit_ipv6_other_interface", other_interface},
      {"xmit_cut_header", cut_header},
      {"xmit_lying_segments", lying_segments},
      {"xmit_mended_header", mended_header},
  };
}

}  // namespace bpfvlan::test
