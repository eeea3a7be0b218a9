// SPDX-License-Identifier: MIT
#include "values.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netdb.h>

#include <algorithm>
#include <bit>

#include "names.hpp"

namespace bpfvlan {
namespace {

tl::unexpected<Error> bad(std::string why) {
  return refuse(std::errc::invalid_argument, std::move(why));
}

std::vector<std::string> split_commas(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t from = 0;;) {
    const auto comma = text.find(',', from);
    parts.push_back(text.substr(from, comma - from));
    if (comma == std::string::npos) return parts;
    from = comma + 1;
  }
}

bool parse_address(int family, const std::string& text, std::array<std::uint8_t, 16>& to) {
  return inet_pton(family, text.c_str(), to.data()) == 1;
}

// Of a mask; nothing if its ones are not all in front.
std::optional<unsigned> mask_length(const std::array<std::uint8_t, 16>& mask, std::size_t bytes) {
  unsigned length = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    const auto ones = static_cast<unsigned>(std::countl_one(mask[i]));
    if (ones && length != 8 * i) return {};
    if (static_cast<std::uint8_t>(mask[i] << ones)) return {};
    length += ones;
  }
  return length;
}

std::optional<std::uint16_t> port_number(const std::string& text, std::uint8_t protocol) {
  if (const auto number = parse_number(text, 65535)) return static_cast<std::uint16_t>(*number);
  const auto* service = getservbyname(text.c_str(), protocol_name(protocol).c_str());
  if (!service) return {};
  return ntohs(static_cast<std::uint16_t>(service->s_port));
}

}  // namespace

Result<IpPrefix> parse_rule_prefix(const std::string& text) {
  IpPrefix p;
  const auto slash = text.find('/');
  const auto address = text.substr(0, slash);
  p.family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
  const std::size_t bytes = p.family == AF_INET ? 4 : 16;
  if (!parse_address(p.family, address, p.addr))
    return bad(text.find(',') == std::string::npos
                   ? "not an IPv4 or IPv6 address or prefix"
                   : "one address or prefix is expected: others need rules of their own");
  auto length = static_cast<unsigned>(8 * bytes);
  if (slash != std::string::npos) {
    const auto after = text.substr(slash + 1);
    std::array<std::uint8_t, 16> mask{};
    if (parse_address(p.family, after, mask)) {
      const auto of_mask = mask_length(mask, bytes);
      if (!of_mask) return bad("a mask has its ones in front: it is a prefix's");
      length = *of_mask;
    } else if (const auto number = parse_number(after, length)) {
      length = *number;
    } else {
      return bad(fmt::format("after '/' comes a length, 0 to {}, or a mask", length));
    }
  }
  p.length = static_cast<std::uint8_t>(length);
  for (std::size_t i = 0; i < bytes; ++i) {
    const unsigned kept = length > 8 * i ? std::min(length - 8 * static_cast<unsigned>(i), 8U) : 0;
    p.addr[i] = static_cast<std::uint8_t>(p.addr[i] & (0xff00U >> kept));
  }
  return p;
}

Result<PortRange> parse_port_range(const std::string& text, std::uint8_t protocol) {
  constexpr auto kExpected = "a port is 0 to 65535 or a service's name, a range FIRST:LAST";
  const auto colon = text.find(':');
  if (text.find(',') != std::string::npos)
    return bad("for a list: -m multiport, --sports, --dports");
  const auto first = text.substr(0, colon);
  const auto last = colon == std::string::npos ? first : text.substr(colon + 1);
  const bool open = colon != std::string::npos;
  const auto from = open && first.empty() ? std::uint16_t{0} : port_number(first, protocol);
  const auto to = open && last.empty() ? std::uint16_t{65535} : port_number(last, protocol);
  if (!from || !to) return bad(kExpected);
  if (*from > *to) return bad("the range ends before it begins");
  return PortRange{*from, *to};
}

Result<PortList> parse_port_list(const std::string& text, std::uint8_t protocol) {
  constexpr std::size_t kMax = 15;  // XT_MULTI_PORTS
  PortList list;
  std::size_t used = 0;
  for (const auto& part : split_commas(text)) {
    if (part.empty() || part.starts_with(':') || part.ends_with(':'))
      return bad("in a list each port is a number or a name, each range FIRST:LAST");
    BV_TRY(const auto range, parse_port_range(part, protocol));
    used += range.first == range.last ? 1 : 2;
    list.push_back(range);
  }
  if (used > kMax) return bad(fmt::format("more than {} ports; a range counts as two", kMax));
  return list;
}

Result<IcmpType> parse_icmp_type(const std::string& text, std::uint8_t protocol) {
  const bool ipv4 = protocol == IPPROTO_ICMP;
  if (ipv4 && (same_letters(text, "any") || text == "255")) return IcmpType{.any = true};
  for (const auto& [name, type, code] : icmp_names(protocol))
    if (same_letters(text, name)) return IcmpType{type, code};
  const auto slash = text.find('/');
  const auto type = parse_number(text.substr(0, slash), 255);
  const auto code = slash == std::string::npos ? std::optional<std::uint32_t>(0)
                                               : parse_number(text.substr(slash + 1), 255);
  if (!type || !code)
    return bad(fmt::format("not a type of {}: TYPE, TYPE/CODE (0 to 255), or a name such as {}",
                           ipv4 ? "ICMP" : "ICMPv6", "echo-request"));
  IcmpType out;
  out.type = static_cast<std::uint8_t>(*type);
  if (slash != std::string::npos) out.code = static_cast<std::uint8_t>(*code);
  return out;
}

Result<std::uint8_t> parse_tcp_flags(const std::string& text) {
  std::uint8_t flags = 0;
  for (const auto& part : split_commas(text)) {
    const auto names = tcp_flag_names();
    const auto found = std::find_if(names.begin(), names.end(),
                                    [&](const auto& n) { return same_letters(part, n.name); });
    if (found == names.end())
      return bad(fmt::format("'{}' is not one of: FIN, SYN, RST, PSH, ACK, URG, ALL, NONE", part));
    flags |= found->bits;
  }
  return flags;
}

Result<std::uint8_t> parse_states(const std::string& text) {
  std::uint8_t states = 0;
  for (const auto& part : split_commas(text)) {
    const auto names = state_names();
    const auto found = std::find_if(names.begin(), names.end(),
                                    [&](const auto& n) { return same_letters(part, n.name); });
    if (found == names.end())
      return bad(fmt::format("'{}' is not one of: NEW, ESTABLISHED, RELATED, INVALID", part));
    states = static_cast<std::uint8_t>(states | 1U << found->state);
  }
  return states;
}

bool is_printable(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace bpfvlan
