// SPDX-License-Identifier: MIT
// Mode l2, an endpoint's frames for one MAC address: the shared one, or somebody else's.
#include "l2.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kEthernet = 14, kIpv4 = 20, kIpv6 = 40, kArp = 28, kIcmp6 = 8, kTarget = 16;

constexpr auto kSibling = BV_REASON_TX_SIBLING;
constexpr auto kVepa = BV_REASON_TX_VEPA;
constexpr auto kPrivate = BV_REASON_TX_PRIVATE;
constexpr auto kOwnMac = BV_REASON_TX_OWN_MAC;
constexpr auto kForwarded = BV_REASON_TX_FORWARDED;

Bytes own4(const IPv4& ip) {
  return frame(kShared, ip, Udp{}, payload(24));
}

Bytes own6(const IPv6& ip) {
  return frame(kShared, ip, Udp{}, payload(24));
}

// Duplicate address detection, but to the shared MAC address.
Bytes own_dad(const char* target) {
  return frame(kShared, IPv6{.src = "::", .dst = solicited_node(target), .hop_limit = 255},
               NeighborSolicitation{.target = target});
}

const Bytes kUdp4 = own4({.src = kSender4, .dst = kReceiver4});
const Bytes kUdp6 = own6({.src = kSender6, .dst = kReceiver6});
const Bytes kArpReply =
    frame(kShared, Arp{.operation = Arp::kReply, .sender_ip = kSender4, .target_ip = kReceiver4});

const bool kPairs = add_rows(
    Hook::kXmit, "l2_pair",
    with_each_pair(
        {.name = "unicast",
         .frames = {kUdp4, kUdp6, own4({.dst = kReceiverLinkLocal4}),
                    own6({.src = "fe80::2", .dst = kReceiverLinkLocal6}),
                    frame(kShared, IPv4{.dst = kReceiver4}, Tcp{}, payload(24)),
                    frame(kShared, IPv6{.dst = kReceiver6}, Tcp{}, payload(24)),
                    frame(kShared, IPv4{.dst = kReceiver4, .fragment_offset = 8, .protocol = 17},
                          payload(24)),
                    own4({.dst = kReceiver4, .ttl = 0}),
                    own6({.dst = kReceiver6, .hop_limit = 0})}},
        kSibling, kVepa, kPrivate));

// What neighbours say to each other once they know each other's MAC address.
const bool kNeighbours = add_rows(
    Hook::kXmit, "l2_pair",
    with_each_pair(
        {.name = "neighbour_unicast",
         .frames = {kArpReply, frame(kShared, Arp{.target_ip = kReceiver4}),
                    frame(kShared, IPv6{.src = kSender6, .dst = kReceiver6},
                          NeighborSolicitation{.target = kReceiver6}),
                    frame(kShared, IPv6{.src = kSender6, .dst = kReceiver6},
                          NeighborAdvertisement{.target = kSender6, .target_mac = MacAddr(kMac)}),
                    own_dad(kReceiver6)}},
        kSibling, kVepa, kPrivate));

// The sender's policy is the only one there is.
const bool kItself = add_rows(Hook::kXmit, "l2_itself", [] {
  std::vector<Row> rows;
  for (const auto& [policy, name] : kPolicies) {
    Row& row = rows.emplace_back();
    row.name = name;
    row.frames = {own4({.src = kSender4, .dst = kSender4}),
                  own6({.src = kSender6, .dst = kSender6})};
    row.reason = policy == BV_POLICY_BRIDGE ? kSibling
                 : policy == BV_POLICY_VEPA ? kVepa
                                            : kPrivate;
    row.world = {.mode = BV_MODE_L2, .sender = policy};
    row.to = Who::kSender;
  }
  return rows;
}());

