// SPDX-License-Identifier: MIT
// Mode l2, an endpoint's frames for a group: the wire, the siblings that joined, and the one that
// is asked for.
#include <algorithm>

#include "l2.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kEthernet = 14;
constexpr auto kFlooded = BV_REASON_TX_FLOODED;

Bytes broadcast4(const char* src) {
  return frame(Ethernet{.dst = kBroadcastMac, .src = kMac},
               IPv4{.src = src, .dst = "255.255.255.255"}, Udp{}, payload(24));
}

World world_of(const Pair& pair) {
  World world{};
  world.mode = BV_MODE_L2;
  world.sender = pair.sender;
  world.receiver = pair.receiver;
  return world;
}

// The third endpoint's policy is bridge.
std::vector<Who> bridged(const Pair& pair) {
  if (pair.sender != BV_POLICY_BRIDGE) return {};
  if (pair.receiver != BV_POLICY_BRIDGE) return {Who::kThird};
  return {Who::kReceiver, Who::kThird};
}

std::vector<Row> flooded(const std::string& name, const std::vector<Bytes>& frames,
                         std::optional<Tag> tag = {}) {
  std::vector<Row> rows;
  for (const Pair& pair : all_pairs()) {
    Row& row = rows.emplace_back();
    row.name = name + "_" + pair.name;
    row.frames = frames;
    row.reason = kFlooded;
    row.world = world_of(pair);
    row.copies = bridged(pair);
    row.tag = tag;
  }
  return rows;
}

std::vector<Row> flooded_to_joined(const std::string& name, const std::vector<Bytes>& frames,
                                   const std::vector<Who>& who) {
  std::vector<Row> rows = flooded(name, frames);
  for (Row& row : rows) {
    row.world.sent_before = joined(who);
    std::erase_if(row.copies,
                  [&](Who w) { return std::find(who.begin(), who.end(), w) == who.end(); });
  }
  return rows;
}

// Without anybody's having joined.
const std::vector<Bytes> kEverybody = {
    broadcast4(kSender4), to_group(kMac, Ip4Addr(kSender4), Ip4Addr(kAllHosts)),
    to_group(kMac, Ip6Addr(kSender6), Ip6Addr(kAllNodes)),
    frame(Ethernet{.dst = kBroadcastMac, .src = kMac}, Lldp{}),
    frame(Ethernet{.dst = kBroadcastMac, .src = kMac}),
    frame(Ethernet{.dst = kBroadcastMac, .src = kZeroMac}, IPv4{.dst = "10.0.0.255"}, Udp{}),
    arp_request(kMac, kSender4, kOutside4), arp_request(kMac, "0.0.0.0", kParent4),
    // Its own address: gratuitous, or a probe.
    arp_request(kMac, kSender4, kSender4), arp_request(kMac, "0.0.0.0", kSender4),
    arp_request(kMac, kSender4, kForeign4),
    frame(Ethernet{.dst = kBroadcastMac, .src = kMac},
          Arp{.operation = Arp::kReply, .sender_ip = kSender4, .target_ip = kReceiver4}),
    // A sibling's address by IP, but nobody asks for it.
    frame(Ethernet{.dst = kBroadcastMac, .src = kMac}, IPv4{.dst = kReceiver4}, Udp{}),
    // Not all of 224.0.0.1's group addresses are everybody's, but its MAC address is.
    to_group(kMac, Ip4Addr(kSender4), Ip4Addr("239.128.0.1"))};

const bool kAll = add_rows(Hook::kXmit, "l2_everybody", flooded("untagged", kEverybody));
const bool kAllTagged =
    add_rows(Hook::kXmit, "l2_everybody", flooded("vlan", kEverybody, Tag{.tci = 7}));
const bool kAllPriority =
    add_rows(Hook::kXmit, "l2_everybody", flooded("priority", kEverybody, Tag{.tci = 5 << 13}));

// A tag hides what is asked for.
const bool kTaggedRequests =
    add_rows(Hook::kXmit, "l2_everybody",
             flooded("tagged_request", {arp_request(kMac, kSender4, kReceiver4)}, Tag{.tci = 7}));
const bool kTaggedPause = add_rows(
    Hook::kXmit, "l2_everybody",
    flooded("tagged_pause", {frame(Ethernet{.dst = kBroadcastMac}, Pause{})}, Tag{.tci = 7}));

