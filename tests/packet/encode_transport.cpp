// SPDX-License-Identifier: MIT
#include "checksum.hpp"
#include "encode.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kIcmpChecksumAt = 2;

// What a checksum covers of the IP header; nothing if the message stands alone.
Bytes pseudo_header(const Layer* ip, std::uint8_t protocol, std::size_t length) {
  Bytes out;
  if (const auto* ipv4 = ip ? std::get_if<IPv4>(ip) : nullptr) {
    put(out, ipv4->src.octets);
    put(out, ipv4->dst.octets);
    put16(out, protocol);
    put16(out, length);
  } else if (const auto* ipv6 = ip ? std::get_if<IPv6>(ip) : nullptr) {
    put(out, ipv6->src.octets);
    put(out, ipv6->dst.octets);
    put32(out, length);
    put32(out, protocol);
  }
  return out;
}

std::uint16_t checksum_of(Bytes covered, const Bytes& header, const Bytes& inner) {
  put(covered, header);
  put(covered, inner);
  return internet_checksum(covered);
}

template <class Echo>
Bytes echo_header(const Echo& echo, std::uint8_t request, std::uint8_t reply) {
  Bytes out;
  put8(out, echo.reply ? reply : request);
  put8(out, 0);
  put16(out, 0);
  put16(out, echo.id);
  put16(out, echo.seq);
  return out;
}

template <class Error>
Bytes error_header(const Error& error) {
  Bytes out;
  put8(out, error.type);
  put8(out, error.code);
  put16(out, 0);
  put32(out, error.rest);
  return out;
}

void put_link_address(Bytes& out, std::size_t option, const Maybe<MacAddr>& mac) {
  if (!mac) return;
  put8(out, option);
  put8(out, 1);  // in units of 8 bytes
  put(out, mac->octets);
}

Bytes neighbor_header(std::size_t type, std::size_t flags, const Ip6Addr& target) {
  Bytes out;
  put8(out, type);
  put8(out, 0);
  put16(out, 0);
  put32(out, flags);
  put(out, target.octets);
  return out;
}

template <class Message>
Bytes icmp6(const Message& message, Bytes header, const Surroundings& around) {
  set16(header, kIcmpChecksumAt,
        message.checksum.value_or(transport_checksum(around, Message::kProtocol, header)));
  return header;
}

}  // namespace

std::uint16_t transport_checksum(const Surroundings& around, std::uint8_t protocol,
                                 const Bytes& header) {
  return checksum_of(pseudo_header(around.ip, protocol, header.size() + around.inner.size()),
                     header, around.inner);
}

std::uint16_t message_checksum(const Surroundings& around, const Bytes& header) {
  return checksum_of({}, header, around.inner);
}

Bytes encode(const Udp& udp, const Surroundings& around) {
  constexpr std::size_t kLength = 8, kChecksumAt = 6;
  Bytes out;
  put16(out, udp.sport);
  put16(out, udp.dport);
  put16(out, udp.length.value_or(kLength + around.inner.size()));
  put16(out, 0);
  const std::uint16_t sum = transport_checksum(around, Udp::kProtocol, out);
  set16(out, kChecksumAt, udp.checksum.value_or(sum ? sum : 0xffff));  // 0 means "none"
  return out;
}

Bytes encode(const Tcp& tcp, const Surroundings& around) {
  constexpr std::size_t kFixed = 20, kChecksumAt = 16;
  Bytes out;
  put16(out, tcp.sport);
  put16(out, tcp.dport);
  put32(out, tcp.seq);
  put32(out, tcp.ack);
  put8(out, tcp.data_offset.value_or((kFixed + tcp.options.size()) / 4) << 4u);
  put8(out, tcp.flags);
  put16(out, tcp.window);
  put16(out, 0);
  put16(out, 0);
  put(out, tcp.options);
  set16(out, kChecksumAt, tcp.checksum.value_or(transport_checksum(around, Tcp::kProtocol, out)));
  return out;
}

Bytes encode(const IcmpEcho& echo, const Surroundings& around) {
  Bytes out = echo_header(echo, 8, 0);
  set16(out, kIcmpChecksumAt, echo.checksum.value_or(message_checksum(around, out)));
  return out;
}

Bytes encode(const Icmp6Echo& echo, const Surroundings& around) {
  return icmp6(echo, echo_header(echo, 128, 129), around);
}

Bytes encode(const IcmpError& error, const Surroundings& around) {
  Bytes out = error_header(error);
  set16(out, kIcmpChecksumAt, error.checksum.value_or(message_checksum(around, out)));
  return out;
}

Bytes encode(const Icmp6Error& error, const Surroundings& around) {
  return icmp6(error, error_header(error), around);
}

Bytes encode(const NeighborSolicitation& ns, const Surroundings& around) {
  Bytes out = neighbor_header(135, 0, ns.target);
  put_link_address(out, 1, ns.source_mac);
  return icmp6(ns, std::move(out), around);
}

Bytes encode(const NeighborAdvertisement& na, const Surroundings& around) {
  const std::size_t flags = (na.router ? 1ul << 31 : 0ul) | (na.solicited ? 1ul << 30 : 0ul) |
                            (na.override_cached ? 1ul << 29 : 0ul);
  Bytes out = neighbor_header(136, flags, na.target);
  put_link_address(out, 2, na.target_mac);
  return icmp6(na, std::move(out), around);
}

}  // namespace bpfvlan::test