// For no sibling: the host's stack, but by policy vepa the wire.
std::vector<Row> to_host(const std::string& name, const std::vector<Bytes>& frames,
                         std::optional<Tag> tag = {}) {
  std::vector<Row> rows;
  for (const auto& [policy, policy_name] : kPolicies) {
    Row& row = rows.emplace_back();
    row.name = name + "_" + policy_name;
    row.frames = frames;
    row.reason = policy == BV_POLICY_VEPA ? kForwarded : kOwnMac;
    row.world = {.mode = BV_MODE_L2, .sender = policy};
    row.tag = tag;
  }
  return rows;
}

const bool kNoSibling = add_rows(
    Hook::kXmit, "l2_own_mac",
    to_host("ip",
            {own4({.dst = kParent4}), own4({.dst = kOutside4}), own4({.dst = kForeign4}),
             own4({.dst = "224.0.0.1"}), own4({.dst = "255.255.255.255"}), own6({.dst = kParent6}),
             own6({.dst = kOutside6}), own6({.dst = kForeign6}), own6({.dst = kAllNodes})}));
const bool kNoSiblingNeighbours = add_rows(
    Hook::kXmit, "l2_own_mac",
    to_host("neighbour", {frame(kShared, Arp{.target_ip = kParent4}), own_dad(kOutside6),
                          frame(kShared, IPv6{.src = "::", .dst = kReceiver6}, Icmp6Echo{})}));
const bool kNotIp = add_rows(
    Hook::kXmit, "l2_own_mac",
    to_host("not_ip",
            {frame(kShared, Lldp{}), frame(kShared), frame(kShared, Pause{}),
             frame(kShared, Mpls{}, IPv4{.dst = kReceiver4}, Udp{}),
             frame(kShared, Vlan{.id = 7}, IPv4{.dst = kReceiver4}, Udp{}),
             frame(Ethernet{.dst = kMac, .src = kMac, .ethertype = 46}, IPv4{.dst = kReceiver4})}));
const bool kMalformed =
    add_rows(Hook::kXmit, "l2_own_mac",
             to_host("malformed",
                     {own4({.dst = kReceiver4, .ihl = 4}), own4({.dst = kReceiver4, .version = 6}),
                      own4({.dst = kReceiver4, .total_length = 19}),
                      own4({.dst = kReceiver4, .total_length = 65535}),
                      own6({.dst = kReceiver6, .version = 4})}));

const bool kCut4 = add_rows(Hook::kXmit, "l2_cut",
                            to_host("ipv4", cut(kUdp4, kEthernet, kUdp4.size() - kEthernet)));
const bool kCut6 =
    add_rows(Hook::kXmit, "l2_cut", to_host("ipv6", cut(kUdp6, kEthernet, kEthernet + kIpv6)));
const bool kCutArp =
    add_rows(Hook::kXmit, "l2_cut", to_host("arp", cut(kArpReply, kEthernet, kEthernet + kArp)));
const bool kCutDad = add_rows(
    Hook::kXmit, "l2_cut",
    to_host("dad", cut(own_dad(kReceiver6), kEthernet, kEthernet + kIpv6 + kIcmp6 + kTarget)));

// At xmit the driver compares IPv4's length with one that counts the Ethernet header; of IPv6 it
// looks at none.
const bool kCutFound =
    add_rows(Hook::kXmit, "l2_cut",
             with_each_pair({.name = "ipv4_by_ethernet_header",
                             .frames = cut(kUdp4, kUdp4.size() - kEthernet, kUdp4.size())},
                            kSibling, kVepa, kPrivate));
const bool kCutFound6 = add_rows(
    Hook::kXmit, "l2_cut",
    with_each_pair(
        {.name = "ipv6_behind_header", .frames = cut(kUdp6, kEthernet + kIpv6, kUdp6.size())},
        kSibling, kVepa, kPrivate));

// Whoever's IP address is in it.
const bool kTagged =
    add_rows(Hook::kXmit, "l2_tag", to_host("vlan", {kUdp4, kUdp6, kArpReply}, Tag{.tci = 7}));
