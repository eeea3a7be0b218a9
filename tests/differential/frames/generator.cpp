// SPDX-License-Identifier: MIT
#include "frames/generator.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "bpfvlan/test/frame.hpp"
#include "frames/dice.hpp"
#include "frames/frame_fields.hpp"
#include "frames/generator_layers.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kMaxFrame = 9000 + 14;  // what the topology's MTU lets through

// More from the endpoints: most of the rules are theirs.
Place place(Dice& dice) {
  static constexpr std::array places{Place::X, Place::X, Place::X, Place::A, Place::A,
                                     Place::A, Place::B, Place::H, Place::H, Place::P};
  return dice.of(places);
}

// Mostly small; and around what a packet of the usual MTU, or of the topology's, may have.
std::size_t payload_size(Dice& dice, std::size_t before) {
  const auto up_to = [&](std::size_t frame) {
    const auto size = frame + 4 - dice.below(std::size_t{8});
    return std::min(size, kMaxFrame) - std::min(before, std::min(size, kMaxFrame));
  };
  switch (dice.below(24U)) {
    case 0:
      return 0;
    case 1:
      return dice.below(std::size_t{1500});
    case 2:
      return dice.below(std::size_t{8800});
    case 3:
      return up_to(1500 + 14);
    case 4:
      return up_to(kMaxFrame);
    default:
      return 8 + dice.below(std::size_t{64});
  }
}

// The device is asked to fill in checksums, and to cut what is too big for one packet.
void offload(Dice& dice, FrameCase& c, const Layer& network, const Layer& transport,
             std::size_t transport_at) {
  const bool tcp = std::holds_alternative<Tcp>(transport);
  if (!tcp && !std::holds_alternative<Udp>(transport)) return;
  c.offload.flags = Offload::kNeedsCsum;
  c.offload.csum_start = static_cast<std::uint16_t>(transport_at);
  c.offload.csum_offset = tcp ? 16 : 6;
  const auto header = transport_at + 20;
  if (!tcp || c.frame.size() < header + 600 || dice.chance(20)) return;
  c.offload.gso_type =
      std::holds_alternative<IPv4>(network) ? Offload::kGsoTcp4 : Offload::kGsoTcp6;
  c.offload.gso_size = static_cast<std::uint16_t>(200 + dice.below(300U));
  c.offload.header_len = static_cast<std::uint16_t>(header);
}

// `from`: behind the Ethernet header and tags, as the captures at the host's protocols know the
// types.
void damage(Dice& dice, Bytes& frame, std::size_t from) {
  switch (dice.below(4U)) {
    case 0:  // cut anywhere behind the Ethernet header
      frame.resize(14 + dice.below(std::max<std::size_t>(frame.size() - 14, 1)));
      break;
    case 1:  // cut where the headers are
      frame.resize(std::min(frame.size(), 14 + dice.below(std::size_t{80})));
      break;
    case 2:  // padding that no length tells of
      frame.resize(std::min(frame.size() + 1 + dice.below(std::size_t{60}), kMaxFrame));
      break;
    default:  // a few bytes
      for (auto flips = 1 + dice.below(3U); flips > 0; --flips)
        if (const auto at = from + dice.below(std::size_t{66}); at < frame.size())
          frame[at] = dice.bits<std::uint8_t>();
  }
}

// An endpoint's report of its groups has consequences for the frames behind it, with us: it
// becomes a query.
void no_report(Bytes& frame) {
  const auto change = [&](std::size_t at, std::initializer_list<std::uint8_t> reports,
                          std::uint8_t query) {
    if (at < frame.size() && std::find(reports.begin(), reports.end(), frame[at]) != reports.end())
      frame[at] = query;
  };
  constexpr std::size_t options = kEthernet + kIpv6;
  if (!(frame[0] & 1)) return;
  if (ethertype(frame) == ETHERTYPE_IP && frame.size() > kEthernet + kIpv4 &&
      frame[23] == IPPROTO_IGMP)
    change(kEthernet + (frame[kEthernet] & 15U) * 4, {0x12, 0x16, 0x17, 0x22}, 0x11);
  if (ethertype(frame) == ETHERTYPE_IPV6 && frame.size() > options + 1 &&
      frame[20] == IPPROTO_HOPOPTS && frame[options] == IPPROTO_ICMPV6)
    change(options + 8 * (frame[options + 1] + 1U), {131, 132, 143}, 130);
}

}  // namespace

Generated generate(Mode mode, std::uint64_t seed, std::uint32_t index) {
  Dice dice(seed, index);
  Generated g;
  g.c.at = place(dice);
  std::vector<Layer> layers{ethernet(dice, mode, g.c.at)};
  vlan_tags(dice, layers);
  const auto network_at = layers.size();
  network(dice, g.c.at, layers);
  if (mode == BV_MODE_L2) solicit(dice, layers);
  const bool plain = network_at == 1 && layers.size() == network_at + 2 && dice.chance(10);
  const auto before = build(layers).size();
  const auto room = kMaxFrame - std::min(before, kMaxFrame);
  auto size = payload_size(dice, before);
  if (plain && dice.chance(50)) size = 600 + dice.below(std::size_t{8000});  // to be segmented
  layers.emplace_back(Raw{random_bytes(dice, std::min(size, room))});
  auto& raw = std::get<Raw>(layers.back()).bytes;
  g.marked = raw.size() >= kMarkerSize;
  if (g.marked) mark(raw, index);
  g.c.frame = build(layers);
  if (plain) {
    const auto& l4 = layers[network_at + 1];
    const auto l4_size = std::holds_alternative<Tcp>(l4) ? 20U : 8U;
    offload(dice, g.c, layers[network_at], l4, before - l4_size);
    if (g.c.offload.gso_type) g.marked = false;
  } else if (dice.chance(6)) {
    damage(dice, g.c.frame, network_at == 1 ? 14 : 22);
  }
  if (mode == BV_MODE_L2 && is_endpoint(g.c.at)) no_report(g.c.frame);
  g.marked = g.marked && marker_of(g.c.frame) == index;
  return g;
}

}  // namespace bpfvlan::test
