// SPDX-License-Identifier: MIT
// Where a packet goes that is for no sibling, whose address belongs to whom.
#include "row.hpp"

namespace bpfvlan::test {
namespace {

constexpr auto kRouted = BV_REASON_TX_ROUTED;
constexpr auto kHost = BV_REASON_TX_HOST;

Bytes to4(const char* dst) {
  return udp4({.src = kSender4, .dst = dst});
}

Bytes to6(const char* dst) {
  return udp6({.src = kSender6, .dst = dst});
}

Bytes malformed6(const char* dst) {
  return udp6({.src = kSender6, .dst = dst, .version = 4});
}

// bv_local tells local IPv4 destinations apart once the kernel has routed them: local_test.cpp.
const bool kXmit = add_rows(
    Hook::kXmit, "route",
    std::vector<Row>{
        {.name = "ipv4_on_link", .frames = {to4("10.0.0.200")}, .reason = kRouted},
        {.name = "ipv4_outside", .frames = {to4(kOutside4)}, .reason = kRouted},
        {.name = "ipv4_host_before_route", .frames = {to4(kParent4)}, .reason = kRouted},
        // The kernel drops it once it has a route, of type broadcast.
        {.name = "ipv4_subnet_broadcast", .frames = {to4("10.0.0.255")}, .reason = kRouted},
        {.name = "ipv4_any_source",
         .frames = {udp4({.src = "198.51.100.1", .dst = kOutside4})},
         .reason = kRouted},
        {.name = "ipv4_any_ttl",
         .frames = {udp4({.dst = kOutside4, .ttl = 0}), udp4({.dst = kOutside4, .ttl = 1})},
         .reason = kRouted},
        {.name = "ipv6_on_link", .frames = {to6("2001:db8::200")}, .reason = kRouted},
        {.name = "ipv6_outside", .frames = {to6(kOutside6)}, .reason = kRouted},
        {.name = "ipv6_by_another_interface", .frames = {to6(kByOther6)}, .reason = kRouted},
        {.name = "ipv6_unreachable", .frames = {to6(kUnreachable6)}, .reason = kRouted},
        {.name = "ipv6_any_source",
         .frames = {udp6({.src = "2001:db8:aaaa::1", .dst = kOutside6})},
         .reason = kRouted},
        // bpf_fib_lookup() calls these sources "not forwarded" before it looks at any route.
        {.name = "ipv6_link_local_source",
         .frames = {udp6({.src = "fe80::2", .dst = kOutside6}),
                    frame(Ethernet{}, IPv6{.src = "fe80::2", .dst = kOutside6}, Icmp6Echo{})},
         .reason = kRouted},
        {.name = "ipv6_host_link_local_source",
         .frames = {udp6({.src = "fe80::2", .dst = kParent6})},
         .reason = kHost},
        {.name = "ipv6_any_hop_limit",
         .frames = {udp6({.dst = kOutside6, .hop_limit = 0}),
                    udp6({.dst = kOutside6, .hop_limit = 1})},
         .reason = kRouted},
        {.name = "ipv6_link_local",
         .frames = {to6("fe80::9"), to6("febf:ffff::9")},
         .reason = kRouted},
        {.name = "ipv6_host", .frames = {to6(kParent6)}, .reason = kHost},
        // Routed with the parent as output interface, where there is none: not the host's loopback.
        {.name = "ipv6_loopback", .frames = {to6("::1")}, .reason = kRouted},
        {.name = "ipv6_host_extension_header",
         .frames = {frame(Ethernet{}, IPv6{.dst = kParent6}, HopByHop{}, Udp{})},
         .reason = kHost},
        {.name = "ipv6_host_icmp",
         .frames = {frame(Ethernet{}, IPv6{.dst = kParent6}, Icmp6Echo{})},
         .reason = kHost},
        {.name = "ipv6_host_malformed", .frames = {malformed6(kParent6)}, .reason = kHost},
        // The look-up says the same as for a local one; routing to the loopback drops it.
        {.name = "ipv6_no_route",
         .frames = {to6(kUnrouted6), to6("fec0::9"), to6("::")},
         .reason = kHost},
        {.name = "ipv6_outside_malformed",
         .frames = {malformed6(kOutside6)},
         .reason = BV_REASON_TX_MALFORMED},
        // No look-up without forwarding on the host side: towards the wire, as IPv4.
        {.name = "ipv6_host_without_forwarding",
         .frames = {to6(kParent6), to6(kUnrouted6)},
         .reason = kRouted,
         .forwarding = false},
        {.name = "ipv6_outside_without_forwarding",
         .frames = {to6(kOutside6)},
         .reason = kRouted,
         .forwarding = false},
        {.name = "to_itself",
         .frames = {to4(kSender4), to6(kSender6)},
         .reason = BV_REASON_TX_SIBLING,
         .to = Who::kSender},
        {.name = "no_sibling_across_parents",
         .frames = {to4(kForeign4), to6(kForeign6)},
         .reason = kRouted},
        {.name = "no_endpoint",
         .frames = {to4(kReceiver4), to4(kOutside4), to6(kReceiver6), to6(kParent6),
                    frame(Ethernet{}, Lldp{}), resized(to4(kReceiver4), 14)},
         .reason = BV_REASON_TX_NO_ENDPOINT,
         .from_other = true},
        {.name = "no_endpoint_tagged",
         .frames = {to4(kReceiver4)},
         .reason = BV_REASON_TX_NO_ENDPOINT,
         .from_other = true,
         .tag = Tag{.tci = 7}},
        {.name = "sibling_in_parent_netns",
         .frames = {to4(kReceiver4), to6(kReceiver6)},
         .reason = BV_REASON_TX_SIBLING,
         .world = {.receiver_in_parent_netns = true}},
    });

const bool kRx = add_rows(
    Hook::kRx, "owner",
    std::vector<Row>{
        {.name = "nobody",
         .frames = {udp4({.dst = kOutside4}), udp6({.dst = kOutside6})},
         .reason = BV_REASON_RX_NO_ENDPOINT},
        {.name = "host",
         .frames = {udp4({.dst = kParent4}), udp6({.dst = kParent6}), udp6({.dst = "::1"}),
                    udp6({.dst = "::"})},
         .reason = BV_REASON_RX_NO_ENDPOINT},
        {.name = "sender",
         .frames = {udp4({.dst = kSender4}), udp6({.dst = kSender6})},
         .reason = BV_REASON_RX_DELIVERED,
         .to = Who::kSender},
        {.name = "in_parent_netns",
         .frames = {udp4({.dst = kReceiver4}), udp6({.dst = kReceiver6})},
         .reason = BV_REASON_RX_DELIVERED,
         .world = {.receiver_in_parent_netns = true}},
        {.name = "in_parent_netns_by_broadcast",
         .frames = {frame(Ethernet{.dst = "ff:ff:ff:ff:ff:ff"}, Arp{.target_ip = kReceiver4})},
         .reason = BV_REASON_RX_DELIVERED,
         .world = {.receiver_in_parent_netns = true}},
        {.name = "of_another_parent",
         .frames = {udp4({.dst = kForeign4}), udp6({.dst = kForeign6})},
         .reason = BV_REASON_RX_NO_ENDPOINT},
        {.name = "at_another_parent",
         .frames = {udp4({.dst = kReceiver4}), udp6({.dst = kReceiver6})},
         .reason = BV_REASON_RX_NO_ENDPOINT,
         .from_other = true},
        // IPv4-mapped and neighbouring addresses share bits with the receiver's, nothing more.
        {.name = "similar_addresses",
         .frames = {udp6({.dst = "::ffff:10.0.0.3"}), udp6({.dst = "2001:db8::1:3"}),
                    udp4({.dst = "10.0.0.5"}), udp4({.dst = "3.0.0.10"})},
         .reason = BV_REASON_RX_NO_ENDPOINT},
    });

}  // namespace
}  // namespace bpfvlan::test
