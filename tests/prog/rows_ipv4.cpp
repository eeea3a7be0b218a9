// SPDX-License-Identifier: MIT
// What of an IPv4 frame, and of ARP, decides whose it is; the same parser serves rx and xmit.
#include "row.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kEthernet = 14, kHeader = 20, kArp = 28;
constexpr std::size_t kJumbo = 3000;  // more does not fit BPF_PROG_TEST_RUN's one page

IPv4 to_receiver() {
  return {.dst = kReceiver4};
}

Bytes to_receiver(const Layer& upper) {
  const Layer layers[] = {Ethernet{}, to_receiver(), upper, payload(24)};
  return build(layers);
}

Bytes with_ttl(std::uint8_t ttl) {
  return udp4({.dst = kReceiver4, .ttl = ttl});
}

Bytes with_source(const char* src) {
  return udp4({.src = src, .dst = kReceiver4});
}

Bytes with_options(std::size_t size) {
  return udp4({.dst = kReceiver4, .options = Bytes(size, 1)});  // 1: "no operation"
}

Bytes with_length(std::uint16_t total_length) {
  return udp4({.dst = kReceiver4, .total_length = total_length});
}

// The UDP header, if it has one, is in the first.
Bytes fragment(std::uint16_t offset, bool more) {
  return frame(
      Ethernet{},
      IPv4{.dst = kReceiver4, .more_fragments = more, .fragment_offset = offset, .protocol = 17},
      payload(32));
}

std::vector<Bytes> wrong_versions() {
  std::vector<Bytes> out;
  for (std::uint8_t version = 0; version < 16; ++version)
    if (version != 4) out.push_back(udp4({.dst = kReceiver4, .version = version}));
  return out;
}

std::vector<Bytes> short_headers() {
  std::vector<Bytes> out;
  for (std::uint8_t ihl = 0; ihl < 5; ++ihl) out.push_back(udp4({.dst = kReceiver4, .ihl = ihl}));
  return out;
}

const Bytes kUdp = udp4(to_receiver());
const Bytes kArpRequest = frame(Ethernet{.dst = "ff:ff:ff:ff:ff:ff"},
                                Arp{.sender_ip = kOutside4, .target_ip = kReceiver4});

constexpr auto kFound = BV_REASON_RX_DELIVERED;
constexpr auto kSibling = BV_REASON_TX_SIBLING;
constexpr auto kBad = BV_REASON_RX_MALFORMED;
constexpr auto kBadOut = BV_REASON_TX_MALFORMED;

const bool kHeaders = add_rows(
    "ipv4",
    std::vector<BothWays>{
        {"udp", {kUdp}, kFound, kSibling},
        {"tcp", {to_receiver(Tcp{})}, kFound, kSibling},
        {"icmp_echo", {to_receiver(IcmpEcho{})}, kFound, kSibling},
        {"unknown_protocol", {frame(Ethernet{}, to_receiver())}, kFound, kSibling},
        {"options", {with_options(4), with_options(40)}, kFound, kSibling},
        {"link_local", {udp4({.dst = kReceiverLinkLocal4})}, kFound, kSibling},
        {"ttl", {with_ttl(0), with_ttl(1), with_ttl(255)}, kFound, kSibling},
        {"any_source",
         {with_source("0.0.0.0"), with_source("127.0.0.1"), with_source("255.255.255.255"),
          with_source("224.0.0.1"), with_source(kReceiver4), with_source(kSender4)},
         kFound,
         kSibling},
        {"wrong_checksum", {udp4({.dst = kReceiver4, .checksum = 0xdead})}, kFound, kSibling},
        {"dont_fragment", {udp4({.dst = kReceiver4, .dont_fragment = true})}, kFound, kSibling},
        {"first_fragment", {fragment(0, true)}, kFound, kSibling},
        {"middle_fragment", {fragment(4, true)}, kFound, kSibling},
        {"last_fragment", {fragment(8, false), fragment(0x1fff, false)}, kFound, kSibling},
        {"header_alone", {resized(with_length(kHeader), kEthernet + kHeader)}, kFound, kSibling},
        {"padded_to_minimum",
         {resized(frame(Ethernet{}, to_receiver(), Udp{}), 60), with_length(kHeader)},
         kFound,
         kSibling},
        {"jumbo", {frame(Ethernet{}, to_receiver(), Udp{}, payload(kJumbo))}, kFound, kSibling},
        {"wrong_version", wrong_versions(), kBad, kBadOut},
        {"short_ihl", short_headers(), kBad, kBadOut},
        {"length_below_header",
         {with_length(0), with_length(kHeader - 1),
          udp4({.dst = kReceiver4, .ihl = 15, .total_length = 59}),
          udp4({.dst = kReceiver4, .options = Bytes(4, 1), .total_length = kHeader})},
         kBad,
         kBadOut},
        {"length_beyond_frame",
         {with_length(static_cast<std::uint16_t>(kUdp.size() + 1)), with_length(65535),
          frame(Ethernet{}, IPv4{.dst = kReceiver4, .ihl = 15, .total_length = 60})},
         kBad,
         kBadOut},
        {"cut_behind_header", cut(kUdp, kEthernet + kHeader, kUdp.size() - kEthernet), kBad,
         kBadOut},
        // At xmit the driver compares with a length that counts the Ethernet header.
        {"length_beyond_frame_by_ethernet_header",
         {with_length(static_cast<std::uint16_t>(kUdp.size() - kEthernet + 1)),
          with_length(static_cast<std::uint16_t>(kUdp.size()))},
         kBad,
         kSibling},
        {"cut_by_ethernet_header", cut(kUdp, kUdp.size() - kEthernet, kUdp.size()), kBad, kSibling},
        {"cut_in_header", cut(kUdp, kEthernet, kEthernet + kHeader), kBad, BV_REASON_TX_TRUNCATED},
    });

