// SPDX-License-Identifier: MIT
#include "names.hpp"

#include <fmt/core.h>
#include <netdb.h>
#include <strings.h>

#include <algorithm>
#include <charconv>

namespace bpfvlan {
namespace {

struct ProtocolName {
  std::string_view name;
  std::uint8_t number;
};
// Names that are written; /etc/protocols has more, but not on every machine.
constexpr ProtocolName kProtocols[] = {
    {"icmp", IPPROTO_ICMP},
    {"igmp", IPPROTO_IGMP},
    {"ipencap", IPPROTO_IPIP},
    {"tcp", IPPROTO_TCP},
    {"udp", IPPROTO_UDP},
    {"dccp", IPPROTO_DCCP},
    {"ipv6", IPPROTO_IPV6},
    {"rsvp", IPPROTO_RSVP},
    {"gre", IPPROTO_GRE},
    {"esp", IPPROTO_ESP},
    {"ah", IPPROTO_AH},
    {"ipv6-icmp", IPPROTO_ICMPV6},
    {"ospf", 89},
    {"pim", IPPROTO_PIM},
    {"ipcomp", IPPROTO_COMP},
    {"vrrp", 112},
    {"l2tp", 115},
    {"sctp", IPPROTO_SCTP},
    {"udplite", IPPROTO_UDPLITE},
};

constexpr IcmpName kIcmp4[] = {
    {"echo-reply", 0},
    {"pong", 0},
    {"destination-unreachable", 3},
    {"network-unreachable", 3, 0},
    {"host-unreachable", 3, 1},
    {"protocol-unreachable", 3, 2},
    {"port-unreachable", 3, 3},
    {"fragmentation-needed", 3, 4},
    {"source-route-failed", 3, 5},
    {"network-unknown", 3, 6},
    {"host-unknown", 3, 7},
    {"network-prohibited", 3, 9},
    {"host-prohibited", 3, 10},
    {"TOS-network-unreachable", 3, 11},
    {"TOS-host-unreachable", 3, 12},
    {"communication-prohibited", 3, 13},
    {"host-precedence-violation", 3, 14},
    {"precedence-cutoff", 3, 15},
    {"source-quench", 4},
    {"redirect", 5},
    {"network-redirect", 5, 0},
    {"host-redirect", 5, 1},
    {"TOS-network-redirect", 5, 2},
    {"TOS-host-redirect", 5, 3},
    {"echo-request", 8},
    {"ping", 8},
    {"router-advertisement", 9},
    {"router-solicitation", 10},
    {"time-exceeded", 11},
    {"ttl-exceeded", 11},
    {"ttl-zero-during-transit", 11, 0},
    {"ttl-zero-during-reassembly", 11, 1},
    {"parameter-problem", 12},
    {"ip-header-bad", 12, 0},
    {"required-option-missing", 12, 1},
    {"timestamp-request", 13},
    {"timestamp-reply", 14},
    {"address-mask-request", 17},
    {"address-mask-reply", 18},
};

constexpr IcmpName kIcmp6[] = {
    {"destination-unreachable", 1},
    {"no-route", 1, 0},
    {"communication-prohibited", 1, 1},
    {"beyond-scope", 1, 2},
    {"address-unreachable", 1, 3},
    {"port-unreachable", 1, 4},
    {"failed-policy", 1, 5},
    {"reject-route", 1, 6},
    {"packet-too-big", 2},
    {"time-exceeded", 3},
    {"ttl-exceeded", 3},
    {"ttl-zero-during-transit", 3, 0},
    {"ttl-zero-during-reassembly", 3, 1},
    {"parameter-problem", 4},
    {"bad-header", 4, 0},
    {"unknown-header-type", 4, 1},
    {"unknown-option", 4, 2},
    {"echo-request", 128},
    {"ping", 128},
    {"echo-reply", 129},
    {"pong", 129},
    {"mld-listener-query", 130},
    {"mld-listener-report", 131},
    {"mld-listener-done", 132},
    {"mld-listener-reduction", 132},
    {"router-solicitation", 133},
    {"router-advertisement", 134},
    {"neighbour-solicitation", 135},
    {"neighbor-solicitation", 135},
    {"neighbour-advertisement", 136},
    {"neighbor-advertisement", 136},
    {"redirect", 137},
};

constexpr FlagName kTcpFlags[] = {
    {"FIN", 0x01}, {"SYN", 0x02}, {"RST", 0x04}, {"PSH", 0x08},
    {"ACK", 0x10}, {"URG", 0x20}, {"ALL", 0x3f}, {"NONE", 0x00},
};

constexpr StateName kStates[] = {
    {"INVALID", BV_CTSTATE_INVALID},
    {"NEW", BV_CTSTATE_NEW},
    {"RELATED", BV_CTSTATE_RELATED},
    {"ESTABLISHED", BV_CTSTATE_ESTABLISHED},
};

constexpr RejectType kRejectTypes[] = {
    {"icmp-net-unreachable", "net-unreach", RuleFamily::IPv4, 0},
    {"icmp-host-unreachable", "host-unreach", RuleFamily::IPv4, 1},
    {"icmp-proto-unreachable", "proto-unreach", RuleFamily::IPv4, 2},
    {"icmp-port-unreachable", "port-unreach", RuleFamily::IPv4, 3},
    {"icmp-net-prohibited", "net-prohib", RuleFamily::IPv4, 9},
    {"icmp-host-prohibited", "host-prohib", RuleFamily::IPv4, 10},
    {"icmp-admin-prohibited", "admin-prohib", RuleFamily::IPv4, 13},
    {"icmp6-no-route", "no-route", RuleFamily::IPv6, 0},
    {"icmp6-adm-prohibited", "adm-prohibited", RuleFamily::IPv6, 1},
    {"icmp6-addr-unreachable", "addr-unreach", RuleFamily::IPv6, 3},
    {"icmp6-port-unreachable", "port-unreach", RuleFamily::IPv6, 4},
    {"icmp6-policy-fail", "policy-fail", RuleFamily::IPv6, 5},
    {"icmp6-reject-route", "reject-route", RuleFamily::IPv6, 6},
    {kTcpReset, "tcp-rst", RuleFamily::Any, BV_REJECT_TCP_RESET},
};

}  // namespace

bool same_letters(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t max) {
  std::uint32_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, err] = std::from_chars(text.data(), end, value);
  if (err != std::errc{} || stop != end || value > max) return {};
  return value;
}

