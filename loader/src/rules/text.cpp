// SPDX-License-Identifier: MIT
// Rules as iptables-save writes them: its order, its numbers in place of names.
#include <fmt/core.h>

#include <bit>

#include "bpfvlan/rules.hpp"
#include "names.hpp"
#include "words.hpp"

namespace bpfvlan {
namespace {

constexpr std::string_view mark(bool inverted) {
  return inverted ? "! " : "";
}

std::string range_text(const PortRange& range) {
  return range.first == range.last ? std::to_string(range.first)
                                   : fmt::format("{}:{}", range.first, range.last);
}

std::string list_text(const PortList& list) {
  std::string text;
  for (const auto& range : list)
    text += fmt::format("{}{}", text.empty() ? "" : ",", range_text(range));
  return text;
}

std::string icmp_text(const IcmpType& icmp) {
  if (icmp.any) return "any";
  return icmp.code ? fmt::format("{}/{}", icmp.type, *icmp.code) : std::to_string(icmp.type);
}

std::string flags_text(std::uint8_t flags) {
  std::string text;
  for (const auto& [name, bits] : tcp_flag_names())
    if (std::has_single_bit(bits) && flags & bits)
      text += fmt::format("{}{}", text.empty() ? "" : ",", name);
  return text.empty() ? "NONE" : text;
}

std::string states_text(std::uint8_t states) {
  std::string text;
  for (const auto& [name, state] : state_names())
    if (states & 1U << state) text += fmt::format("{}{}", text.empty() ? "" : ",", name);
  return text;
}

// What the options other than -4 and -6 say.
RuleFamily evident_family(const Rule& rule) {
  const auto of = [](int family) {
    return family == AF_INET ? RuleFamily::IPv4 : RuleFamily::IPv6;
  };
  if (rule.source) return of(rule.source->value.family);
  if (rule.destination) return of(rule.destination->value.family);
  if (rule.protocol && !rule.protocol->inverted) {
    if (rule.protocol->value == IPPROTO_ICMP) return RuleFamily::IPv4;
    if (rule.protocol->value == IPPROTO_ICMPV6) return RuleFamily::IPv6;
  }
  const auto* type = find_reject_type(rule.reject_with, RuleFamily::Any);
  return type ? type->family : RuleFamily::Any;
}

template <class T, class Text>
void add(std::string& to, const std::optional<Match<T>>& match, std::string_view option,
         Text text) {
  if (!match) return;
  to += fmt::format(" {}{} {}", mark(match->inverted), option, text(match->value));
}

}  // namespace

std::string matches_text(const Rule& rule) {
  std::string text;
  const auto protocol = rule.protocol ? rule.protocol->value : std::uint8_t{0};
  if (rule.source_port || rule.destination_port || rule.tcp_flags)
    text += fmt::format(" -m {}", port_match(protocol));
  add(text, rule.source_port, "--sport", range_text);
  add(text, rule.destination_port, "--dport", range_text);
  add(text, rule.tcp_flags, "--tcp-flags",
      [](const TcpFlags& flags) { return flags_text(flags.mask) + " " + flags_text(flags.set); });
  const bool ipv4 = protocol == IPPROTO_ICMP;
  if (rule.icmp_type) text += ipv4 ? " -m icmp" : " -m icmp6";
  add(text, rule.icmp_type, ipv4 ? "--icmp-type" : "--icmpv6-type", icmp_text);
  const auto add_list = [&](const auto& match, std::string_view option) {
    if (match) text += " -m multiport";
    add(text, match, option, list_text);
  };
  add_list(rule.source_ports, "--sports");
  add_list(rule.destination_ports, "--dports");
  add_list(rule.either_ports, "--ports");
  if (rule.states) text += " -m conntrack";
  add(text, rule.states, "--ctstate", states_text);
  if (rule.endpoint) text += " -m endpoint";
  add(text, rule.endpoint, "--endpoint", [](const std::string& name) { return quoted(name); });
  if (rule.comment) text += " -m comment --comment " + quoted(*rule.comment);
  return text.empty() ? text : text.substr(1);
}

std::string to_text(const Rule& rule) {
  std::string text;
  if (rule.family != evident_family(rule)) text += rule.family == RuleFamily::IPv4 ? " -4" : " -6";
  add(text, rule.source, "-s", [](const IpPrefix& p) { return p.cidr(); });
  add(text, rule.destination, "-d", [](const IpPrefix& p) { return p.cidr(); });
  add(text, rule.protocol, "-p", protocol_name);
  if (const auto matches = matches_text(rule); !matches.empty()) text += " " + matches;
  text += fmt::format(" -j {}", to_string(rule.target));
  if (!rule.reject_with.empty()) text += fmt::format(" --reject-with {}", rule.reject_with);
  return text.substr(1);
}

std::string protocol_text(const Rule& rule) {
  if (!rule.protocol) return "all";
  return fmt::format("{}{}", rule.protocol->inverted ? "!" : "",
                     protocol_name(rule.protocol->value));
}

std::string address_text(const std::optional<Match<IpPrefix>>& match, RuleFamily family) {
  if (!match)
    return family == RuleFamily::Any ? "any" : family == RuleFamily::IPv4 ? "0.0.0.0/0" : "::/0";
  const auto& prefix = match->value;
  const bool host = prefix.length == (prefix.family == AF_INET ? 32 : 128);
  return fmt::format("{}{}", match->inverted ? "!" : "", host ? prefix.address() : prefix.cidr());
}

std::string_view to_string(RuleFamily family) {
  switch (family) {
    case RuleFamily::Any:
      return "any";
    case RuleFamily::IPv4:
      return "IPv4";
    case RuleFamily::IPv6:
      return "IPv6";
  }
  return "?";
}

std::string_view to_string(bv_target target) {
  switch (target) {
    case BV_TARGET_ACCEPT:
      return "ACCEPT";
    case BV_TARGET_DROP:
      return "DROP";
    case BV_TARGET_REJECT:
      return "REJECT";
  }
  return "?";
}

std::string_view to_string(bv_chain chain) {
  return chain == BV_CHAIN_INPUT ? "INPUT" : "OUTPUT";
}

Result<bv_chain> parse_chain(std::string_view text) {
  if (text == "input" || text == "INPUT") return BV_CHAIN_INPUT;
  if (text == "output" || text == "OUTPUT") return BV_CHAIN_OUTPUT;
  return refuse(std::errc::invalid_argument,
                fmt::format("chain '{}' is not one of: input, output", text));
}

Result<bv_target> parse_chain_policy(std::string_view text) {
  for (const auto target : {BV_TARGET_ACCEPT, BV_TARGET_DROP})
    if (text == to_string(target)) return target;
  return refuse(std::errc::invalid_argument,
                fmt::format("policy '{}' is not one of: ACCEPT, DROP", text));
}

}  // namespace bpfvlan