// A TCP super-packet beyond 64 kB says 0; any other length counts in a super-packet too.
const bool kSuperPackets =
    add_rows("ipv4_gso", std::vector<BothWays>{
                             {"length_0", {with_length(0)}, kFound, kSibling, 1448},
                             {"length_true", {kUdp}, kFound, kSibling, 1448},
                             {"length_beyond_frame", {with_length(65535)}, kBad, kBadOut, 1448},
                             {"length_0_short_ihl",
                              {udp4({.dst = kReceiver4, .ihl = 4, .total_length = 0})},
                              kBad,
                              kBadOut,
                              1448},
                         });

Bytes arp(const Arp& message) {
  return frame(Ethernet{}, message);
}

const bool kArpTargets = add_rows(
    "arp",
    std::vector<BothWays>{
        {"request", {kArpRequest}, kFound, kSibling},
        {"request_unicast", {arp({.target_ip = kReceiver4})}, kFound, kSibling},
        {"reply", {arp({.operation = Arp::kReply, .target_ip = kReceiver4})}, kFound, kSibling},
        {"probe",
         {frame(Ethernet{.dst = "ff:ff:ff:ff:ff:ff"},
                Arp{.sender_ip = "0.0.0.0", .target_ip = kReceiver4})},
         kFound,
         kSibling},
        {"padded_to_minimum", {resized(kArpRequest, 60)}, kFound, kSibling},
        {"for_nobody_unicast",
         {arp({.target_ip = kOutside4}), arp({.operation = Arp::kReply, .target_ip = kParent4}),
          arp({.target_ip = kForeign4})},
         BV_REASON_RX_NO_ENDPOINT,
         BV_REASON_TX_NOT_IP},
        {"for_nobody_broadcast",
         {frame(Ethernet{.dst = "ff:ff:ff:ff:ff:ff"}, Arp{.target_ip = kOutside4})},
         BV_REASON_RX_NO_ENDPOINT,
         BV_REASON_TX_MULTICAST},
        {"from_receiver_only",
         {arp({.sender_ip = kReceiver4, .target_ip = kOutside4})},
         BV_REASON_RX_NO_ENDPOINT,
         BV_REASON_TX_NOT_IP},
        {"cut", cut(arp({.target_ip = kReceiver4}), kEthernet, kEthernet + kArp), kBad,
         BV_REASON_TX_NOT_IP},
        {"reverse",
         {frame(Ethernet{.ethertype = 0x8035}, Arp{.target_ip = kReceiver4})},
         BV_REASON_RX_NOT_IP,
         BV_REASON_TX_NOT_IP},
    });

}  // namespace
}  // namespace bpfvlan::test