std::optional<std::uint8_t> protocol_number(const std::string& text) {
  if (const auto number = parse_number(text, 255)) return static_cast<std::uint8_t>(*number);
  if (same_letters(text, "all")) return 0;
  if (same_letters(text, "icmpv6")) return IPPROTO_ICMPV6;
  for (const auto& [name, number] : kProtocols)
    if (same_letters(text, name)) return number;
  const auto* entry = getprotobyname(text.c_str());
  if (!entry || entry->p_proto < 0 || entry->p_proto > 255) return {};
  return static_cast<std::uint8_t>(entry->p_proto);
}

std::string protocol_name(std::uint8_t protocol) {
  for (const auto& [name, number] : kProtocols)
    if (number == protocol) return std::string(name);
  return std::to_string(protocol);
}

std::string_view port_match(std::uint8_t protocol) {
  switch (protocol) {
    case IPPROTO_TCP:
      return "tcp";
    case IPPROTO_UDP:
      return "udp";
    case IPPROTO_SCTP:
      return "sctp";
    case IPPROTO_DCCP:
      return "dccp";
    default:
      return {};
  }
}

bool has_ports(std::uint8_t protocol) {
  return protocol == IPPROTO_UDPLITE || !port_match(protocol).empty();
}

std::span<const IcmpName> icmp_names(std::uint8_t protocol) {
  if (protocol == IPPROTO_ICMP) return kIcmp4;
  return kIcmp6;
}

std::span<const FlagName> tcp_flag_names() {
  return kTcpFlags;
}

std::span<const StateName> state_names() {
  return kStates;
}

const RejectType* find_reject_type(std::string_view name, RuleFamily family) {
  for (const auto& type : kRejectTypes) {
    if (same_letters(name, type.name)) return &type;
    const bool fits = type.family == RuleFamily::Any || type.family == family ||
                      (family == RuleFamily::Any && type.alias != "port-unreach");
    if (fits && same_letters(name, type.alias)) return &type;
  }
  return nullptr;
}

std::uint8_t reject_code(const Rule& rule, RuleFamily family) {
  if (rule.target != BV_TARGET_REJECT) return 0;
  const auto* type = find_reject_type(rule.reject_with, RuleFamily::Any);
  if (type && (type->family == RuleFamily::Any || type->family == family)) return type->code;
  return find_reject_type("port-unreach", family)->code;
}

std::string reject_type_names(RuleFamily family) {
  std::string names;
  for (const auto& type : kRejectTypes)
    if (type.family == family || type.family == RuleFamily::Any || family == RuleFamily::Any)
      names += fmt::format("{}{}", names.empty() ? "" : ", ", type.name);
  return names;
}

}  // namespace bpfvlan
