// SPDX-License-Identifier: MIT
#include "frames/generator_layers.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::array kUnicastMacs{kMacP, kMacX, "02:00:00:00:99:99", "00:00:00:00:00:00"};

// What duplicate address detection, PAUSE and LLDP go to is as frequent as broadcast: 3 % of all.
constexpr std::array kGroupMacs{
    "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "33:33:00:00:00:01",
    "33:33:ff:00:01:00",  // A's solicited-node group
    "33:33:ff:00:02:00",  // B's
    "33:33:ff:00:02:54",  // H's
    "01:80:c2:00:00:00",  // bridges'
    "01:80:c2:00:00:01",  // PAUSE
    "01:80:c2:00:00:0e",  // LLDP
};

// Of mode l2, where endpoints have joined some.
constexpr std::array kMoreGroupMacs{
    "33:33:ff:00:00:0a",  // the link-local addresses' solicited-node groups
    "33:33:ff:00:00:0b", "33:33:ff:00:00:0f",
    "01:00:5e:00:00:fb",  // multicast DNS
    "33:33:00:00:00:fb", "33:33:ff:12:34:56",
};

// `group`: in so many of 100 cases.
const char* any_mac(Dice& dice, unsigned group) {
  return dice.chance(group) ? dice.of(kGroupMacs) : dice.of(kUnicastMacs);
}

}  // namespace

Bytes random_bytes(Dice& dice, std::size_t size) {
  Bytes out(size);
  for (auto& byte : out) byte = dice.bits<std::uint8_t>();
  return out;
}

// Mostly what a stack at that place would write.
Layer ethernet(Dice& dice, Mode mode, Place at) {
  Ethernet e;
  e.dst = at == Place::P ? kMacX : kMacP;
  e.src = at == Place::X ? kMacX : kMacP;
  if (dice.chance(40)) e.dst = any_mac(dice, 70);
  if (dice.chance(15)) e.src = any_mac(dice, 30);
  if (mode != BV_MODE_L2) return e;
  if (dice.chance(8)) e.dst = dice.of(kMoreGroupMacs);
  if (at != Place::X && dice.chance(10)) e.dst = kMacX;
  if (at == Place::X && dice.chance(10)) e.src = kMacP;  // as what comes back has
  if (dice.chance(3)) e.src = e.dst;
  return e;
}

void solicit(Dice& dice, std::vector<Layer>& layers) {
  auto& e = std::get<Ethernet>(layers.front());
  for (const auto& layer : layers) {
    if (std::holds_alternative<Arp>(layer) && dice.chance(60)) e.dst = "ff:ff:ff:ff:ff:ff";
    const auto* solicitation = std::get_if<NeighborSolicitation>(&layer);
    if (!solicitation || !dice.chance(60)) continue;
    const auto& target = solicitation->target.octets;
    e.dst = Octets<6>{0x33, 0x33, 0xff, target[13], target[14], target[15]};
  }
}

void vlan_tags(Dice& dice, std::vector<Layer>& layers) {
  if (!dice.chance(7)) return;
  static constexpr std::array<std::uint16_t, 6> ids{0, 0, 1, 7, 11, 4095};
  const auto tag = [&](std::uint16_t tpid) {
    layers.emplace_back(Vlan{.id = dice.of(ids),
                             .priority = dice.below<std::uint8_t>(8),
                             .drop_eligible = dice.chance(10),
                             .tpid = tpid});
  };
  const bool two = dice.chance(30);
  if (two) tag(dice.chance(70) ? 0x88a8 : 0x8100);
  tag(two || dice.chance(80) ? 0x8100 : 0x88a8);
}

}  // namespace bpfvlan::test
