// SPDX-License-Identifier: MIT
#include "linear.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

namespace bpfvlan {
namespace {

bool within(const IpPrefix& prefix, RuleFamily family, const std::array<std::uint8_t, 16>& addr) {
  if ((prefix.family == AF_INET) != (family == RuleFamily::IPv4)) return false;
  for (unsigned bit = 0; bit < prefix.length; ++bit) {
    const unsigned mask = 0x80U >> bit % 8;
    if ((prefix.addr[bit / 8] & mask) != (addr[bit / 8] & mask)) return false;
  }
  return true;
}

bool within(const PortRange& range, std::uint16_t port) {
  return range.first <= port && port <= range.last;
}

bool within(const PortList& list, std::uint16_t port) {
  return std::any_of(list.begin(), list.end(), [&](const auto& r) { return within(r, port); });
}

// No such option, or it holds; `!` turns it round.
template <class T, class Holds>
bool good(const std::optional<Match<T>>& match, Holds holds) {
  return !match || holds(match->value) != match->inverted;
}

bool transport_matches(const Rule& r, const RulePacket& p) {
  const bool asks = r.source_port || r.destination_port || r.source_ports || r.destination_ports ||
                    r.either_ports || r.icmp_type || r.tcp_flags;
  if (asks && !p.has_transport) return false;
  const auto source = [&](const auto& ports) { return within(ports, p.sport); };
  const auto destination = [&](const auto& ports) { return within(ports, p.dport); };
  return good(r.source_port, source) && good(r.destination_port, destination) &&
         good(r.source_ports, source) && good(r.destination_ports, destination) &&
         good(r.either_ports,
              [&](const auto& list) { return source(list) || destination(list); }) &&
         good(r.icmp_type,
              [&](const IcmpType& t) {
                return t.any || (t.type == p.icmp_type && (!t.code || *t.code == p.icmp_code));
              }) &&
         good(r.tcp_flags, [&](const TcpFlags& f) { return (p.tcp_flags & f.mask) == f.set; });
}

}  // namespace

bool matches(const Rule& r, const RulePacket& p) {
  if (r.family != RuleFamily::Any && r.family != p.family) return false;
  return good(r.source, [&](const auto& prefix) { return within(prefix, p.family, p.src); }) &&
         good(r.destination, [&](const auto& prefix) { return within(prefix, p.family, p.dst); }) &&
         good(r.protocol, [&](std::uint8_t protocol) { return protocol == p.protocol; }) &&
         good(r.states, [&](std::uint8_t states) { return (states >> p.state & 1) != 0; }) &&
         good(r.endpoint, [&](const std::string& name) { return name == p.endpoint; }) &&
         transport_matches(r, p);
}

std::size_t first_match(const std::vector<Rule>& rules, const RulePacket& packet) {
  const auto found = std::find_if(rules.begin(), rules.end(),
                                  [&](const auto& rule) { return matches(rule, packet); });
  return static_cast<std::size_t>(found - rules.begin());
}

}  // namespace bpfvlan
