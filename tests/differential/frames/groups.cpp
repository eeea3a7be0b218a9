// SPDX-License-Identifier: MIT
#include "frames/groups.hpp"

#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>

#include <array>

#include "frames/frame_fields.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::array kEndpoints{Place::A, Place::B, Place::H};
constexpr std::size_t kArp = kEthernet + 28, kIcmp6 = kEthernet + kIpv6, kTarget = kIcmp6 + 8;
constexpr std::size_t kSolicitation = kTarget + 16;

struct Endpoint {
  explicit Endpoint(Place p)
      : place(p), v4(address_of(p).v4), v6{address_of(p).v6, link_local_of(p)} {
    groups = {"ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "33:33:00:00:00:01"};
    for (const auto& address : v6) groups.push_back(solicited_node(address));
  }

  // RFC 4291, 2.7.1; RFC 2464, 7.
  static MacAddr solicited_node(const Ip6Addr& address) {
    const auto& o = address.octets;
    return Octets<6>{0x33, 0x33, 0xff, o[13], o[14], o[15]};
  }

  Place place;
  Ip4Addr v4;
  std::array<Ip6Addr, 2> v6;
  std::vector<MacAddr> groups;
};

const std::array<Endpoint, 3>& endpoints() {
  static const std::array all{Endpoint(kEndpoints[0]), Endpoint(kEndpoints[1]),
                              Endpoint(kEndpoints[2])};
  return all;
}

std::optional<Place> owner4(const Bytes& frame, std::size_t at) {
  for (const auto& e : endpoints())
    if (has(frame, at, e.v4)) return e.place;
  return {};
}

std::optional<Place> owner6(const Bytes& frame, std::size_t at) {
  for (const auto& e : endpoints())
    for (const auto& address : e.v6)
      if (has(frame, at, address)) return e.place;
  return {};
}

bool is_solicitation(const Bytes& frame) {
  return frame.size() >= kSolicitation && frame[kEthernet] >> 4 == 6 &&
         frame[20] == IPPROTO_ICMPV6 && frame[kIcmp6] == ND_NEIGHBOR_SOLICIT;
}

// `at`: of the address that counts. `room`: for the packet.
std::optional<Place> look_up4(const Bytes& frame, std::size_t at, std::size_t room) {
  if (frame.size() < kEthernet + kIpv4 || frame[kEthernet] >> 4 != 4) return {};
  const auto header = (frame[kEthernet] & 15U) * 4, total = word(frame, 16);
  if (header < kIpv4 || total < header || total > room) return {};
  return owner4(frame, at);
}

// From ::, what a solicitation asks for counts.
std::optional<Place> look_up6(const Bytes& frame, std::size_t at) {
  if (frame.size() < kIcmp6 || frame[kEthernet] >> 4 != 6) return {};
  if (frame[20] != IPPROTO_ICMPV6 || !has(frame, 22, Ip6Addr())) return owner6(frame, at);
  return is_solicitation(frame) ? owner6(frame, kTarget) : std::nullopt;
}

struct Offsets {
  std::size_t ip4, ip6, arp;
};

std::optional<Place> look_up(const Bytes& tagged, Offsets at, std::size_t more_room) {
  const auto frame = without_priority_tag(tagged);
  switch (ethertype(frame)) {
    case ETHERTYPE_IP:
      return look_up4(frame, at.ip4, frame.size() - kEthernet + more_room);
    case ETHERTYPE_ARP:
      return frame.size() >= kArp ? owner4(frame, at.arp) : std::nullopt;
    case ETHERTYPE_IPV6:
      return look_up6(frame, at.ip6);
    default:
      return {};
  }
}

}  // namespace

bool to_group(const Bytes& frame) {
  return !frame.empty() && (frame[0] & 1);
}

bool has_joined(Place endpoint, const Bytes& frame) {
  for (const auto& e : endpoints())
    if (e.place == endpoint)
      return std::any_of(e.groups.begin(), e.groups.end(),
                         [&](const MacAddr& group) { return has(frame, 0, group); });
  return false;
}

std::vector<Place> members(const Bytes& frame) {
  std::vector<Place> out;
  for (const auto place : kEndpoints)
    if (has_joined(place, frame)) out.push_back(place);
  return out;
}

std::vector<MacAddr> reported_groups() {
  std::vector<MacAddr> out;
  for (const auto& e : endpoints())
    for (const auto& address : e.v6) out.push_back(Endpoint::solicited_node(address));
  return out;
}

bool has_priority_tag(const Bytes& frame) {
  const auto type = ethertype(frame);
  return (type == ETHERTYPE_VLAN || type == 0x88a8) && frame.size() >= 20 &&
         !(word(frame, 14) & 0xfff);
}

Bytes without_priority_tag(Bytes frame) {
  if (has_priority_tag(frame)) frame.erase(frame.begin() + 12, frame.begin() + 16);
  return frame;
}

std::optional<Place> meant_for(const Bytes& frame) {
  return look_up(frame, {.ip4 = 30, .ip6 = 38, .arp = 38}, kEthernet);
}

std::optional<Place> asked_for(const Bytes& tagged) {
  const auto frame = without_priority_tag(tagged);
  switch (ethertype(frame)) {
    case ETHERTYPE_ARP:
      return frame.size() >= kArp && word(frame, 20) == ARPOP_REQUEST ? owner4(frame, 38)
                                                                      : std::nullopt;
    case ETHERTYPE_IPV6:
      return is_solicitation(frame) ? owner6(frame, kTarget) : std::nullopt;
    default:
      return {};
  }
}

std::optional<Place> sender_of(const Bytes& frame) {
  return look_up(frame, {.ip4 = 26, .ip6 = 22, .arp = 28}, 0);
}

}  // namespace bpfvlan::test
