// SPDX-License-Identifier: MIT
#include "l2.hpp"

namespace bpfvlan::test {

MacAddr mac_of(const Ip4Addr& group) {
  const auto& o = group.octets;
  return Octets<6>{0x01, 0x00, 0x5e, static_cast<std::uint8_t>(o[1] & 0x7f), o[2], o[3]};
}

MacAddr mac_of(const Ip6Addr& group) {
  const auto& o = group.octets;
  return Octets<6>{0x33, 0x33, o[12], o[13], o[14], o[15]};
}

Ip6Addr solicited_node(const Ip6Addr& target) {
  Ip6Addr group("ff02::1:ff00:0");
  for (std::size_t i = 13; i < 16; ++i) group.octets[i] = target.octets[i];
  return group;
}

Bytes to_group(const char* from_mac, const Ip4Addr& src, const Ip4Addr& group) {
  return frame(Ethernet{.dst = mac_of(group), .src = from_mac}, IPv4{.src = src, .dst = group},
               Udp{}, payload(24));
}

Bytes to_group(const char* from_mac, const Ip6Addr& src, const Ip6Addr& group) {
  return frame(Ethernet{.dst = mac_of(group), .src = from_mac}, IPv6{.src = src, .dst = group},
               Udp{}, payload(24));
}

Bytes arp_request(const char* from_mac, const char* sender, const char* target) {
  return frame(Ethernet{.dst = kBroadcastMac, .src = from_mac},
               Arp{.sender_mac = from_mac, .sender_ip = sender, .target_ip = target});
}

Bytes solicitation(const char* from_mac, const char* sender, const char* target) {
  const Ip6Addr group = solicited_node(target);
  return frame(Ethernet{.dst = mac_of(group), .src = from_mac},
               IPv6{.src = sender, .dst = group, .hop_limit = 255},
               NeighborSolicitation{.target = target, .source_mac = MacAddr(from_mac)});
}

Bytes dad_solicitation(const char* from_mac, const char* target) {
  const Ip6Addr group = solicited_node(target);
  return frame(Ethernet{.dst = mac_of(group), .src = from_mac},
               IPv6{.src = "::", .dst = group, .hop_limit = 255},
               NeighborSolicitation{.target = target});
}

std::vector<Sent> joined(const std::vector<Who>& who) {
  std::vector<Sent> out;
  for (const Who from : who) {
    out.push_back({from, frame(Ethernet{.dst = mac_of(Ip4Addr(kGroup4)), .src = kMac},
                               IPv4{.dst = kGroup4, .ttl = 1, .options = kRouterAlert4},
                               Igmp{.group = kGroup4})});
    out.push_back({from, frame(Ethernet{.dst = mac_of(Ip6Addr(kGroup6)), .src = kMac},
                               IPv6{.src = "fe80::1", .dst = kGroup6, .hop_limit = 1},
                               HopByHop{.options = kRouterAlert6}, Mld{.group = kGroup6})});
  }
  return out;
}

std::vector<Pair> all_pairs() {
  std::vector<Pair> out;
  for (const auto& [sender, sender_name] : kPolicies)
    for (const auto& [receiver, receiver_name] : kPolicies)
      out.push_back({sender, receiver, std::string(sender_name) + "_to_" + receiver_name});
  return out;
}

std::vector<Row> with_each_pair(const Row& row, bv_reason bridge, bv_reason vepa,
                                bv_reason isolated) {
  std::vector<Row> out;
  for (const Pair& pair : all_pairs()) {
    const bv_policy policy = stricter(pair.sender, pair.receiver);
    Row& copy = out.emplace_back(row);
    copy.name += "_" + pair.name;
    copy.world.mode = BV_MODE_L2;
    copy.world.sender = pair.sender;
    copy.world.receiver = pair.receiver;
    copy.reason = policy == BV_POLICY_BRIDGE ? bridge : policy == BV_POLICY_VEPA ? vepa : isolated;
    if (copy.reason != BV_REASON_TX_ANSWERED) copy.answer.reset();
  }
  return out;
}

}  // namespace bpfvlan::test
