// SPDX-License-Identifier: MIT
// What the filter stops, and why: in every mode, as it can be on in all of them.
#include "row.hpp"

namespace bpfvlan::test {
namespace {

const Ethernet kFromWire{.dst = kMac, .src = kOtherMac}, kToWire{.dst = kOtherMac, .src = kMac};
const IPv4 kIn4{.src = kOutside4, .dst = kReceiver4}, kOut4{.src = kSender4, .dst = kOutside4};
const IPv6 kIn6{.src = kOutside6, .dst = kReceiver6}, kOut6{.src = kSender6, .dst = kOutside6};

// A row whose frames come in, and one whose frames go out, of the same packets.
struct Crossing {
  const char* name;
  std::vector<Layer> upper;
  bv_reason rx, xmit;
  World world{};
};

Bytes behind(const Ethernet& ethernet, const Layer& ip, const std::vector<Layer>& upper) {
  std::vector<Layer> layers{ethernet, ip};
  layers.insert(layers.end(), upper.begin(), upper.end());
  layers.emplace_back(payload(24));
  return build(layers);
}

std::vector<Row> rows(Hook hook, const std::vector<Crossing>& crossings) {
  const bool rx = hook == Hook::kRx;
  const auto& ethernet = rx ? kFromWire : kToWire;
  std::vector<Row> out;
  for (const Crossing& c : crossings) {
    Row& row = out.emplace_back();
    row.name = c.name;
    row.frames = {behind(ethernet, rx ? kIn4 : kOut4, c.upper),
                  behind(ethernet, rx ? kIn6 : kOut6, c.upper)};
    row.reason = rx ? c.rx : c.xmit;
    row.world = c.world;
    row.world.filter = true;
    row.connections = 0;
  }
  return with_each_mode_and_policy(out);
}

// Of TCP: the rest of the header, with the flags, would come with the next fragment (RFC 1858).
std::vector<Row> unreadable(Hook hook) {
  const bool rx = hook == Hook::kRx;
  IPv4 first = rx ? kIn4 : kOut4;
  first.more_fragments = true;
  first.protocol = Tcp::kProtocol;
  const Bytes frame4 = frame(rx ? kFromWire : kToWire, first, payload(16));
  const Bytes frame6 = frame(rx ? kFromWire : kToWire, rx ? kIn6 : kOut6,
                             Fragment{.more = true, .next_header = Tcp::kProtocol}, payload(16));
  Row row{.name = "tcp_header_cut",
          .frames = {frame4, frame6},
          .reason = rx ? BV_REASON_RX_UNREADABLE : BV_REASON_TX_UNREADABLE};
  row.world.filter = true;
  row.connections = 0;
  return with_each_mode_and_policy({row});
}

const Chain kDropUdp{.rules = {"-p udp -j DROP"}};
const Chain kDropAll{.policy = BV_TARGET_DROP};

const std::vector<Crossing> kStopped = {
    {"rule",
     {Udp{}},
     BV_REASON_RX_RULE,
     BV_REASON_TX_RULE,
     {.input = kDropUdp, .output = kDropUdp}},
    {"chain_policy",
     {Udp{}},
     BV_REASON_RX_CHAIN_POLICY,
     BV_REASON_TX_CHAIN_POLICY,
     {.input = kDropAll, .output = kDropAll}},
    {"no_filter",
     {Udp{}},
     BV_REASON_RX_NO_FILTER,
     BV_REASON_TX_NO_FILTER,
     {.filter_program = FilterProgram::kMissing}},
};

const bool kRx = add_rows(Hook::kRx, "filter", rows(Hook::kRx, kStopped));
const bool kXmit = add_rows(Hook::kXmit, "filter", rows(Hook::kXmit, kStopped));
const bool kUnreadableRx = add_rows(Hook::kRx, "filter", unreadable(Hook::kRx));
const bool kUnreadableXmit = add_rows(Hook::kXmit, "filter", unreadable(Hook::kXmit));

// Who may say nothing else still finds out where others are, and is found: on the same link (RFC
// 4861, 11.2), so that it is no way out.
std::vector<Row> neighbours(Hook hook) {
  const bool rx = hook == Hook::kRx;
  const auto& ethernet = rx ? kFromWire : kToWire;
  const char *asked4 = rx ? kReceiver4 : kOutside4, *asked6 = rx ? kReceiver6 : "2001:db8::77";
  const NeighborSolicitation question{.target = asked6};
  const NeighborAdvertisement answer{.target = rx ? kOutside6 : kSender6};
  IPv6 near = rx ? kIn6 : kOut6;
  near.dst = asked6;
  near.hop_limit = 255;
  IPv6 far = near, elsewhere = kOut6;
  far.hop_limit = 254;
  elsewhere.hop_limit = 255;
  World world{};
  world.mode = BV_MODE_L2;
  world.filter = true;
  world.input = world.output = kDropAll;
  std::vector<Row> out = {
      {.name = "neighbours",
       .frames = {frame(ethernet, Arp{.target_ip = asked4}),
                  frame(ethernet, Arp{.operation = Arp::kReply, .target_ip = asked4}),
                  frame(ethernet, near, question), frame(ethernet, near, answer)},
       .reason = rx ? BV_REASON_RX_DELIVERED : BV_REASON_TX_FORWARDED,
       .world = world},
      {.name = "neighbours_from_far",
       .frames = {frame(ethernet, far, question), frame(ethernet, far, answer)},
       .reason = rx ? BV_REASON_RX_CHAIN_POLICY : BV_REASON_TX_CHAIN_POLICY,
       .world = world}};
  if (!rx) out.back().frames.push_back(frame(ethernet, elsewhere, question));
  for (Row& row : out) row.connections = 0;
  return with_each_policy(out);
}
const bool kNeighboursRx = add_rows(Hook::kRx, "filter", neighbours(Hook::kRx));
const bool kNeighboursXmit = add_rows(Hook::kXmit, "filter", neighbours(Hook::kXmit));

// New ones alone: `conversations` has what goes on meanwhile.
std::vector<Row> full(Hook hook) {
  auto out = rows(
      hook,
      {{"table_full", {Udp{}}, BV_REASON_RX_CT_FULL, BV_REASON_TX_CT_FULL, {.table_full = true}}});
  for (Row& row : out) row.connections = kConnections;
  return out;
}
const bool kFullRx = add_rows(Hook::kRx, "filter", full(Hook::kRx));
const bool kFullXmit = add_rows(Hook::kXmit, "filter", full(Hook::kXmit));

}  // namespace
}  // namespace bpfvlan::test
