// SPDX-License-Identifier: MIT
// Mode l2, frames from the wire.
#include <algorithm>

#include "l2.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kEthernet = 14, kIpv6 = 40;

constexpr auto kDelivered = BV_REASON_RX_DELIVERED;
constexpr auto kFlooded = BV_REASON_RX_FLOODED;
constexpr auto kSolicited = BV_REASON_RX_SOLICITED;
constexpr auto kReflected = BV_REASON_RX_REFLECTED;
constexpr auto kDhcp = BV_REASON_RX_DHCP;

World l2(const std::vector<Sent>& sent_before = {}) {
  World world{};
  world.mode = BV_MODE_L2;
  world.sent_before = sent_before;
  return world;
}

const std::vector<Who> kAll = {Who::kSender, Who::kReceiver, Who::kThird};

const Bytes kUdp4 = udp4({.dst = kReceiver4});
const Bytes kUdp6 = udp6({.dst = kReceiver6});
const Bytes kArp = frame(Ethernet{}, Arp{.target_ip = kReceiver4});
const Bytes kOwnDad =
    frame(Ethernet{}, IPv6{.src = "::", .dst = solicited_node(kReceiver6), .hop_limit = 255},
          NeighborSolicitation{.target = kReceiver6});

const bool kUnicast = add_rows(
    Hook::kRx, "l2_unicast",
    with_each_policy({
        {.name = "delivered",
         .frames = {kUdp4, kUdp6, kArp, kOwnDad, udp4({.dst = kReceiverLinkLocal4}),
                    udp6({.dst = kReceiverLinkLocal6}),
                    frame(Ethernet{}, Arp{.operation = Arp::kReply, .target_ip = kReceiver4}),
                    frame(Ethernet{}, IPv6{.dst = kReceiver6},
                          NeighborSolicitation{.target = kReceiver6}),
                    frame(Ethernet{}, IPv6{.dst = kReceiver6},
                          NeighborAdvertisement{.target = kOutside6}),
                    // From anybody, the parent and a sibling too.
                    udp4({.src = kSender4, .dst = kReceiver4}),
                    frame(kShared, IPv4{.src = kSender4, .dst = kReceiver4}, Udp{}),
                    frame(Ethernet{.src = kZeroMac}, IPv4{.dst = kReceiver4}, Udp{})},
         .reason = kDelivered,
         .world = l2()},
        {.name = "no_endpoint",
         .frames = {udp4({.dst = kOutside4}), udp4({.dst = kParent4}), udp4({.dst = kForeign4}),
                    udp4({.dst = kAllHosts}), udp6({.dst = kOutside6}), udp6({.dst = kAllNodes}),
                    frame(Ethernet{}, Arp{.target_ip = kParent4}),
                    frame(Ethernet{.src = kZeroMac}, IPv4{.dst = kOutside4}, Udp{}),
                    frame(Ethernet{}, IPv6{.src = "::", .dst = kReceiver6}, Icmp6Echo{})},
         .reason = BV_REASON_RX_NO_ENDPOINT,
         .world = l2()},
        {.name = "other_host",
         .frames = {frame(Ethernet{.dst = kOtherMac}, IPv4{.dst = kReceiver4}, Udp{}),
                    frame(Ethernet{.dst = kZeroMac}, IPv4{.dst = kReceiver4}, Udp{})},
         .reason = BV_REASON_RX_OTHER_HOST,
         .world = l2()},
        {.name = "vlan",
         .frames = {kUdp4, kUdp6, kArp, arp_request(kOtherMac, kOutside4, kReceiver4)},
         .reason = BV_REASON_RX_VLAN,
         .world = l2(),
         .tag = Tag{.tci = 7}},
        {.name = "priority_tag",
         .frames = {kUdp4, kUdp6, kArp},
         .reason = kDelivered,
         .world = l2(),
         .tag = Tag{.tci = 5 << 13}},
        {.name = "not_ip",
         .frames = {frame(Ethernet{}, Lldp{}), frame(Ethernet{}, Pause{}), frame(Ethernet{})},
         .reason = BV_REASON_RX_NOT_IP,
         .world = l2()},
        {.name = "malformed",
         .frames = {udp4({.dst = kReceiver4, .ihl = 4}), udp4({.dst = kReceiver4, .version = 6}),
                    udp4({.dst = kReceiver4, .total_length = 19}),
                    udp4({.dst = kReceiver4, .total_length = 65535}),
                    udp6({.dst = kReceiver6, .version = 4})},
         .reason = BV_REASON_RX_MALFORMED,
         .world = l2()},
        {.name = "cut_ipv4",
         .frames = cut(kUdp4, kEthernet, kUdp4.size()),
         .reason = BV_REASON_RX_MALFORMED,
         .world = l2()},
        {.name = "cut_ipv6",
         .frames = cut(kUdp6, kEthernet, kEthernet + kIpv6),
         .reason = BV_REASON_RX_MALFORMED,
         .world = l2()},
        {.name = "cut_ipv6_behind_header",
         .frames = cut(kUdp6, kEthernet + kIpv6, kUdp6.size()),
         .reason = kDelivered,
         .world = l2()},
        {.name = "cut_arp",
         .frames = cut(kArp, kEthernet, kArp.size()),
         .reason = BV_REASON_RX_MALFORMED,
         .world = l2()},
        {.name = "cut_dad",
         .frames = cut(kOwnDad, kEthernet, kOwnDad.size()),
         .reason = BV_REASON_RX_MALFORMED,
         .world = l2()},
    }));

