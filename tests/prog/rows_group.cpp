// SPDX-License-Identifier: MIT
// Destination MAC addresses, and destination addresses that no endpoint can have.
#include "row.hpp"

namespace bpfvlan::test {
namespace {

constexpr const char* kBroadcastMac = "ff:ff:ff:ff:ff:ff";
constexpr const char* kGroupMac = "01:00:5e:00:00:01";
constexpr const char* kGroupMac6 = "33:33:00:00:00:01";

constexpr auto kNobody = BV_REASON_RX_NO_ENDPOINT;
constexpr auto kGroup = BV_REASON_TX_MULTICAST;
constexpr auto kRouted = BV_REASON_TX_ROUTED;

Bytes ipv4(const char* mac, const char* dst) {
  return frame(Ethernet{.dst = mac}, IPv4{.dst = dst}, Udp{}, payload(8));
}

Bytes ipv6(const char* mac, const char* dst) {
  return frame(Ethernet{.dst = mac}, IPv6{.dst = dst}, Udp{}, payload(8));
}

const bool kAddresses = add_rows(
    "group",
    std::vector<BothWays>{
        {"multicast", {ipv4(kGroupMac, "224.0.0.1"), ipv6(kGroupMac6, "ff02::1")}, kNobody, kGroup},
        {"broadcast",
         {ipv4(kBroadcastMac, "255.255.255.255"), ipv4(kBroadcastMac, "10.0.0.255")},
         kNobody,
         kGroup},
        {"ip_alone",
         {ipv4(kMac, "224.0.0.0"), ipv4(kMac, "239.255.255.255"), ipv4(kMac, "255.255.255.255"),
          ipv6(kMac, "ff00::"), ipv6(kMac, "ff02::1"), ipv6(kMac, "ff0e::1")},
         kNobody,
         kGroup},
        {"mac_alone",
         {ipv4(kGroupMac, kOutside4), ipv4(kBroadcastMac, kOutside4),
          ipv4("03:00:00:00:00:00", kOutside4), ipv6(kGroupMac6, kOutside6)},
         kNobody,
         kGroup},
        {"just_below_and_above_ipv4_groups",
         {ipv4(kMac, "223.255.255.255"), ipv4(kMac, "240.0.0.0"), ipv4(kMac, "255.255.255.254")},
         kNobody,
         kRouted},
        {"special_unicast",
         {ipv4(kMac, "0.0.0.0"), ipv4(kMac, "127.0.0.1"), ipv4(kMac, kParent4),
          ipv4(kMac, kOutside4), ipv4(kMac, kForeign4)},
         kNobody,
         kRouted},
        {"for_an_endpoint_by_group_mac",
         {ipv4(kBroadcastMac, kReceiver4), ipv4(kGroupMac, kReceiver4),
          ipv6(kGroupMac6, kReceiver6)},
         BV_REASON_RX_DELIVERED,
         BV_REASON_TX_SIBLING},
        // PACKET_OTHERHOST: by the device's address, as in a real device in promiscuous mode.
        // Netns: RxRealFrames.other_host. MAC addresses play no part in what an endpoint sends.
        {"other_host",
         {ipv4(kOtherMac, kReceiver4), ipv6(kOtherMac, kReceiver6)},
         BV_REASON_RX_OTHER_HOST,
         BV_REASON_TX_SIBLING},
        {"other_host_outside",
         {ipv4(kOtherMac, kOutside4), ipv6(kOtherMac, kOutside6)},
         BV_REASON_RX_OTHER_HOST,
         kRouted},
        {"malformed_to_group",
         {frame(Ethernet{}, IPv4{.dst = "224.0.0.1", .ihl = 4}, Udp{}),
          frame(Ethernet{.dst = kGroupMac}, IPv4{.dst = kReceiver4, .ihl = 4}, Udp{}),
          frame(Ethernet{}, IPv6{.dst = "ff02::1", .version = 4}, Udp{})},
         BV_REASON_RX_MALFORMED,
         kGroup},
        {"truncated_to_group",
         {resized(ipv4(kGroupMac, "224.0.0.1"), 20), resized(ipv6(kGroupMac6, "ff02::1"), 20)},
         BV_REASON_RX_MALFORMED,
         kGroup},
    });

}  // namespace
}  // namespace bpfvlan::test
