// SPDX-License-Identifier: MIT
#include "flows/taps.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <string_view>

namespace bpfvlan::test {
namespace {

using Octet = std::uint8_t;
using View = std::span<const Octet>;

struct Sighting {
  std::uint16_t number;
  std::string what;
};

// An IP packet up to its payload.
struct Ip {
  int protocol, ttl;
  bool fragment;  // the first of several
  View payload;
};

std::uint16_t word(View data, std::size_t at) {
  return static_cast<std::uint16_t>(data[at] << 8 | data[at + 1]);
}

bool is_number(std::uint16_t port) {
  return port >= kFirstNumber && port <= kLastNumber;
}

std::optional<Ip> parse_ip(View packet) {
  if (packet.size() < 20) return {};
  if (packet[0] >> 4 == 4) {
    const auto length = static_cast<std::size_t>(packet[0] & 15) * 4;
    const auto fragment = word(packet, 6);
    if (packet.size() < length || (fragment & 0x1fff)) return {};
    return Ip{packet[9], packet[8], (fragment & 0x2000) != 0, packet.subspan(length)};
  }
  if (packet[0] >> 4 != 6 || packet.size() < 48) return {};
  if (packet[6] != IPPROTO_FRAGMENT) return Ip{packet[6], packet[7], false, packet.subspan(40)};
  if (word(packet, 42) & 0xfff8) return {};
  return Ip{packet[40], packet[7], true, packet.subspan(48)};
}

std::optional<Sighting> recognise(const Ip& ip);

// The flow of an error is that of the packet it quotes.
std::optional<Sighting> recognise_error(View icmp) {
  const auto quoted = parse_ip(icmp.subspan(8));
  const auto sighting = quoted ? recognise(*quoted) : std::nullopt;
  if (!sighting) return {};
  return Sighting{sighting->number, fmt::format("error {}.{}", icmp[0], icmp[1])};
}

std::optional<Sighting> recognise_icmp(View icmp, bool v6) {
  if (icmp[0] == (v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO)) return Sighting{word(icmp, 4), "request"};
  if (icmp[0] == (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY)) return Sighting{word(icmp, 4), "reply"};
  if (v6 ? icmp[0] <= ICMP6_PARAM_PROB
         : icmp[0] == ICMP_DEST_UNREACH || icmp[0] == ICMP_TIME_EXCEEDED)
    return recognise_error(icmp);
  return {};
}

std::optional<Sighting> recognise(const Ip& ip) {
  if (ip.payload.size() < 8) return {};
  switch (ip.protocol) {
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return recognise_icmp(ip.payload, ip.protocol == IPPROTO_ICMPV6);
    case IPPROTO_TCP:
    case IPPROTO_UDP:
      if (const auto to = word(ip.payload, 2); is_number(to)) return Sighting{to, "there"};
      if (const auto from = word(ip.payload, 0); is_number(from)) return Sighting{from, "back"};
      return {};
    default:
      return {};
  }
}

const char* direction(int packet_type) {
  switch (packet_type) {
    case PACKET_HOST:
      return "in";
    case PACKET_OUTGOING:
      return "out";
    case PACKET_OTHERHOST:
      return "other host's";
    default:
      return "group";
  }
}

}  // namespace

std::string as_seen(const std::string& path, Mode mode) {
  if (mode != BV_MODE_L3S) return path;
  std::string out;
  bool first = true;
  std::istringstream lines(path);
  for (std::string line; std::getline(lines, line);) {
    constexpr std::size_t kWords = 7;  // behind "    a  "
    const bool endpoint = line.size() > kWords && line.starts_with("    ") &&
                          line.substr(5, 2) == "  " && std::string_view("abh").find(line[4]) <= 2;
    if (endpoint) {
      std::string kept;
      for (std::size_t at = kWords; at < line.size();) {
        const auto end = std::min(line.find(", ", at), line.size());
        const auto what = line.substr(at, end - at);
        if (!what.starts_with("in ")) kept += (kept.empty() ? "" : ", ") + what;
        at = end + 2;
      }
      if (kept.empty()) continue;
      line.replace(kWords, std::string::npos, kept);
    }
    out += (first ? "" : "\n") + line;
    first = false;
  }
  return out;
}

Taps::Taps(const Topology& topology) {
  const auto host = topology.netns(Place::P);
  for (const auto& [netns, ifname] :
       {std::pair{topology.netns(Place::X), "X"}, std::pair{host, "P"}, std::pair{host, "Q"},
        std::pair{host, "h"}, std::pair{host, "lo"}, std::pair{topology.netns(Place::A), "a"},
        std::pair{topology.netns(Place::B), "b"}})
    taps_.push_back({ifname, PacketSocket(netns, ifname), {}});
}

void Taps::collect() {
  for (auto& tap : taps_)
    for (const auto& captured : tap.socket.drain()) {
      if (captured.frame.size() < ETH_HLEN) continue;
      const auto ip = parse_ip(View(captured.frame).subspan(ETH_HLEN));
      const auto sighting = ip ? recognise(*ip) : std::nullopt;
      if (sighting)
        tap.seen[sighting->number].push_back(
            fmt::format("{} {}{}/{}", direction(captured.packet_type), sighting->what,
                        ip->fragment ? " in fragments" : "", ip->ttl));
    }
}

std::string Taps::path(std::uint16_t number, bool in_order) const {
  std::string text;
  for (const auto& tap : taps_) {
    const auto seen = tap.seen.find(number);
    if (seen == tap.seen.end()) continue;
    const auto& all = seen->second;
    const std::set<std::string> kinds(all.begin(), all.end());
    text += fmt::format("\n    {:<2} {}", tap.ifname,
                        in_order ? fmt::format("{}", fmt::join(all, ", "))
                                 : fmt::format("{}", fmt::join(kinds, ", ")));
  }
  return text;
}

}  // namespace bpfvlan::test
