// SPDX-License-Identifier: MIT
// What of an IPv6 frame decides whose it is; the same parser serves rx and xmit.
#include "row.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kEthernet = 14, kHeader = 40, kIcmp = 8, kSolicitation = 24;
constexpr const char* kAllNodesMac = "33:33:00:00:00:01";
constexpr const char* kSolicitedMac = "33:33:ff:00:00:03";
constexpr const char* kSolicitedNode = "ff02::1:ff00:3";  // of the receiver

constexpr auto kFound = BV_REASON_RX_DELIVERED;
constexpr auto kSibling = BV_REASON_TX_SIBLING;
constexpr auto kNobody = BV_REASON_RX_NO_ENDPOINT;
constexpr auto kGroup = BV_REASON_TX_MULTICAST;
constexpr auto kBad = BV_REASON_RX_MALFORMED;
constexpr auto kBadOut = BV_REASON_TX_MALFORMED;

template <class... Upper>
Bytes to_receiver(Upper... upper) {
  return frame(Ethernet{}, IPv6{.dst = kReceiver6}, upper..., payload(24));
}

Bytes with_hop_limit(std::uint8_t hop_limit) {
  return udp6({.dst = kReceiver6, .hop_limit = hop_limit});
}

Bytes with_source(const char* src) {
  return udp6({.src = src, .dst = kReceiver6});
}

Bytes with_length(std::uint16_t payload_length) {
  return udp6({.dst = kReceiver6, .payload_length = payload_length});
}

Bytes fragment(std::uint16_t offset, bool more) {
  return to_receiver(Fragment{.offset = offset, .more = more, .next_header = 17});
}

std::vector<Bytes> wrong_versions() {
  std::vector<Bytes> out;
  for (std::uint8_t version = 0; version < 16; ++version)
    if (version != 6) out.push_back(udp6({.dst = kReceiver6, .version = version}));
  return out;
}

const Bytes kUdp = udp6({.dst = kReceiver6});

const bool kHeaders = add_rows(
    "ipv6",
    std::vector<BothWays>{
        {"udp", {kUdp}, kFound, kSibling},
        {"tcp", {to_receiver(Tcp{})}, kFound, kSibling},
        {"icmp_echo",
         {to_receiver(Icmp6Echo{}), to_receiver(Icmp6Echo{.reply = true})},
         kFound,
         kSibling},
        {"header_alone", {frame(Ethernet{}, IPv6{.dst = kReceiver6})}, kFound, kSibling},
        {"link_local", {udp6({.src = "fe80::9", .dst = kReceiverLinkLocal6})}, kFound, kSibling},
        {"hop_limit",
         {with_hop_limit(0), with_hop_limit(1), with_hop_limit(255)},
         kFound,
         kSibling},
        {"any_source",
         {with_source("::"), with_source("::1"), with_source("ff02::1"), with_source(kReceiver6),
          with_source("fe80::9")},
         kFound,
         kSibling},
        {"hop_by_hop", {to_receiver(HopByHop{}, Udp{})}, kFound, kSibling},
        {"routing", {to_receiver(Routing{}, Udp{})}, kFound, kSibling},
        {"destination_options", {to_receiver(DestinationOptions{}, Udp{})}, kFound, kSibling},
        {"all_extension_headers",
         {to_receiver(HopByHop{}, DestinationOptions{}, Routing{}, Fragment{}, Udp{})},
         kFound,
         kSibling},
        {"first_fragment", {fragment(0, true)}, kFound, kSibling},
        {"middle_fragment", {fragment(4, true)}, kFound, kSibling},
        {"last_fragment", {fragment(8, false), fragment(0x1fff, false)}, kFound, kSibling},
        // The driver trusts no length here, so it looks at none.
        {"payload_length_below_frame", {with_length(0), with_length(1)}, kFound, kSibling},
        {"payload_length_beyond_frame", {with_length(65535)}, kFound, kSibling},
        {"cut_behind_header", cut(kUdp, kEthernet + kHeader, kUdp.size()), kFound, kSibling},
        {"padded", {resized(kUdp, kUdp.size() + 20)}, kFound, kSibling},
        {"jumbo",
         {frame(Ethernet{}, IPv6{.dst = kReceiver6}, Udp{}, payload(3000))},
         kFound,
         kSibling},
        {"wrong_version", wrong_versions(), kBad, kBadOut},
        {"cut_in_header", cut(kUdp, kEthernet, kEthernet + kHeader), kBad, BV_REASON_TX_TRUNCATED},
    });