const std::vector<Bytes> kJoined = {to_group(kMac, Ip4Addr(kSender4), Ip4Addr(kGroup4)),
                                    to_group(kMac, Ip6Addr(kSender6), Ip6Addr(kGroup6)),
                                    // Another group with this MAC address.
                                    to_group(kMac, Ip4Addr(kSender4), Ip4Addr("224.1.1.1"))};

const bool kBoth = add_rows(Hook::kXmit, "l2_joined",
                            flooded_to_joined("both", kJoined, {Who::kReceiver, Who::kThird}));
const bool kReceiverAlone =
    add_rows(Hook::kXmit, "l2_joined", flooded_to_joined("receiver", kJoined, {Who::kReceiver}));
const bool kThirdAlone =
    add_rows(Hook::kXmit, "l2_joined", flooded_to_joined("third", kJoined, {Who::kThird}));
const bool kSenderAlone =
    add_rows(Hook::kXmit, "l2_joined", flooded_to_joined("sender", kJoined, {Who::kSender}));

// Group addresses that nobody joined, next to one that all did.
const bool kUnjoined = add_rows(Hook::kXmit, "l2_unjoined", [] {
  std::vector<Row> rows = flooded_to_joined(
      "groups",
      {to_group(kMac, Ip4Addr(kSender4), Ip4Addr(kUnjoined4)),
       to_group(kMac, Ip4Addr(kSender4), Ip4Addr("239.1.1.2")),
       to_group(kMac, Ip6Addr(kSender6), Ip6Addr(kUnjoined6)),
       to_group(kMac, Ip6Addr(kSender6), Ip6Addr("ff02::2")),
       solicitation(kMac, kSender6, kOutside6), dad_solicitation(kMac, kSender6),
       dad_solicitation(kMac, kForeign6),
       frame(Ethernet{.dst = "01:80:c2:00:00:0e", .src = kMac}, Lldp{}),
       frame(Ethernet{.dst = "33:33:01:00:00:01", .src = kMac}, IPv6{.dst = kAllNodes}, Udp{}),
       frame(Ethernet{.dst = "01:00:5e:01:00:01", .src = kMac}, IPv4{.dst = kAllHosts}, Udp{})},
      {Who::kSender, Who::kReceiver, Who::kThird});
  for (Row& row : rows) row.copies.clear();
  return rows;
}());

// A sibling's address is asked for: it hears of it, and nobody else.
const bool kAsked = add_rows(
    Hook::kXmit, "l2_asked",
    with_each_pair({.name = "for",
                    .frames = {arp_request(kMac, kSender4, kReceiver4),
                               arp_request(kMac, "0.0.0.0", kReceiver4),
                               arp_request(kZeroMac, kSender4, kReceiver4),
                               arp_request(kMac, kReceiver4, kReceiver4),
                               resized(arp_request(kMac, kSender4, kReceiver4), 60),
                               frame(Ethernet{.dst = mac_of(Ip4Addr(kGroup4)), .src = kMac},
                                     Arp{.target_ip = kReceiver4}),
                               solicitation(kMac, kSender6, kReceiver6),
                               solicitation(kMac, "fe80::2", kReceiverLinkLocal6),
                               dad_solicitation(kMac, kReceiver6),
                               frame(Ethernet{.dst = kBroadcastMac, .src = kMac},
                                     IPv6{.src = kSender6, .dst = kAllNodes},
                                     NeighborSolicitation{.target = kReceiver6})},
                    .world = {.sent_before = joined({Who::kReceiver, Who::kThird})}},
                   BV_REASON_TX_SIBLING, BV_REASON_TX_VEPA, BV_REASON_TX_PRIVATE));

// Source and destination are the same group: it counts as the shared address first.
const bool kGroupAsSource = add_rows(Hook::kXmit, "l2_group_as_source", [] {
  std::vector<Row> rows =
      with_each_pair({.name = "sibling",
                      .frames = {frame(Ethernet{.dst = kBroadcastMac, .src = kBroadcastMac},
                                       IPv4{.dst = kReceiver4}, Udp{})}},
                     BV_REASON_TX_SIBLING, kFlooded, BV_REASON_TX_PRIVATE);
  for (Row& row : rows)
    if (row.reason == kFlooded && row.world.sender == BV_POLICY_BRIDGE) row.copies = {Who::kThird};
  return rows;
}());
const bool kGroupAsSourceAsked = add_rows(
    Hook::kXmit, "l2_group_as_source",
    with_each_pair({.name = "asked", .frames = {arp_request(kBroadcastMac, kSender4, kReceiver4)}},
                   BV_REASON_TX_SIBLING, BV_REASON_TX_VEPA, BV_REASON_TX_PRIVATE));