Bytes broadcast(const char* from_mac, const Layer& upper) {
  const Layer layers[] = {Ethernet{.dst = kBroadcastMac, .src = from_mac}, upper};
  return build(layers);
}

const Bytes kBroadcast = frame(Ethernet{.dst = kBroadcastMac, .src = kOtherMac},
                               IPv4{.dst = "255.255.255.255"}, Udp{}, payload(24));

// Everybody, without having joined: every endpoint of the parent, whatever its policy.
const std::vector<Bytes> kEverybody = {
    kBroadcast,
    to_group(kOtherMac, Ip4Addr(kOutside4), Ip4Addr(kAllHosts)),
    to_group(kOtherMac, Ip6Addr(kOutside6), Ip6Addr(kAllNodes)),
    frame(Ethernet{.dst = kBroadcastMac, .src = kZeroMac}, IPv4{.dst = "10.0.0.255"}, Udp{}),
    arp_request(kOtherMac, kOutside4, kParent4),
    arp_request(kOtherMac, kOutside4, kForeign4),
    // Gratuitous; a reply that all hear.
    arp_request(kOtherMac, kOutside4, kOutside4),
    broadcast(kOtherMac, Arp{.operation = Arp::kReply, .target_ip = kReceiver4}),
    broadcast(kOtherMac, Lldp{}),
    // An endpoint's address by IP, but the MAC address is everybody's.
    frame(Ethernet{.dst = kBroadcastMac, .src = kOtherMac}, IPv4{.dst = kReceiver4}, Udp{}),
    frame(Ethernet{.dst = kBroadcastMac, .src = kOtherMac}, IPv4{.dst = kReceiver4, .ihl = 4}),
    // An endpoint's IP address from another host's MAC address is another host's.
    to_group(kOtherMac, Ip4Addr(kSender4), Ip4Addr(kAllHosts)),
};

// The host's own, or an endpoint's from an address that it does not have: the MAC address is the
// shared one, and the sender is not to be found. A private endpoint hears no sibling this way.
const std::vector<Bytes> kUnknownSender = {
    to_group(kMac, Ip4Addr(kParent4), Ip4Addr(kAllHosts)),
    arp_request(kMac, kParent4, kOutside4),
    arp_request(kMac, "0.0.0.0", kOutside4),
};
const Bytes kHostAsks = arp_request(kMac, kParent4, kReceiver4);

std::vector<Row> unknown_sender() {
  std::vector<Row> rows = with_each_policy({
      {.name = "unknown_sender",
       .frames = kUnknownSender,
       .reason = kFlooded,
       .world = l2(),
       .copies = kAll},
      {.name = "unknown_asks",
       .frames = {kHostAsks},
       .reason = kSolicited,
       .world = l2(),
       .copies = {Who::kReceiver}},
  });
  for (Row& row : rows) {
    if (row.world.receiver != BV_POLICY_PRIVATE) continue;
    const bool asks = row.reason == kSolicited;  // the third endpoint's policy is bridge
    if (asks) row.reason = BV_REASON_RX_NO_ENDPOINT;
    row.copies = asks ? decltype(row.copies){} : decltype(row.copies){Who::kThird};
  }
  return rows;
}
const bool kUnknown = add_rows(Hook::kRx, "l2_group", unknown_sender());

