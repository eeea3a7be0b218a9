// SPDX-License-Identifier: MIT
// The layers of a frame. What is not said is right: an unset length, checksum or "what follows"
// is worked out from the neighbours, a set one is written as it stands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

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

struct Raw {
  Bytes bytes{};
};

}  // namespace bpfvlan::test
