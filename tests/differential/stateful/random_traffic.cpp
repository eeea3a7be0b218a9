// SPDX-License-Identifier: MIT
#include "stateful/random_traffic.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>

namespace bpfvlan::test {
namespace {

constexpr std::size_t kMostRules = 30;
constexpr std::uint8_t kEcho4 = 8, kEcho6 = 128;

std::array<std::uint8_t, 16> address_of_a(int family) {
  std::array<std::uint8_t, 16> out{};
  if (family == AF_INET)
    std::copy_n(Ip4Addr(kA.v4).octets.begin(), 4, out.begin());
  else
    std::copy_n(Ip6Addr(kA.v6).octets.begin(), 16, out.begin());
  return out;
}

IpPrefix around(const std::array<std::uint8_t, 16>& address, const IpPrefix& like) {
  IpPrefix out = like;
  for (unsigned bit = 0; bit < 128; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> bit % 8);
    auto& byte = out.addr.at(bit / 8);
    const bool set = bit < like.length && (address.at(bit / 8) & mask);
    byte = static_cast<std::uint8_t>(set ? byte | mask : byte & ~mask);
  }
  return out;
}

// The trackers of these differ on purpose, or iptables' matches are not in every kernel.
bool is_apart(std::uint8_t protocol) {
  return protocol == 33 || protocol == 47 || protocol == IPPROTO_SCTP || protocol == 136 ||
         protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_HOPOPTS ||
         protocol == IPPROTO_ROUTING || protocol == IPPROTO_DSTOPTS || protocol == IPPROTO_AH ||
         protocol == IPPROTO_NONE || protocol == IPPROTO_IGMP || protocol == 135 ||
         protocol == 139 || protocol == 140;
}

std::uint8_t icmp_of(int family) {
  return family == AF_INET ? IcmpError::kProtocol : Icmp6Error::kProtocol;
}

}  // namespace

RandomTraffic::RandomTraffic(std::uint64_t seed, int family) : random_(seed), family_(family) {}

Rule RandomTraffic::rule_of(Place sender) {
  const auto wanted = family_ == AF_INET ? RuleFamily::IPv4 : RuleFamily::IPv6;
  for (;;) {
    auto rule = random_.rule();
    if (rule.endpoint || (rule.family != RuleFamily::Any && rule.family != wanted) ||
        (rule.protocol && is_apart(rule.protocol->value)))
      continue;
    // What is rejected is answered, and the driver's answer passes the other chain.
    if (rule.target == BV_TARGET_REJECT) rule.target = BV_TARGET_DROP;
    rule.reject_with = {};
    auto& of_a = sender == Place::A ? rule.source : rule.destination;
    if (of_a && !random_.one_in(3)) of_a->value = around(address_of_a(family_), of_a->value);
    return rule;
  }
}

std::string RandomTraffic::rules() {
  std::string text = ":FORWARD ACCEPT [0:0]\n";
  for (const auto* chain : {"INPUT", "OUTPUT"})
    text += fmt::format(":{} {} [0:0]\n", chain, random_.one_in(2) ? "ACCEPT" : "DROP");
  for (auto left = random_.below(kMostRules + 1); left > 0; --left) {
    const auto sender = random_.one_in(2) ? Place::X : Place::A;
    const auto rule = rule_of(sender);
    auto options = to_text(rule);
    for (const std::string family : {"-4 ", "-6 "})
      if (options.starts_with(family)) options.erase(0, family.size());
    text += fmt::format("-A {} {}\n", sender == Place::X ? "INPUT" : "OUTPUT", options);
    rules_.push_back(rule);
  }
  return text;
}

// A unicast address that hosts may have, as near to the wanted one as can be.
std::array<std::uint8_t, 16> RandomTraffic::outside(const std::array<std::uint8_t, 16>& wanted) {
  auto out = wanted;
  if (family_ == AF_INET) {
    const bool good = out[0] > 0 && out[0] < 224 && out[0] != 127 && out[3] != 0 && out[3] != 255;
    if (!good) out = {10, static_cast<std::uint8_t>(random_.below(3)), 0, 64};
    // Neither an endpoint's nor the host's, nor another network of the topology.
    if (out[0] == 10 && out[1] > 60) out[1] = 0;
    if ((out[0] == 192 && out[1] == 168) || (out[0] == 172 && out[1] == 16)) out[0] = 11;
  } else if (out[0] != 0xfd && (out[0] & 0xe0) != 0x20) {
    out[0] = 0x20;
    out[1] = 0x02;
  }
  if (family_ == AF_INET6 && out[0] == 0xfd && out[1] == 0 && out[2] == 0 && out[3] > 2)
    out[3] = 2;  // fd00:55:: and others are the topology's
  return out;
}

