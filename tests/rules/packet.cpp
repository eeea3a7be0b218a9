// SPDX-License-Identifier: MIT
#include "packet.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>

namespace bpfvlan {
namespace {

void big_endian(std::uint8_t (&to)[2], std::uint32_t value) {
  to[0] = static_cast<std::uint8_t>(value >> 8);
  to[1] = static_cast<std::uint8_t>(value);
}

bool is_icmp(std::uint8_t protocol) {
  return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

}  // namespace

bv_rule_key RulePacket::key() const {
  bv_rule_key k{};
  const bool ipv4 = family == RuleFamily::IPv4;
  const auto address = [&](std::uint8_t(&to)[16], const std::array<std::uint8_t, 16>& from) {
    if (ipv4) to[10] = to[11] = 0xff;
    std::copy_n(from.begin(), ipv4 ? 4 : 16, to + (ipv4 ? 12 : 0));
  };
  address(k.src, src);
  address(k.dst, dst);
  if (has_transport && is_icmp(protocol)) {
    k.dport[0] = icmp_type;
    k.dport[1] = icmp_code;
  } else if (has_transport) {
    big_endian(k.sport, sport);
    big_endian(k.dport, dport);
  }
  k.protocol = protocol;
  const bool flags = has_transport && protocol == IPPROTO_TCP;
  k.state = static_cast<std::uint8_t>(state << 6 | (flags ? tcp_flags : 0));
  big_endian(k.endpoint, endpoint_id);
  return k;
}

std::string describe(const RulePacket& p) {
  const int family = p.family == RuleFamily::IPv4 ? AF_INET : AF_INET6;
  const IpPrefix src{family, p.src, 0}, dst{family, p.dst, 0};
  return fmt::format(
      "{} > {}, protocol {}, transport {}, ports {} > {}, ICMP {}/{}, flags {:#x}, state {}, "
      "endpoint {} ({})",
      src.address(), dst.address(), p.protocol, p.has_transport, p.sport, p.dport, p.icmp_type,
      p.icmp_code, p.tcp_flags, static_cast<int>(p.state), p.endpoint, p.endpoint_id);
}

}  // namespace bpfvlan