const bool kGroups = add_rows(
    Hook::kRx, "l2_group",
    with_each_policy({
        {.name = "everybody",
         .frames = kEverybody,
         .reason = kFlooded,
         .world = l2(),
         .copies = kAll},
        {.name = "everybody_priority_tag",
         .frames = {kBroadcast},
         .reason = kFlooded,
         .world = l2(),
         .tag = Tag{.tci = 5 << 13},
         .copies = kAll},
        {.name = "asked_priority_tag",
         .frames = {arp_request(kOtherMac, kOutside4, kReceiver4)},
         .reason = kSolicited,
         .world = l2(),
         .tag = Tag{.tci = 5 << 13},
         .copies = {Who::kReceiver}},
        {.name = "everybody_cut",
         .frames = cut(kBroadcast, kEthernet, kBroadcast.size()),
         .reason = kFlooded,
         .world = l2(),
         .copies = kAll},
        {.name = "request_cut",
         .frames = cut(arp_request(kOtherMac, kOutside4, kReceiver4), kEthernet, kEthernet + 28),
         .reason = kFlooded,
         .world = l2(),
         .copies = kAll},
        {.name = "joined",
         .frames = {to_group(kOtherMac, Ip4Addr(kOutside4), Ip4Addr(kGroup4)),
                    to_group(kOtherMac, Ip6Addr(kOutside6), Ip6Addr(kGroup6))},
         .reason = kFlooded,
         .world = l2(joined({Who::kReceiver})),
         .copies = {Who::kReceiver}},
        {.name = "joined_by_two",
         .frames = {to_group(kOtherMac, Ip4Addr(kOutside4), Ip4Addr(kGroup4)),
                    to_group(kOtherMac, Ip6Addr(kOutside6), Ip6Addr(kGroup6)),
                    frame(Ethernet{.dst = mac_of(Ip4Addr(kGroup4))}, Lldp{}),
                    frame(Ethernet{.dst = mac_of(Ip4Addr(kGroup4))}, IPv4{.ihl = 4})},
         .reason = kFlooded,
         .world = l2(joined({Who::kReceiver, Who::kSender})),
         .copies = {Who::kReceiver, Who::kSender}},
        {.name = "unjoined",
         .frames = {to_group(kOtherMac, Ip4Addr(kOutside4), Ip4Addr(kUnjoined4)),
                    to_group(kOtherMac, Ip6Addr(kOutside6), Ip6Addr(kUnjoined6)),
                    to_group(kMac, Ip4Addr(kParent4), Ip4Addr(kUnjoined4)),
                    solicitation(kOtherMac, kOutside6, kParent6)},
         .reason = BV_REASON_RX_NO_ENDPOINT,
         .world = l2(joined(kAll))},
        {.name = "unjoined_not_ip",
         .frames = {frame(Ethernet{.dst = "01:80:c2:00:00:0e"}, Lldp{})},
         .reason = BV_REASON_RX_NOT_IP,
         .world = l2(joined(kAll))},
        {.name = "unjoined_malformed",
         .frames = {frame(Ethernet{.dst = mac_of(Ip4Addr(kUnjoined4))}, IPv4{.ihl = 4}),
                    resized(to_group(kOtherMac, Ip4Addr(kOutside4), Ip4Addr(kUnjoined4)), 20)},
         .reason = BV_REASON_RX_MALFORMED,
         .world = l2(joined(kAll))},
        {.name = "pause",
         .frames = {frame(Ethernet{.dst = kPauseMac}, Pause{}), broadcast(kOtherMac, Pause{})},
         .reason = BV_REASON_RX_NOT_IP,
         .world = l2()},
        {.name = "asked",
         .frames = {arp_request(kOtherMac, kOutside4, kReceiver4),
                    arp_request(kOtherMac, "0.0.0.0", kReceiver4),
                    arp_request(kZeroMac, kOutside4, kReceiver4),
                    arp_request(kOtherMac, kReceiver4, kReceiver4),
                    solicitation(kOtherMac, kOutside6, kReceiver6),
                    solicitation(kOtherMac, "fe80::9", kReceiverLinkLocal6),
                    dad_solicitation(kOtherMac, kReceiver6)},
         .reason = kSolicited,
         .world = l2(joined(kAll)),
         .copies = {Who::kReceiver}},
    }));

// What the sender sent comes back: for those alone who must hear it by way of the switch.
std::vector<Row> reflected(const std::string& name, const std::vector<Bytes>& frames,
                           bool for_receiver_alone, const std::vector<Sent>& sent_before = {}) {
  std::vector<Row> rows;
  for (const Pair& pair : all_pairs()) {
    Row& row = rows.emplace_back();
    row.name = name + "_" + pair.name;
    row.frames = frames;
    row.reason = kReflected;
    row.world = l2(sent_before);
    row.world.sender = pair.sender;
    row.world.receiver = pair.receiver;
    if (stricter(pair.sender, pair.receiver) == BV_POLICY_VEPA) row.copies = {Who::kReceiver};
    if (pair.sender == BV_POLICY_VEPA && !for_receiver_alone) row.copies.push_back(Who::kThird);
  }
  return rows;
}

constexpr std::uint32_t kXid = 0x12345678;