RulePacket RandomTraffic::fresh(Place from) {
  auto p = random_.packet(rules_);
  p.family = family_ == AF_INET ? RuleFamily::IPv4 : RuleFamily::IPv6;
  if (is_apart(p.protocol)) p.protocol = IPPROTO_ESP;
  if (p.protocol == icmp_of(family_ == AF_INET ? AF_INET6 : AF_INET)) p.protocol = icmp_of(family_);
  if (p.protocol == icmp_of(family_) && random_.one_in(2)) {
    p.icmp_type = family_ == AF_INET ? kEcho4 : kEcho6;
    p.icmp_code = 0;
  }
  if (p.protocol == IPPROTO_TCP && random_.one_in(2)) p.tcp_flags = Tcp::kSyn;
  (from == Place::A ? p.dst : p.src) = outside(from == Place::A ? p.dst : p.src);
  (from == Place::A ? p.src : p.dst) = address_of_a(family_);
  return p;
}

RulePacket RandomTraffic::answer(const RulePacket& packet) {
  auto p = packet;
  std::swap(p.src, p.dst);
  std::swap(p.sport, p.dport);
  if (p.protocol == IPPROTO_TCP)
    p.tcp_flags = p.tcp_flags == Tcp::kSyn ? Tcp::kSyn | Tcp::kAck : Tcp::kAck;
  if (p.icmp_type == kEcho4 && family_ == AF_INET)
    p.icmp_type = 0;
  else if (p.icmp_type == kEcho6 && family_ == AF_INET6)
    ++p.icmp_type;
  return p;
}

Bytes RandomTraffic::to_frame(const Sent& sent) {
  const auto& p = sent.packet;
  const Ethernet mac{.dst = kMacP, .src = sent.from == Place::X ? kMacX : kMacP};
  Layer transport = Raw{Bytes(16, 7)};
  if (p.protocol == IPPROTO_TCP)
    transport = Tcp{.sport = p.sport, .dport = p.dport, .seq = 1, .ack = 1, .flags = p.tcp_flags};
  else if (p.protocol == IPPROTO_UDP)
    transport = Udp{.sport = p.sport, .dport = p.dport};
  else if (p.protocol == IPPROTO_ICMP && family_ == AF_INET)
    transport = IcmpError{.type = p.icmp_type, .code = p.icmp_code, .rest = 0x00010001};
  else if (p.protocol == IPPROTO_ICMPV6 && family_ == AF_INET6)
    transport = Icmp6Error{.type = p.icmp_type, .code = p.icmp_code, .rest = 0x00010001};
  const auto some = payload(random_.below(64));
  if (family_ == AF_INET) {
    IPv4 ip{.protocol = p.protocol};
    std::copy_n(p.src.begin(), 4, ip.src.octets.begin());
    std::copy_n(p.dst.begin(), 4, ip.dst.octets.begin());
    return frame(mac, ip, transport, some);
  }
  IPv6 ip{.next_header = p.protocol};
  ip.src.octets = p.src;
  ip.dst.octets = p.dst;
  return frame(mac, ip, transport, some);
}

Step RandomTraffic::next() {
  Sent sent;
  if (!sent_.empty() && random_.one_in(2)) {
    const auto& before = sent_[random_.below(sent_.size())];
    sent = {answer(before.packet), other_end(before.from)};
  } else {
    const auto from = random_.one_in(2) ? Place::X : Place::A;
    sent = {fresh(from), from};
  }
  sent_.push_back(sent);
  return {fmt::format("{}: {}", to_string(sent.from), describe(sent.packet)), sent.from,
          to_frame(sent)};
}

}  // namespace bpfvlan::test
