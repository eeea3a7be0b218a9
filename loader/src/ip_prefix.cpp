// SPDX-License-Identifier: MIT
#include "bpfvlan/ip_prefix.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace bpfvlan {
namespace {

unsigned bits(int family) {
  return family == AF_INET ? 32 : 128;
}

// Why an interface cannot have this address; empty if it can.
std::string_view not_unicast(const IpPrefix& p) {
  const auto& a = p.addr;
  if (std::all_of(a.begin(), a.end(), [](auto byte) { return byte == 0; })) return "unspecified";
  if (p.family == AF_INET) {
    if (a[0] == 127) return "a loopback address";
    if (a[0] >= 224 && a[0] < 240) return "multicast";
    if (a[0] == 0) return "in 0.0.0.0/8";
    if (a[0] == 255 && a[1] == 255 && a[2] == 255 && a[3] == 255) return "broadcast";
    return {};
  }
  if (a[0] == 0xff) return "multicast";
  if (std::all_of(a.begin(), a.end() - 1, [](auto byte) { return byte == 0; }) && a[15] == 1)
    return "a loopback address";
  if (std::all_of(a.begin(), a.begin() + 10, [](auto byte) { return byte == 0; }) &&
      a[10] == 0xff && a[11] == 0xff)
    return "an IPv4-mapped address";
  return {};
}

}  // namespace

Result<IpPrefix> IpPrefix::parse(std::string_view text) {
  auto bad = [&](std::string_view why) {
    return refuse(std::errc::invalid_argument, fmt::format("'{}' is {}", text, why));
  };
  IpPrefix p;
  const auto slash = text.find('/');
  const std::string address(text.substr(0, slash));
  p.family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
  if (inet_pton(p.family, address.c_str(), p.addr.data()) != 1)
    return bad("not an IPv4 or IPv6 address");

  unsigned length = bits(p.family);
  if (slash != std::string_view::npos) {
    const auto digits = text.substr(slash + 1);
    const auto [end, err] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (err != std::errc{} || end != digits.data() + digits.size() || length > bits(p.family))
      return bad(fmt::format("no prefix: the length after '/' is 0 to {}", bits(p.family)));
  }
  p.length = static_cast<std::uint8_t>(length);
  if (const auto why = not_unicast(p); !why.empty())
    return bad(fmt::format("{}: an endpoint cannot have it", why));
  return p;
}

bool IpPrefix::contains(const IpPrefix& other) const {
  if (family != other.family) return false;
  const std::size_t whole = length / 8;
  const unsigned rest = 8 - length % 8;
  return std::equal(addr.begin(), addr.begin() + whole, other.addr.begin()) &&
         (rest == 8 || addr[whole] >> rest == other.addr[whole] >> rest);
}

std::string IpPrefix::address() const {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(family, addr.data(), text, sizeof(text)) ? text : "?";
}

std::string IpPrefix::cidr() const {
  return fmt::format("{}/{}", address(), length);
}

}  // namespace bpfvlan
