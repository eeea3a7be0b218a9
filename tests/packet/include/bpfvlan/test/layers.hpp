// SPDX-License-Identifier: MIT
// The layers of a frame. What is not said is right: an unset length, checksum or "what follows"
// is worked out from the neighbours, a set one is written as it stands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "bpfvlan/test/address.hpp"

namespace bpfvlan::test {

template <class T>
using Maybe = std::optional<T>;

struct Ethernet {
  MacAddr dst = "02:00:00:00:00:01";
  MacAddr src = "02:00:00:00:00:fe";
  Maybe<std::uint16_t> ethertype{};
};

struct Vlan {
  std::uint16_t id = 1;
  std::uint8_t priority = 0;
  bool drop_eligible = false;
  std::uint16_t tpid = 0x8100;  // 0x88a8: 802.1ad
  Maybe<std::uint16_t> ethertype{};
};

struct Mpls {
  static constexpr std::uint16_t kEthertype = 0x8847;
  std::uint32_t label = 16;
  std::uint8_t traffic_class = 0;
  std::uint8_t ttl = 64;
  Maybe<bool> bottom{};
};

struct Arp {
  static constexpr std::uint16_t kEthertype = 0x0806;
  static constexpr std::uint16_t kRequest = 1, kReply = 2;
  std::uint16_t operation = kRequest;
  MacAddr sender_mac = "02:00:00:00:00:fe";
  Ip4Addr sender_ip{};
  MacAddr target_mac{};
  Ip4Addr target_ip{};
  std::uint16_t hardware = 1;
  std::uint16_t protocol = 0x0800;
};

struct Pause {
  static constexpr std::uint16_t kEthertype = 0x8808;
  std::uint16_t quanta = 0xffff;
};

struct Lldp {
  static constexpr std::uint16_t kEthertype = 0x88cc;
  MacAddr chassis = "02:00:00:00:00:fe";
  MacAddr port = "02:00:00:00:00:fe";
  std::uint16_t ttl = 120;
};

struct IPv4 {
  static constexpr std::uint16_t kEthertype = 0x0800;
  static constexpr std::uint8_t kProtocol = 4;
  Ip4Addr src = "192.0.2.1";
  Ip4Addr dst = "192.0.2.2";
  std::uint8_t tos = 0;
  std::uint16_t id = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  std::uint16_t fragment_offset = 0;  // in units of 8 bytes
  std::uint8_t ttl = 64;
  Bytes options{};  // a multiple of 4 bytes, unless `ihl` lies anyway
  std::uint8_t version = 4;
  Maybe<std::uint8_t> ihl{};
  Maybe<std::uint16_t> total_length{};
  Maybe<std::uint8_t> protocol{};
  Maybe<std::uint16_t> checksum{};
};

struct IPv6 {
  static constexpr std::uint16_t kEthertype = 0x86dd;
  static constexpr std::uint8_t kProtocol = 41;
  Ip6Addr src = "2001:db8::1";
  Ip6Addr dst = "2001:db8::2";
  std::uint8_t traffic_class = 0;
  std::uint32_t flow_label = 0;
  std::uint8_t hop_limit = 64;
  std::uint8_t version = 6;
  Maybe<std::uint16_t> payload_length{};
  Maybe<std::uint8_t> next_header{};
};

// Options are padded with PadN to a multiple of 8 bytes.
struct HopByHop {
  static constexpr std::uint8_t kProtocol = 0;
  Bytes options{};
  Maybe<std::uint8_t> next_header{};
};

struct DestinationOptions {
  static constexpr std::uint8_t kProtocol = 60;
  Bytes options{};
  Maybe<std::uint8_t> next_header{};
};

// Checksums further in are for IPv6.dst, so it must be the last hop: segments_left 0.
struct Routing {
  static constexpr std::uint8_t kProtocol = 43;
  std::uint8_t type = 4;
  std::uint8_t segments_left = 0;
  Bytes data = Bytes(4);  // behind the fixed 4 bytes; 4 more than a multiple of 8 bytes
  Maybe<std::uint8_t> next_header{};
};

struct Fragment {
  static constexpr std::uint8_t kProtocol = 44;
  std::uint16_t offset = 0;  // in units of 8 bytes
  bool more = false;
  std::uint32_t id = 1;
  Maybe<std::uint8_t> next_header{};
};

struct Udp {
  static constexpr std::uint8_t kProtocol = 17;
  std::uint16_t sport = 4000;
  std::uint16_t dport = 5000;
  Maybe<std::uint16_t> length{};
  Maybe<std::uint16_t> checksum{};
};

struct Tcp {
  static constexpr std::uint8_t kProtocol = 6;
  static constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16;
  std::uint16_t sport = 4000;
  std::uint16_t dport = 5000;
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint8_t flags = kSyn;
  std::uint16_t window = 65535;
  Bytes options{};  // a multiple of 4 bytes
  Maybe<std::uint8_t> data_offset{};
  Maybe<std::uint16_t> checksum{};
};

struct IcmpEcho {
  static constexpr std::uint8_t kProtocol = 1;
  bool reply = false;
  std::uint16_t id = 1;
  std::uint16_t seq = 1;
  Maybe<std::uint16_t> checksum{};
};

struct Icmp6Echo {
  static constexpr std::uint8_t kProtocol = 58;
  bool reply = false;
  std::uint16_t id = 1;
  std::uint16_t seq = 1;
  Maybe<std::uint16_t> checksum{};
};

// Port unreachable unless it says another; what it quotes follows (RFC 792, RFC 4443).
struct IcmpError {
  static constexpr std::uint8_t kProtocol = 1;
  static constexpr std::uint8_t kUnreachable = 3, kRedirect = 5, kTimeExceeded = 11;
  std::uint8_t type = kUnreachable;
  std::uint8_t code = 3;
  std::uint32_t rest = 0;
  Maybe<std::uint16_t> checksum{};
};

struct Icmp6Error {
  static constexpr std::uint8_t kProtocol = 58;
  static constexpr std::uint8_t kUnreachable = 1, kTooBig = 2, kTimeExceeded = 3;
  std::uint8_t type = kUnreachable;
  std::uint8_t code = 4;
  std::uint32_t rest = 0;
  Maybe<std::uint16_t> checksum{};
};

struct NeighborSolicitation {
  static constexpr std::uint8_t kProtocol = 58;
  Ip6Addr target{};
  Maybe<MacAddr> source_mac{};  // left out in duplicate address detection
  Maybe<std::uint16_t> checksum{};
};

struct NeighborAdvertisement {
  static constexpr std::uint8_t kProtocol = 58;
  Ip6Addr target{};
  bool router = false;
  bool solicited = true;
  bool override_cached = true;
  Maybe<MacAddr> target_mac{};
  Maybe<std::uint16_t> checksum{};
};

// A query or report of IGMPv1 or v2 (RFC 1112, 2236).
struct Igmp {
  static constexpr std::uint8_t kProtocol = 2;
  static constexpr std::uint8_t kQuery = 0x11, kV1Report = 0x12, kV2Report = 0x16, kV2Leave = 0x17;
  std::uint8_t type = kV2Report;
  std::uint8_t max_response = 0;  // in tenths of a second
  Ip4Addr group{};
  Maybe<std::uint16_t> checksum{};
};

// Of a group record in IGMPv3 (RFC 3376, 4.2.12) and MLDv2 (RFC 3810, 5.2.12).
struct RecordType {
  static constexpr std::uint8_t kIsInclude = 1, kIsExclude = 2, kToInclude = 3, kToExclude = 4,
                                kAllow = 5, kBlock = 6;
};

struct GroupRecord4 {
  std::uint8_t type = RecordType::kToExclude;
  Ip4Addr group{};
  std::vector<Ip4Addr> sources{};
  Bytes auxiliary{};  // a multiple of 4 bytes
  Maybe<std::uint8_t> auxiliary_words{};
  Maybe<std::uint16_t> number_of_sources{};
};

struct GroupRecord6 {
  std::uint8_t type = RecordType::kToExclude;
  Ip6Addr group{};
  std::vector<Ip6Addr> sources{};
  Bytes auxiliary{};  // a multiple of 4 bytes
  Maybe<std::uint8_t> auxiliary_words{};
  Maybe<std::uint16_t> number_of_sources{};
};

struct IgmpV3Report {
  static constexpr std::uint8_t kProtocol = 2;
  std::vector<GroupRecord4> records{};
  Maybe<std::uint16_t> number_of_records{};
  Maybe<std::uint16_t> checksum{};
};

// A query, report or done of MLDv1 (RFC 2710).
struct Mld {
  static constexpr std::uint8_t kProtocol = 58;
  static constexpr std::uint8_t kQuery = 130, kReport = 131, kDone = 132;
  std::uint8_t type = kReport;
  std::uint16_t max_response = 0;  // in milliseconds
  Ip6Addr group{};
  Maybe<std::uint16_t> checksum{};
};

struct MldV2Report {
  static constexpr std::uint8_t kProtocol = 58;
  std::vector<GroupRecord6> records{};
  Maybe<std::uint16_t> number_of_records{};
  Maybe<std::uint16_t> checksum{};
};

struct DhcpOption {
  static constexpr std::uint8_t kPad = 0, kMessageType = 53, kClientId = 61, kEnd = 255;
  std::uint8_t code = kPad;
  Bytes data{};
  Maybe<std::uint8_t> length{};  // kPad and kEnd have none
};

// DHCPv4 (RFC 2131), what UDP carries; nothing ends the options but what `options` says.
struct Dhcp {
  static constexpr std::uint16_t kServerPort = 67, kClientPort = 68;
  static constexpr std::uint8_t kRequest = 1, kReply = 2;
  std::uint8_t operation = kRequest;
  std::uint32_t xid = 0;
  bool broadcast = false;
  Ip4Addr client_ip{};
  Ip4Addr your_ip{};
  Ip4Addr server_ip{};
  Ip4Addr relay_ip{};
  MacAddr client_mac = "02:00:00:00:00:fe";
  std::vector<DhcpOption> options{};
};

struct Raw {
  Bytes bytes{};
};

// Options of IPv4 and of HopByHop without which routers look at no membership report (RFC 2113,
// 2711).
inline const Bytes kRouterAlert4{0x94, 4, 0, 0};
inline const Bytes kRouterAlert6{5, 2, 0, 0};

}  // namespace bpfvlan::test
