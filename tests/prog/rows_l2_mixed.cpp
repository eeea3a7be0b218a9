// SPDX-License-Identifier: MIT
// An l2 endpoint and a sibling in mode l3, which never answers for itself.
#include "l2.hpp"

namespace bpfvlan::test {
namespace {

constexpr auto kAnswered = BV_REASON_TX_ANSWERED;
constexpr auto kPrivate = BV_REASON_TX_PRIVATE;

const char* const kAskersMac = "02:00:00:00:00:77";  // the parent's comes into the answer

World mixed() {
  World world{};
  world.receiver_mode = BV_MODE_L3;
  return world;
}

Row asked(const std::string& name, const Bytes& request, const Bytes& answer) {
  return {.name = name, .frames = {request}, .world = mixed(), .answer = answer};
}

Bytes arp_answer(const char* to_mac, const char* to_ip, const char* target) {
  return frame(Ethernet{.dst = to_mac, .src = kMac}, Arp{.operation = Arp::kReply,
                                                         .sender_mac = kMac,
                                                         .sender_ip = target,
                                                         .target_mac = to_mac,
                                                         .target_ip = to_ip});
}

// The checksum is the packet builder's, which was compared with scapy's.
Bytes advertisement(const Ethernet& eth, const char* to_ip, const char* target, bool solicited) {
  return frame(
      eth, IPv6{.src = target, .dst = to_ip, .hop_limit = 255},
      NeighborAdvertisement{.target = target, .solicited = solicited, .target_mac = MacAddr(kMac)});
}

bool add_asked(const Row& row) {
  return add_rows(Hook::kXmit, "l2_mixed", with_each_pair(row, kAnswered, kAnswered, kPrivate));
}

const bool kArp = add_asked(asked("arp", arp_request(kAskersMac, kSender4, kReceiver4),
                                  arp_answer(kAskersMac, kSender4, kReceiver4)));
const bool kArpProbe = add_asked(asked("arp_probe", arp_request(kMac, "0.0.0.0", kReceiver4),
                                       arp_answer(kMac, "0.0.0.0", kReceiver4)));
const bool kArpPadded =
    add_asked(asked("arp_padded", resized(arp_request(kAskersMac, kSender4, kReceiver4), 60),
                    resized(arp_answer(kAskersMac, kSender4, kReceiver4), 60)));
const bool kNs =
    add_asked(asked("solicitation", solicitation(kAskersMac, kSender6, kReceiver6),
                    advertisement({.dst = kAskersMac, .src = kMac}, kSender6, kReceiver6, true)));
const bool kNsLinkLocal = add_asked(
    asked("solicitation_link_local", solicitation(kMac, "fe80::2", kReceiverLinkLocal6),
          advertisement({.dst = kMac, .src = kMac}, "fe80::2", kReceiverLinkLocal6, true)));
const bool kNsNoOption = add_asked(
    asked("solicitation_without_option",
          frame(Ethernet{.dst = mac_of(solicited_node(kReceiver6)), .src = kAskersMac},
                IPv6{.src = kSender6, .dst = solicited_node(kReceiver6), .hop_limit = 255},
                NeighborSolicitation{.target = kReceiver6}),
          advertisement({.dst = kAskersMac, .src = kMac}, kSender6, kReceiver6, true)));
const bool kNsLong = add_asked(
    asked("solicitation_padded", resized(solicitation(kAskersMac, kSender6, kReceiver6), 200),
          advertisement({.dst = kAskersMac, .src = kMac}, kSender6, kReceiver6, true)));
// Whoever has no address yet is answered by a group (RFC 4861, 7.2.4).
const bool kDad = add_asked(
    asked("dad", dad_solicitation(kAskersMac, kReceiver6),
          advertisement({.dst = "33:33:00:00:00:01", .src = kMac}, kAllNodes, kReceiver6, false)));

// To the shared MAC address: as neighbours ask again whom they know.
const bool kArpUnicast = add_asked(asked("arp_unicast",
                                         frame(kShared, Arp{.sender_mac = kMac,
                                                            .sender_ip = kSender4,
                                                            .target_mac = kMac,
                                                            .target_ip = kReceiver4}),
                                         arp_answer(kMac, kSender4, kReceiver4)));
const bool kNsUnicast =
    add_asked(asked("solicitation_unicast",
                    frame(kShared, IPv6{.src = kSender6, .dst = kReceiver6, .hop_limit = 255},
                          NeighborSolicitation{.target = kReceiver6, .source_mac = MacAddr(kMac)}),
                    advertisement({.dst = kMac, .src = kMac}, kSender6, kReceiver6, true)));

// What is no request goes to it like to any sibling.
const bool kUnicast = add_rows(
    Hook::kXmit, "l2_mixed",
    with_each_pair(
        {.name = "unicast",
         .frames = {frame(kShared, IPv4{.dst = kReceiver4}, Udp{}),
                    frame(kShared, IPv6{.dst = kReceiver6}, Udp{}),
                    frame(kShared, IPv6{.dst = kReceiver6}, Icmp6Echo{}),
                    frame(kShared, Arp{.operation = Arp::kReply, .target_ip = kReceiver4})},
         .world = mixed()},
        BV_REASON_TX_SIBLING, BV_REASON_TX_VEPA, kPrivate));

// It hears no group, whether it has joined or not.
std::vector<Row> flooded(const std::vector<Bytes>& frames) {
  std::vector<Row> rows =
      with_each_pair({.name = "group", .frames = frames, .world = mixed()}, BV_REASON_TX_FLOODED,
                     BV_REASON_TX_FLOODED, BV_REASON_TX_FLOODED);
  for (Row& row : rows) {
    row.world.sent_before = joined({Who::kReceiver, Who::kThird});
    if (row.world.sender == BV_POLICY_BRIDGE) row.copies = {Who::kThird};
  }
  return rows;
}

const bool kGroups = add_rows(Hook::kXmit, "l2_mixed",
                              flooded({to_group(kMac, Ip4Addr(kSender4), Ip4Addr(kAllHosts)),
                                       to_group(kMac, Ip6Addr(kSender6), Ip6Addr(kAllNodes)),
                                       to_group(kMac, Ip4Addr(kSender4), Ip4Addr(kGroup4)),
                                       to_group(kMac, Ip6Addr(kSender6), Ip6Addr(kGroup6)),
                                       arp_request(kMac, kSender4, kOutside4)}));

// From the wire, by each policy of the receiver.
std::vector<Row> from_wire(Row row) {
  row.world.mode = BV_MODE_L2;
  row.world.receiver_mode = BV_MODE_L3;
  return with_each_policy({row});
}

const bool kWire =
    add_rows(Hook::kRx, "l2_mixed",
             from_wire({.name = "delivered",
                        .frames = {udp4({.dst = kReceiver4}), udp6({.dst = kReceiver6}),
                                   // As if there were l3 endpoints alone.
                                   arp_request(kOtherMac, kOutside4, kReceiver4),
                                   dad_solicitation(kOtherMac, kReceiver6)},
                        .reason = BV_REASON_RX_DELIVERED}));
const bool kWireSolicited =
    add_rows(Hook::kRx, "l2_mixed",
             from_wire({.name = "solicited",
                        .frames = {solicitation(kOtherMac, kOutside6, kReceiver6)},
                        .reason = BV_REASON_RX_NO_ENDPOINT}));
const bool kWireFlooded =
    add_rows(Hook::kRx, "l2_mixed",
             from_wire({.name = "everybody",
                        .frames = {to_group(kOtherMac, Ip4Addr(kOutside4), Ip4Addr(kAllHosts)),
                                   to_group(kOtherMac, Ip6Addr(kOutside6), Ip6Addr(kAllNodes))},
                        .reason = BV_REASON_RX_FLOODED,
                        .copies = {Who::kSender, Who::kThird}}));
const bool kWireJoined =
    add_rows(Hook::kRx, "l2_mixed",
             from_wire({.name = "joined",
                        .frames = {to_group(kOtherMac, Ip4Addr(kOutside4), Ip4Addr(kGroup4)),
                                   to_group(kOtherMac, Ip6Addr(kOutside6), Ip6Addr(kGroup6))},
                        .reason = BV_REASON_RX_FLOODED,
                        .world = {.sent_before = joined({Who::kReceiver, Who::kThird})},
                        .copies = {Who::kThird}}));

}  // namespace
}  // namespace bpfvlan::test
