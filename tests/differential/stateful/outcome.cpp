// SPDX-License-Identifier: MIT
#include "stateful/outcome.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <net/ethernet.h>
#include <netinet/in.h>

#include <algorithm>

#include "frames/frame_fields.hpp"

namespace bpfvlan::test {
namespace {

bool is_sent(const Bytes& packet, const Bytes& sent) {
  return sent.size() == packet.size() + ETH_HLEN &&
         std::equal(packet.begin(), packet.end(), sent.begin() + ETH_HLEN);
}

void set16(Bytes& packet, std::size_t at, unsigned value) {
  packet[at] = static_cast<std::uint8_t>(value >> 8);
  packet[at + 1] = static_cast<std::uint8_t>(value);
}

// Right, or left to the device that it leaves by: then it is that of the pseudo header.
bool has_tcp_checksum(const Bytes& p, bool v4) {
  const auto header = v4 ? kIpv4 : kIpv6, addresses = v4 ? std::size_t{12} : std::size_t{8};
  if (p.size() < header + 20) return false;
  const auto sum = [&](std::size_t from, std::size_t to, unsigned start) {
    for (auto at = from; at < to; at += 2) start += word(p, at);
    while (start >> 16) start = (start & 0xffff) + (start >> 16);
    return start;
  };
  const auto pseudo =
      sum(addresses, header, static_cast<unsigned>(p.size() - header) + IPPROTO_TCP);
  return word(p, header + 16) == pseudo || sum(header, p.size(), pseudo) == 0xffff;
}

}  // namespace

void normalise_answer(Arrival& arrival, const Bytes& sent) {
  auto& p = arrival.packet;
  if (is_sent(p, sent) || p.size() < kIpv4) return;
  const bool v4 = p[0] >> 4 == 4;
  if (v4)
    set16(p, 4, 0), set16(p, 10, 0);
  else
    p[1] &= 0xf0, set16(p, 2, 0);
  constexpr std::size_t kChecksum = 16;
  const auto at = (v4 ? kIpv4 : kIpv6) + kChecksum;
  if (p[v4 ? 9 : 6] == IPPROTO_TCP && has_tcp_checksum(p, v4)) set16(p, at, 0);
}

void normalise_fragment(Arrival& arrival) {
  auto& p = arrival.packet;
  constexpr std::size_t kIdentification = kIpv6 + 4;
  if (p.size() < kIdentification + 4 || p[0] >> 4 != 6 || p[6] != IPPROTO_FRAGMENT) return;
  set16(p, kIdentification, 0), set16(p, kIdentification + 2, 0);
}

std::string outcome_text(const std::vector<Arrival>& arrivals, const Bytes& sent) {
  if (arrivals.empty()) return "nothing";
  std::string text;
  for (const auto& a : arrivals) {
    if (!text.empty()) text += ", ";
    if (is_sent(a.packet, sent))
      text += fmt::format("arrives at {}", to_string(a.at));
    else
      text += fmt::format("{} gets {:02x}", to_string(a.at), fmt::join(a.packet, ""));
  }
  return text;
}

std::string counters_text(const RuleChains& chains) {
  auto text = save_rules(chains, true);
  for (const std::string word : {" -4", " -6"})
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word))
      text.erase(at, word.size());
  return text;
}

}  // namespace bpfvlan::test