Bytes dhcp_request(std::uint32_t xid, const Bytes& client_id) {
  Dhcp message{.xid = xid, .client_mac = kMac};
  if (!client_id.empty()) message.options.push_back({DhcpOption::kClientId, client_id});
  message.options.push_back({DhcpOption::kEnd});
  return frame(Ethernet{.dst = kBroadcastMac, .src = kMac},
               IPv4{.src = "0.0.0.0", .dst = "255.255.255.255"},
               Udp{.sport = Dhcp::kClientPort, .dport = Dhcp::kServerPort}, message);
}

const bool kReflections = add_rows(
    Hook::kRx, "l2_reflected",
    reflected("everybody",
              {to_group(kMac, Ip4Addr(kSender4), Ip4Addr(kAllHosts)),
               to_group(kMac, Ip6Addr(kSender6), Ip6Addr(kAllNodes)),
               frame(Ethernet{.dst = kBroadcastMac, .src = kMac}, IPv4{.src = kSender4}, Udp{}),
               arp_request(kMac, kSender4, kOutside4), arp_request(kMac, kSender4, kSender4)},
              false));
const bool kReflectedGroups =
    add_rows(Hook::kRx, "l2_reflected",
             reflected("joined",
                       {to_group(kMac, Ip4Addr(kSender4), Ip4Addr(kGroup4)),
                        to_group(kMac, Ip6Addr(kSender6), Ip6Addr(kGroup6))},
                       false, joined(kAll)));
const bool kReflectedRequests = add_rows(
    Hook::kRx, "l2_reflected",
    reflected("asked",
              {arp_request(kMac, kSender4, kReceiver4), solicitation(kMac, kSender6, kReceiver6)},
              true, joined(kAll)));
const bool kReflectedDhcp = add_rows(Hook::kRx, "l2_reflected",
                                     reflected("dhcp", {dhcp_request(kXid, {1, 2, 3})}, false,
                                               {{Who::kSender, dhcp_request(kXid, {1, 2, 3})}}));

// Nobody but the sender hears it: its own duplicate address detection, and groups that nobody
// joined.
const bool kReflectedToNobody =
    add_rows(Hook::kRx, "l2_reflected",
             with_each_policy({{.name = "to_nobody",
                                .frames = {dad_solicitation(kMac, kSender6),
                                           to_group(kMac, Ip4Addr(kSender4), Ip4Addr(kUnjoined4)),
                                           to_group(kMac, Ip6Addr(kSender6), Ip6Addr(kUnjoined6))},
                                .reason = kReflected,
                                .world = l2(joined({Who::kSender}))}}));

Bytes dhcp_answer(std::uint32_t xid, const Bytes& client_id, const char* dst_mac = kMac) {
  Dhcp message{.operation = Dhcp::kReply, .xid = xid, .your_ip = "10.0.0.50", .client_mac = kMac};
  if (!client_id.empty()) message.options.push_back({DhcpOption::kClientId, client_id});
  message.options.push_back({DhcpOption::kEnd});
  return frame(Ethernet{.dst = dst_mac}, IPv4{.src = kOutside4, .dst = "10.0.0.50"},
               Udp{.sport = Dhcp::kServerPort, .dport = Dhcp::kClientPort}, message);
}

const std::vector<Sent> kAsked = {{Who::kReceiver, dhcp_request(kXid, {1, 2, 3})}};

const bool kDhcpAnswers = add_rows(
    Hook::kRx, "l2_dhcp",
    with_each_policy({
        {.name = "unicast",
         .frames = {dhcp_answer(kXid, {1, 2, 3}), dhcp_answer(kXid, {})},
         .reason = kDhcp,
         .world = l2(kAsked)},
        {.name = "of_nobody",
         .frames = {dhcp_answer(kXid + 1, {1, 2, 3}),
                    // For a relay, and from a client.
                    frame(Ethernet{}, IPv4{.dst = "10.0.0.50"}, Udp{.dport = Dhcp::kServerPort},
                          Dhcp{.operation = Dhcp::kReply, .xid = kXid}),
                    frame(Ethernet{}, IPv4{.dst = "10.0.0.50"}, Udp{.dport = Dhcp::kClientPort},
                          Dhcp{.operation = Dhcp::kRequest, .xid = kXid})},
         .reason = BV_REASON_RX_NO_ENDPOINT,
         .world = l2(kAsked)},
        {.name = "broadcast",
         .frames = {frame(Ethernet{.dst = kBroadcastMac}, IPv4{.dst = "255.255.255.255"},
                          Udp{.sport = Dhcp::kServerPort, .dport = Dhcp::kClientPort},
                          Dhcp{.operation = Dhcp::kReply, .xid = kXid})},
         .reason = kFlooded,
         .world = l2(kAsked),
         .copies = kAll},
    }));

}  // namespace
}  // namespace bpfvlan::test