// The parent takes such a frame for untagged: it must not reach a sibling past the policies there.
const bool kTaggedZero = add_rows(Hook::kXmit, "l2_tag", [] {
  auto rows = to_host("priority", {kUdp4, kUdp6, kArpReply}, Tag{.tci = 5 << 13});
  for (Row& row : rows) {
    if (row.world.sender == BV_POLICY_PRIVATE) row.reason = kPrivate;
    if (row.world.sender == BV_POLICY_VEPA) row.reason = kVepa;
  }
  return rows;
}());

// The frame's own two addresses are compared, not the parent's.
const bool kAnySharedMac =
    add_rows(Hook::kXmit, "l2_own_mac",
             with_each_pair({.name = "zero_or_anybodys",
                             .frames = {frame(Ethernet{.dst = kZeroMac, .src = kZeroMac},
                                              IPv4{.dst = kReceiver4}, Udp{}),
                                        frame(Ethernet{.dst = kOtherMac, .src = kOtherMac},
                                              IPv6{.dst = kReceiver6}, Udp{})}},
                            kSibling, kVepa, kPrivate));

Bytes from_to(const char* src, const char* dst, const IPv4& ip) {
  return frame(Ethernet{.dst = dst, .src = src}, ip, Udp{}, payload(24));
}

const Ethernet kOut{.dst = kOtherMac, .src = kMac};

// Whatever is in it, and whoever's IP address.
const bool kElsewhere = add_rows(Hook::kXmit, "l2_other_mac", [] {
  World world{};
  world.mode = BV_MODE_L2;
  const Bytes out = from_to(kMac, kOtherMac, {.dst = kReceiver4});
  std::vector<Row> rows = with_each_policy(
      {{.name = "any_ip",
        .frames = {from_to(kMac, kOtherMac, {.dst = kOutside4}), out,
                   from_to(kMac, kOtherMac, {.dst = kParent4}),
                   from_to(kMac, kOtherMac, {.dst = kAllHosts}),
                   frame(kOut, IPv6{.dst = kOutside6}, Udp{}),
                   frame(kOut, IPv6{.dst = kReceiver6}, Udp{}),
                   frame(kOut, Arp{.target_ip = kReceiver4}),
                   frame(kOut, IPv6{.src = "::", .dst = solicited_node(kReceiver6)},
                         NeighborSolicitation{.target = kReceiver6})},
        .reason = kForwarded,
        .world = world},
       {.name = "malformed_or_not_ip",
        .frames = {from_to(kMac, kOtherMac, {.dst = kReceiver4, .ihl = 4}),
                   from_to(kMac, kOtherMac, {.dst = kReceiver4, .version = 6}), frame(kOut, Lldp{}),
                   frame(kOut, Pause{}), frame(kOut)},
        .reason = kForwarded,
        .world = world},
       {.name = "cut",
        .frames = cut(out, kEthernet, out.size()),
        .reason = kForwarded,
        .world = world},
       // The parent's address is somebody else's for who does not send from it.
       {.name = "foreign_source",
        .frames = {from_to(kOtherMac, kMac, {.dst = kReceiver4}),
                   from_to(kZeroMac, kMac, {.dst = kReceiver4}),
                   from_to(kMac, kZeroMac, {.dst = kReceiver4}),
                   from_to(kZeroMac, kOtherMac, {.dst = kOutside4})},
        .reason = kForwarded,
        .world = world},
       {.name = "tagged",
        .frames = {out},
        .reason = kForwarded,
        .world = world,
        .tag = Tag{.tci = 7}}});
  return rows;
}());

const bool kNobody = add_rows(
    Hook::kXmit, "l2_no_endpoint",
    std::vector<Row>{
        {.name = "any",
         .frames = {kUdp4, kUdp6, kArpReply, to_group(kMac, Ip4Addr(kSender4), Ip4Addr(kAllHosts))},
         .reason = BV_REASON_TX_NO_ENDPOINT,
         .world = {.mode = BV_MODE_L2},
         .from_other = true}});

}  // namespace
}  // namespace bpfvlan::test
