// SPDX-License-Identifier: MIT
#include "random_rules.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>
#include <stdexcept>

#include "rules/words.hpp"

namespace bpfvlan {

std::uint64_t random_seed() {
  const auto* given = std::getenv("BPFVLAN_SEED");
  return given ? std::strtoull(given, nullptr, 0) : std::random_device{}();
}

const std::map<std::string, std::uint32_t>& RandomRules::endpoints() {
  static const std::map<std::string, std::uint32_t> kEndpoints = {
      {"red", 0}, {"blue", 1}, {"green", 255}, {"grey", 256}, {"white", 511}, {"black", 65535}};
  return kEndpoints;
}

// Few networks, so that prefixes lie within each other; and now and then anything.
std::string RandomRules::address(bool ipv6) {
  const bool anything = one_in(3);
  if (!ipv6)
    return anything ? fmt::format("{}.{}.{}.{}", below(256), below(256), below(256), below(256))
                    : fmt::format("10.{}.{}.{}", below(3), below(2) * 128, below(4) * 64);
  if (anything)
    return fmt::format("{:x}:{:x}::{:x}:{:x}", below(65536), below(65536), below(65536),
                       below(65536));
  return fmt::format("fd00:{:x}::{:x}:{:x}", below(3), below(2) << 15, below(4));
}

std::string RandomRules::prefix(bool ipv6) {
  const std::size_t bits = ipv6 ? 128 : 32;
  const auto length = one_in(2) ? bits : one_in(3) ? below(bits + 1) : 8 * below(bits / 8 + 1);
  return fmt::format("{}/{}", address(ipv6), length);
}

std::string RandomRules::port() {
  static constexpr std::uint16_t kEdges[] = {0, 1, 53, 80, 255, 256, 443, 511, 512, 65534, 65535};
  return std::to_string(one_in(2) ? kEdges[below(std::size(kEdges))] : below(65536));
}

std::string RandomRules::range() {
  if (one_in(2)) return port();
  auto a = std::stoul(port()), b = one_in(2) ? a + below(600) : std::stoul(port());
  if (a > b) std::swap(a, b);
  return fmt::format("{}:{}", a, std::min(b, 65535UL));
}

std::string RandomRules::list() {
  std::string text;
  for (auto n = 1 + below(7); n--;) text += (text.empty() ? "" : ",") + range();
  return text;
}

std::string RandomRules::flags() {
  static constexpr const char* kNames[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ALL", "NONE"};
  std::string text = kNames[below(std::size(kNames))];
  for (auto n = below(3); n--;) text += fmt::format(",{}", kNames[below(std::size(kNames))]);
  return text;
}

std::string RandomRules::some_states() {
  static constexpr const char* kNames[] = {"NEW", "ESTABLISHED", "RELATED", "INVALID"};
  std::string text = kNames[below(4)];
  for (auto n = below(3); n--;) text += fmt::format(",{}", kNames[below(4)]);
  return text;
}

std::string RandomRules::of_tcp_or_udp() {
  static constexpr const char* kNames[] = {"tcp", "tcp", "udp", "sctp", "dccp"};
  const std::string name = kNames[below(std::size(kNames))];
  auto text = " -p " + name;
  if (one_in(3)) text += fmt::format(" {}--sport {}", bang(), range());
  if (one_in(2)) text += fmt::format(" {}--dport {}", bang(), range());
  if (one_in(6)) text += fmt::format(" -m multiport {}--sports {}", bang(), list());
  if (one_in(5)) text += fmt::format(" -m multiport {}--dports {}", bang(), list());
  if (one_in(5)) text += fmt::format(" -m multiport {}--ports {}", bang(), list());
  if (name != "tcp") return text;
  if (one_in(6)) return text + fmt::format(" {}--syn", bang());
  if (one_in(4)) text += fmt::format(" {}--tcp-flags {} {}", bang(), flags(), flags());
  return text;
}

std::string RandomRules::protocol_options(bool ipv6_given, bool ipv6) {
  switch (below(6)) {
    case 0:
      return {};
    case 1:
      return fmt::format(" {}-p {}", one_in(2) ? "! " : "", 1 + below(255));
    case 2:
      if (ipv6_given && ipv6) return " -p 58 --icmpv6-type echo-request";
      return fmt::format(" -p 1 {}--icmp-type {}", bang(),
                         one_in(4)   ? "any"
                         : one_in(2) ? fmt::format("{}/{}", below(20), below(16))
                                     : std::to_string(below(20)));
    default:
      return of_tcp_or_udp();
  }
}

std::string RandomRules::rule_text() {
  const bool family = one_in(2), ipv6 = one_in(2);
  std::string text;
  if (family) {
    text += one_in(3) ? (ipv6 ? " -6" : " -4") : "";
    if (one_in(2)) text += fmt::format(" {}-s {}", bang(), prefix(ipv6));
    if (one_in(2)) text += fmt::format(" {}-d {}", bang(), prefix(ipv6));
  }
  // ICMP and ICMPv6 say the family themselves.
  auto protocol = protocol_options(family, ipv6);
  if (family && ipv6 && protocol == " -p 1") protocol = " -p 2";
  if (family && !ipv6 && protocol == " -p 58") protocol = " -p 59";
  text += protocol;
  if (one_in(3)) text += fmt::format(" -m conntrack {}--ctstate {}", bang(), some_states());
  if (one_in(5)) {
    auto name = endpoints().begin();
    std::advance(name, below(endpoints().size()));
    text += fmt::format(" {}--endpoint {}", bang(), one_in(8) ? kGone : name->first);
  }
  if (one_in(4)) text += " -m comment --comment \"a 'rule'\"";
  static constexpr const char* kTargets[] = {"ACCEPT", "DROP", "REJECT"};
  return text + fmt::format(" -j {}", kTargets[below(3)]);
}

Rule RandomRules::rule() {
  const auto text = rule_text();
  auto rule = parse_rule(*split_words(text));
  if (!rule) throw std::logic_error(text + ": " + rule.error().what);
  return *rule;
}

void RandomRules::near(std::array<std::uint8_t, 16>& addr, const IpPrefix& prefix) {
  for (std::size_t i = 0; i < addr.size(); ++i) {
    const auto kept = prefix.length > 8 * i ? std::min<std::size_t>(prefix.length - 8 * i, 8) : 0;
    const auto random = one_in(2) ? static_cast<std::uint8_t>(below(256)) : std::uint8_t{0};
    addr.at(i) = static_cast<std::uint8_t>(prefix.addr.at(i) | (random & 0xffU >> kept));
  }
  if (one_in(4)) addr.at(below(16)) ^= static_cast<std::uint8_t>(1U << below(8));
}

std::uint16_t RandomRules::near(const PortRange& range) {
  switch (below(4)) {
    case 0:
      return static_cast<std::uint16_t>(range.first - one_in(2));
    case 1:
      return static_cast<std::uint16_t>(range.last + one_in(2));
    default:
      return static_cast<std::uint16_t>(range.first + below(range.last - range.first + 1U));
  }
}

void RandomRules::like(RulePacket& p, const Rule& r) {
  if (r.family != RuleFamily::Any) p.family = r.family;
  if (r.source) near(p.src, r.source->value);
  if (r.destination) near(p.dst, r.destination->value);
  if (r.protocol && (!r.protocol->inverted || one_in(2))) p.protocol = r.protocol->value;
  const auto from = [&](const PortList& list) { return near(list[below(list.size())]); };
  if (r.source_ports) p.sport = from(r.source_ports->value);
  if (r.destination_ports) p.dport = from(r.destination_ports->value);
  if (r.either_ports) (one_in(2) ? p.sport : p.dport) = from(r.either_ports->value);
  if (r.source_port) p.sport = near(r.source_port->value);
  if (r.destination_port) p.dport = near(r.destination_port->value);
  if (r.icmp_type && !r.icmp_type->value.any) {
    p.icmp_type = r.icmp_type->value.type;
    p.icmp_code = r.icmp_type->value.code.value_or(p.icmp_code);
  }
  if (r.tcp_flags) p.tcp_flags = r.tcp_flags->value.set;
  if (r.states && !r.states->inverted)
    while (!(r.states->value >> p.state & 1)) p.state = static_cast<bv_ctstate>((p.state + 1) % 4);
  const auto endpoint = r.endpoint ? endpoints().find(r.endpoint->value) : endpoints().end();
  if (endpoint != endpoints().end()) {
    p.endpoint = endpoint->first;
    p.endpoint_id = endpoint->second;
  }
}

RulePacket RandomRules::packet(const std::vector<Rule>& rules) {
  static constexpr std::uint8_t kProtocols[] = {6, 6, 17, 132, 33, 136, 1, 58, 47};
  RulePacket p;
  p.family = one_in(2) ? RuleFamily::IPv4 : RuleFamily::IPv6;
  for (auto& byte : p.src) byte = static_cast<std::uint8_t>(below(256));
  for (auto& byte : p.dst) byte = static_cast<std::uint8_t>(below(256));
  p.protocol = kProtocols[below(std::size(kProtocols))];
  p.sport = static_cast<std::uint16_t>(std::stoul(port()));
  p.dport = static_cast<std::uint16_t>(std::stoul(port()));
  p.icmp_type = static_cast<std::uint8_t>(below(20));
  p.icmp_code = static_cast<std::uint8_t>(below(16));
  p.tcp_flags = static_cast<std::uint8_t>(below(64));
  p.state = static_cast<bv_ctstate>(below(4));
  auto endpoint = endpoints().begin();
  std::advance(endpoint, below(endpoints().size()));
  p.endpoint = endpoint->first;
  p.endpoint_id = endpoint->second;
  if (!rules.empty() && !one_in(8)) like(p, rules[below(rules.size())]);
  // Others have no header that rules look at.
  const bool icmp = p.protocol == IPPROTO_ICMP || p.protocol == IPPROTO_ICMPV6;
  const bool ports = p.protocol == 6 || p.protocol == 17 || p.protocol == 132 || p.protocol == 33 ||
                     p.protocol == 136;
  p.has_transport = (icmp || ports) && !one_in(10);
  if (icmp || !p.has_transport) p.sport = p.dport = 0;
  if (!icmp || !p.has_transport) p.icmp_type = p.icmp_code = 0;
  if (p.protocol != IPPROTO_TCP || !p.has_transport) p.tcp_flags = 0;
  return p;
}

}  // namespace bpfvlan