const bool kGroupAsSourceNobody = add_rows(Hook::kXmit, "l2_group_as_source", [] {
  std::vector<Row> rows;
  for (const auto& [policy, name] : kPolicies) {
    Row& row = rows.emplace_back();
    row.name = std::string("nobody_") + name;
    row.frames = {
        frame(Ethernet{.dst = kBroadcastMac, .src = kBroadcastMac}, IPv4{.dst = kOutside4}, Udp{}),
        frame(Ethernet{.dst = kBroadcastMac, .src = kBroadcastMac}, Lldp{})};
    // By policy vepa a frame for a group, which this sender's siblings do not hear.
    row.reason = policy == BV_POLICY_VEPA ? kFlooded : BV_REASON_TX_OWN_MAC;
    row.world = {.mode = BV_MODE_L2, .sender = policy};
  }
  return rows;
}());

// Cut at every length: what cannot be read asks for nobody.
const Bytes kArp = arp_request(kMac, kSender4, kReceiver4);
const Bytes kNs = solicitation(kMac, kSender6, kReceiver6);
const Bytes kDad = dad_solicitation(kMac, kReceiver6);
constexpr std::size_t kThroughTarget = kEthernet + 40 + 24;

const bool kCutArp =
    add_rows(Hook::kXmit, "l2_cut", flooded("arp_request", cut(kArp, kEthernet, kArp.size())));
const bool kCutUdp = add_rows(
    Hook::kXmit, "l2_cut",
    flooded("broadcast", cut(broadcast4(kSender4), kEthernet, broadcast4(kSender4).size())));
const bool kCutNs =
    add_rows(Hook::kXmit, "l2_cut",
             flooded_to_joined("solicitation", cut(kNs, kEthernet, kThroughTarget), {}));
const bool kCutDad = add_rows(
    Hook::kXmit, "l2_cut", flooded_to_joined("dad_group", cut(kDad, kEthernet, kDad.size()), {}));
const bool kCutOption = add_rows(
    Hook::kXmit, "l2_cut",
    with_each_pair({.name = "solicitation_option", .frames = cut(kNs, kThroughTarget, kNs.size())},
                   BV_REASON_TX_SIBLING, BV_REASON_TX_VEPA, BV_REASON_TX_PRIVATE));

// What asks only by its looks.
const bool kNoRequests = add_rows(
    Hook::kXmit, "l2_no_request",
    flooded("broadcast", {frame(Ethernet{.dst = kBroadcastMac, .src = kMac},
                                Arp{.operation = 0x0101, .target_ip = kReceiver4}),
                          frame(Ethernet{.dst = kBroadcastMac, .src = kMac},
                                Arp{.operation = 3, .target_ip = kReceiver4}),
                          frame(Ethernet{.dst = kBroadcastMac, .src = kMac, .ethertype = 0x8035},
                                Arp{.target_ip = kReceiver4}),
                          frame(Ethernet{.dst = kBroadcastMac, .src = kMac},
                                IPv6{.dst = kAllNodes, .version = 4},
                                NeighborSolicitation{.target = kReceiver6}),
                          frame(Ethernet{.dst = kBroadcastMac, .src = kMac},
                                IPv6{.dst = kAllNodes, .next_header = 17},
                                NeighborSolicitation{.target = kReceiver6}),
                          frame(Ethernet{.dst = kBroadcastMac, .src = kMac}, IPv6{.dst = kAllNodes},
                                NeighborAdvertisement{.target = kReceiver6})}));

const bool kPause = add_rows(
    Hook::kXmit, "l2_pause",
    with_each_policy(
        {{.name = "any_group",
          .frames = {frame(Ethernet{.dst = kPauseMac, .src = kMac}, Pause{}),
                     frame(Ethernet{.dst = kBroadcastMac, .src = kMac}, Pause{}),
                     resized(frame(Ethernet{.dst = kPauseMac, .src = kMac}, Pause{}), kEthernet)},
          .reason = BV_REASON_TX_PAUSE,
          .world = {.mode = BV_MODE_L2}}}));

}  // namespace
}  // namespace bpfvlan::test
