// SPDX-License-Identifier: MIT
#include <sys/socket.h>

#include "frames/generator_layers.hpp"
#include "frames/pools.hpp"

namespace bpfvlan::test {
namespace {

template <class Pool>
const char* address(Dice& dice, const Pool& pool) {
  return dice.chance(55) ? pool[dice.below(std::size_t{5})] : dice.of(pool);
}

// The sender's own, unless it lies.
template <class Pool>
const char* source(Dice& dice, Place at, int family, const Pool& pool) {
  if (!dice.chance(65)) return address(dice, pool);
  return family == AF_INET ? address_of(at).v4 : address_of(at).v6;
}

std::uint8_t ttl(Dice& dice) {
  static constexpr std::array<std::uint8_t, 8> values{0, 1, 2, 63, 64, 64, 128, 255};
  return dice.of(values);
}

Bytes ipv4_options(Dice& dice) {
  switch (dice.below(6U)) {
    case 0:
      return {1, 1, 1, 0};
    case 1:
      return {0x94, 4, 0, 0};  // router alert
    case 2:
      return {7, 7, 4, 0, 0, 0, 0, 0};  // record route
    case 3:
      return {131, 7, 4, 10, 66, 1, 2, 0};  // loose source route
    case 4:
      return Bytes(40);
    default:
      return random_bytes(dice, 4 * (1 + dice.below(std::size_t{10})));
  }
}

// Right or wrong by as much as makes a difference to somebody.
std::uint16_t total_length(Dice& dice) {
  static constexpr std::array<std::uint16_t, 10> values{0, 1, 19, 20, 28, 34, 60, 74, 1500, 65535};
  return dice.chance(70) ? dice.of(values) : dice.bits<std::uint16_t>();
}

void ipv4(Dice& dice, Place at, std::vector<Layer>& layers) {
  IPv4 ip;
  ip.src = source(dice, at, AF_INET, kAddresses4);
  ip.dst = address(dice, kAddresses4);
  ip.tos = dice.chance(20) ? dice.bits<std::uint8_t>() : 0;
  ip.id = dice.bits<std::uint16_t>();
  ip.dont_fragment = dice.chance(40);
  ip.ttl = ttl(dice);
  if (dice.chance(10)) {
    ip.more_fragments = dice.chance(60);
    ip.fragment_offset = dice.chance(60) ? 0 : dice.below<std::uint16_t>(0x2000);
  }
  if (dice.chance(12)) ip.options = ipv4_options(dice);
  if (dice.chance(2)) ip.version = dice.below<std::uint8_t>(16);
  if (dice.chance(4)) ip.ihl = dice.below<std::uint8_t>(16);
  if (dice.chance(7)) ip.total_length = total_length(dice);
  if (dice.chance(4)) ip.checksum = dice.bits<std::uint16_t>();
  if (dice.chance(10)) ip.protocol = dice.bits<std::uint8_t>();
  layers.emplace_back(ip);
  transport(dice, false, layers);
}

void extension_headers(Dice& dice, std::vector<Layer>& layers) {
  for (auto count = 1 + dice.below(3U); count > 0; --count) switch (dice.below(4U)) {
      case 0:
        layers.emplace_back(HopByHop{.options = random_bytes(dice, dice.below(std::size_t{12}))});
        break;
      case 1:
        layers.emplace_back(
            DestinationOptions{.options = random_bytes(dice, dice.below(std::size_t{12}))});
        break;
      case 2:
        layers.emplace_back(Routing{.type = dice.below<std::uint8_t>(5),
                                    .segments_left = dice.below<std::uint8_t>(2)});
        break;
      default:
        layers.emplace_back(Fragment{
            .offset = dice.chance(50) ? std::uint16_t{0} : dice.below<std::uint16_t>(0x2000),
            .more = dice.chance(50),
            .id = dice.bits<std::uint32_t>()});
    }
}

// Every kind of neighbour discovery, duplicate address detection among it.
void neighbour_discovery(Dice& dice, IPv6 ip, std::vector<Layer>& layers) {
  ip.hop_limit = dice.chance(90) ? 255 : 64;
  if (dice.chance(40)) ip.src = "::";
  if (dice.chance(50)) ip.dst = "ff02::1:ff00:100";
  layers.emplace_back(ip);
  switch (dice.below(5U)) {
    case 0:
    case 1:
    case 2:
      layers.emplace_back(NeighborSolicitation{
          .target = address(dice, kAddresses6),
          .source_mac = dice.chance(50) ? Maybe<MacAddr>(kMacX) : Maybe<MacAddr>()});
      break;
    case 3:
      layers.emplace_back(NeighborAdvertisement{.target = address(dice, kAddresses6),
                                                .router = dice.chance(20),
                                                .solicited = dice.chance(50),
                                                .override_cached = dice.chance(50),
                                                .target_mac = MacAddr(kMacX)});
      break;
    default: {  // router solicitation, advertisement, redirect
      std::get<IPv6>(layers.back()).next_header = NeighborSolicitation::kProtocol;
      static constexpr std::array<std::uint8_t, 3> types{133, 134, 137};
      auto bytes = random_bytes(dice, 40);
      bytes[0] = dice.of(types);
      layers.emplace_back(Raw{std::move(bytes)});
    }
  }
}

void ipv6(Dice& dice, Place at, std::vector<Layer>& layers) {
  IPv6 ip;
  ip.src = source(dice, at, AF_INET6, kAddresses6);
  ip.dst = address(dice, kAddresses6);
  ip.hop_limit = ttl(dice);
  if (dice.chance(20)) ip.traffic_class = dice.bits<std::uint8_t>();
  if (dice.chance(20)) ip.flow_label = dice.below(1U << 20);
  if (dice.chance(2)) ip.version = dice.below<std::uint8_t>(16);
  if (dice.chance(6)) ip.payload_length = total_length(dice);
  if (dice.chance(8)) ip.next_header = dice.bits<std::uint8_t>();
  if (dice.chance(20)) return neighbour_discovery(dice, ip, layers);
  layers.emplace_back(ip);
  if (dice.chance(20)) extension_headers(dice, layers);
  transport(dice, true, layers);
}

void arp(Dice& dice, Place at, std::vector<Layer>& layers) {
  static constexpr std::array<std::uint16_t, 5> operations{1, 1, 2, 3, 8};
  Arp a;
  a.operation = dice.of(operations);
  a.sender_mac = at == Place::X ? kMacX : kMacP;
  a.sender_ip = source(dice, at, AF_INET, kAddresses4);
  a.target_ip = dice.chance(10) ? a.sender_ip : Ip4Addr(address(dice, kAddresses4));
  if (dice.chance(10)) a.hardware = dice.bits<std::uint16_t>();
  if (dice.chance(10)) a.protocol = dice.chance(50) ? 0x86dd : dice.bits<std::uint16_t>();
  layers.emplace_back(a);
}

// Neither IP nor ARP.
void other(Dice& dice, std::vector<Layer>& layers) {
  auto& type = std::get<Ethernet>(layers.front()).ethertype;
  switch (dice.below(7U)) {
    case 0:
      layers.emplace_back(Pause{});
      break;
    case 1:
      layers.emplace_back(Lldp{});
      break;
    case 2:
      layers.emplace_back(Mpls{.ttl = ttl(dice)});
      if (dice.chance(50)) layers.emplace_back(Mpls{});
      layers.emplace_back(IPv4{.dst = address(dice, kAddresses4)});
      break;
    case 3:  // IEEE 802.3: a length, then 802.2 LLC
      type = static_cast<std::uint16_t>(dice.below(1500U));
      layers.emplace_back(Raw{{0x42, 0x42, 3}});
      break;
    case 4:  // experiments, AVB
      type = dice.of(kUnknownTypes);
      break;
    case 5:  // IP headers under the other's type
      type = dice.chance(50) ? 0x86dd : 0x0800;
      layers.emplace_back(IPv4{.dst = address(dice, kAddresses4)});
      break;
    default:
      type = dice.chance(50) ? 0x0800 : 0x86dd;
  }
}

}  // namespace

void network(Dice& dice, Place at, std::vector<Layer>& layers) {
  const auto kind = dice.below(100U);
  if (kind < 44) return ipv4(dice, at, layers);
  if (kind < 84) return ipv6(dice, at, layers);
  if (kind < 93) return arp(dice, at, layers);
  return other(dice, layers);
}

}  // namespace bpfvlan::test
