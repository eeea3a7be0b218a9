// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "bpfvlan/conntrack.hpp"

namespace bpfvlan {
namespace {

struct Protocol {
  std::uint8_t number;
  std::string_view name;
};
// The names that conntrack-tools know; the number stands for all others.
constexpr Protocol kProtocols[] = {
    {IPPROTO_TCP, "tcp"},         {IPPROTO_UDP, "udp"},   {IPPROTO_ICMP, "icmp"},
    {IPPROTO_ICMPV6, "icmpv6"},   {IPPROTO_SCTP, "sctp"}, {IPPROTO_DCCP, "dccp"},
    {IPPROTO_UDPLITE, "udplite"}, {IPPROTO_GRE, "gre"},
};

constexpr std::string_view kStates[] = {
#define X(id) #id,
    BV_TCP_STATES(X)
#undef X
};

template <class T>
bool differs(const std::optional<T>& wanted, const T& value) {
  return wanted && *wanted != value;
}

bool within(const std::optional<AddressRange>& range, int family,
            const std::array<std::uint8_t, 16>& address) {
  return !range || (range->family == family && range->contains(address));
}

}  // namespace

Result<AddressRange> AddressRange::parse(std::string_view text) {
  const auto slash = text.find('/');
  const std::string address(text.substr(0, slash));
  const bool v6 = address.find(':') != std::string::npos;
  const unsigned bits = v6 ? 128 : 32;
  AddressRange range;
  range.family = v6 ? AF_INET6 : AF_INET;
  if (!v6) range.addr[10] = range.addr[11] = 0xff;
  if (inet_pton(range.family, address.c_str(), range.addr.data() + (v6 ? 0 : 12)) != 1)
    return refuse(std::errc::invalid_argument,
                  fmt::format("'{}' is not an IPv4 or IPv6 address", text));
  unsigned length = bits;
  if (slash != std::string_view::npos) {
    const auto digits = text.substr(slash + 1);
    const auto [end, err] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (err != std::errc{} || end != digits.data() + digits.size() || length > bits)
      return refuse(std::errc::invalid_argument,
                    fmt::format("'{}' is no prefix: the length after '/' is 0 to {}", text, bits));
  }
  range.length = static_cast<std::uint8_t>(length + 128 - bits);
  return range;
}

bool AddressRange::contains(const std::array<std::uint8_t, 16>& address) const {
  const unsigned whole = length / 8, rest = length % 8;
  if (std::memcmp(addr.data(), address.data(), whole) != 0) return false;
  return rest == 0 || ((addr.at(whole) ^ address.at(whole)) >> (8 - rest)) == 0;
}

bool ConnectionFilter::matches(const Connection& c) const {
  if (differs(protocol, c.protocol)) return false;
  if (state && c.state != state) return false;
  const bool icmp = c.protocol == IPPROTO_ICMP || c.protocol == IPPROTO_ICMPV6;
  if ((icmp_type || icmp_id) && !icmp) return false;
  if ((sport || dport) && icmp) return false;
  const auto& o = c.original;
  if (differs(sport, o.sport) || differs(dport, o.dport)) return false;
  if (differs(icmp_type, o.icmp_type) || differs(icmp_id, o.icmp_id)) return false;
  if (!within(src, c.family, o.src) || !within(dst, c.family, o.dst)) return false;
  return !endpoint || c.endpoint == *endpoint;
}

std::string_view to_string(bv_tcp_state state) {
  return state < BV_TCP_MAX ? kStates[state] : "?";
}

Result<bv_tcp_state> parse_tcp_state(std::string_view text) {
  const auto* const found = std::find(std::begin(kStates), std::end(kStates), text);
  if (found != std::end(kStates)) return static_cast<bv_tcp_state>(found - std::begin(kStates));
  std::string all;
  for (const auto name : kStates) all += fmt::format("{}{}", all.empty() ? "" : ", ", name);
  return refuse(std::errc::invalid_argument,
                fmt::format("state '{}' is not one of: {}", text, all));
}

std::string_view protocol_name(std::uint8_t protocol) {
  const auto* const found = std::find_if(std::begin(kProtocols), std::end(kProtocols),
                                         [&](const Protocol& p) { return p.number == protocol; });
  return found != std::end(kProtocols) ? found->name : std::string_view{};
}

Result<std::uint8_t> parse_protocol(std::string_view text) {
  for (const auto& p : kProtocols)
    if (p.name == text) return p.number;
  std::uint8_t number = 0;
  const auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (err == std::errc{} && end == text.data() + text.size()) return number;
  std::string all;
  for (const auto& p : kProtocols) all += fmt::format("{}, ", p.name);
  return refuse(std::errc::invalid_argument,
                fmt::format("protocol '{}' is not one of: {}0 to 255", text, all));
}

}  // namespace bpfvlan
