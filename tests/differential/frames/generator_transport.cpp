// SPDX-License-Identifier: MIT
#include "frames/generator_layers.hpp"
#include "frames/pools.hpp"

namespace bpfvlan::test {
namespace {

std::uint16_t port(Dice& dice) {
  static constexpr std::array<std::uint16_t, 6> ports{0, 53, 67, 68, 4000, 65535};
  return dice.of(ports);
}

Maybe<std::uint16_t> wrong_checksum(Dice& dice) {
  if (!dice.chance(6)) return {};
  return dice.chance(30) ? std::uint16_t{0} : dice.bits<std::uint16_t>();
}

Layer udp(Dice& dice) {
  Udp u{.sport = port(dice), .dport = port(dice), .checksum = wrong_checksum(dice)};
  if (dice.chance(4)) u.length = dice.bits<std::uint16_t>();
  return u;
}

Layer tcp(Dice& dice) {
  Tcp t{.sport = port(dice),
        .dport = port(dice),
        .seq = dice.bits<std::uint32_t>(),
        .ack = dice.bits<std::uint32_t>(),
        .flags = dice.bits<std::uint8_t>(),
        .window = dice.bits<std::uint16_t>(),
        .checksum = wrong_checksum(dice)};
  if (dice.chance(4)) t.data_offset = dice.below<std::uint8_t>(16);
  return t;
}

Layer echo(Dice& dice, bool v6) {
  if (v6) return Icmp6Echo{.reply = dice.chance(40), .checksum = wrong_checksum(dice)};
  return IcmpEcho{.reply = dice.chance(40), .checksum = wrong_checksum(dice)};
}

// An ICMP error that quotes a packet.
void error(Dice& dice, bool v6, std::vector<Layer>& layers) {
  static constexpr std::array<std::uint8_t, 5> types4{3, 4, 5, 11, 12}, types6{1, 2, 3, 4, 137};
  auto head = random_bytes(dice, 8);
  head[0] = v6 ? dice.of(types6) : dice.of(types4);
  const auto quoted = v6 ? frame(IPv6{.src = kA.v6, .dst = kX.v6}, Udp{})
                         : frame(IPv4{.src = kA.v4, .dst = kX.v4}, Udp{});
  head.insert(head.end(), quoted.begin(), quoted.end());
  layers.emplace_back(Raw{std::move(head)});
  auto& below = layers[layers.size() - 2];
  if (auto* ip = std::get_if<IPv4>(&below); ip && !ip->protocol) ip->protocol = 1;
  if (auto* ip = std::get_if<IPv6>(&below); ip && !ip->next_header) ip->next_header = 58;
}

}  // namespace

void transport(Dice& dice, bool v6, std::vector<Layer>& layers) {
  switch (dice.below(12U)) {
    case 0:
    case 1:
    case 2:
    case 3:
      layers.push_back(udp(dice));
      break;
    case 4:
    case 5:
    case 6:
      layers.push_back(tcp(dice));
      break;
    case 7:
    case 8:
      layers.push_back(echo(dice, v6));
      break;
    case 9:
      error(dice, v6, layers);
      break;
    case 10:  // a packet within a packet
      if (dice.chance(50))
        layers.emplace_back(IPv4{.src = kX.v4, .dst = dice.of(kAddresses4)});
      else
        layers.emplace_back(IPv6{.src = kX.v6, .dst = dice.of(kAddresses6)});
      layers.push_back(udp(dice));
      break;
    default:
      break;  // nothing
  }
}

}  // namespace bpfvlan::test