// Length 0 is how a super-packet beyond 64 kB looks; nothing else about it is special.
const bool kSuperPackets =
    add_rows("ipv6_gso", std::vector<BothWays>{
                             {"length_0", {with_length(0)}, kFound, kSibling, 1428},
                         });

Bytes neighbor(const MacAddr& mac, const char* src, const char* dst, const Layer& message) {
  const Layer layers[] = {Ethernet{.dst = mac}, IPv6{.src = src, .dst = dst, .hop_limit = 255},
                          message};
  return build(layers);
}

Bytes dad(const char* target) {
  return neighbor(kSolicitedMac, "::", kSolicitedNode, NeighborSolicitation{.target = target});
}

// To the receiver's own address, so that only the target can tell.
Bytes dad_unicast(const char* target) {
  return neighbor(kMac, "::", kReceiver6, NeighborSolicitation{.target = target});
}

NeighborSolicitation solicitation() {
  return {.target = kReceiver6, .source_mac = MacAddr(kOtherMac)};
}

const bool kNeighborDiscovery = add_rows(
    "ndisc",
    std::vector<BothWays>{
        {"dad_for_receiver", {dad(kReceiver6)}, kFound, kSibling},
        {"dad_for_nobody", {dad(kOutside6), dad(kForeign6)}, kNobody, kGroup},
        {"dad_target_beats_destination", {dad_unicast(kOutside6)}, kNobody, BV_REASON_TX_ROUTED},
        {"dad_cut_in_target",
         cut(dad(kReceiver6), kEthernet + kHeader + kIcmp, kEthernet + kHeader + kSolicitation),
         kBad, kGroup},
        {"dad_cut_in_icmp", cut(dad(kReceiver6), kEthernet + kHeader, kEthernet + kHeader + kIcmp),
         kBad, kGroup},
        {"dad_unicast_cut",
         cut(dad_unicast(kReceiver6), kEthernet + kHeader, kEthernet + kHeader + kSolicitation),
         kBad, kBadOut},
        {"from_any_not_solicitation",
         {neighbor(kMac, "::", kReceiver6, Icmp6Echo{}),
          neighbor(kMac, "::", kReceiver6, NeighborAdvertisement{.target = kReceiver6}),
          resized(neighbor(kMac, "::", kReceiver6, Icmp6Echo{}), kEthernet + kHeader + kIcmp)},
         kNobody,
         BV_REASON_TX_ROUTED},
        {"dad_behind_extension_header",
         {frame(Ethernet{}, IPv6{.src = "::", .dst = kReceiver6}, HopByHop{},
                NeighborSolicitation{.target = kOutside6})},
         kFound,
         kSibling},
        {"solicitation_unicast",
         {neighbor(kMac, kOutside6, kReceiver6, solicitation())},
         kFound,
         kSibling},
        {"solicitation_multicast",
         {neighbor(kSolicitedMac, kOutside6, kSolicitedNode, solicitation())},
         kNobody,
         kGroup},
        {"advertisement_unicast",
         {neighbor(kMac, kOutside6, kReceiver6, NeighborAdvertisement{.target = kOutside6})},
         kFound,
         kSibling},
        {"advertisement_multicast",
         {neighbor(kAllNodesMac, kReceiver6, "ff02::1",
                   NeighborAdvertisement{.target = kReceiver6})},
         kNobody,
         kGroup},
    });

}  // namespace
}  // namespace bpfvlan::test
