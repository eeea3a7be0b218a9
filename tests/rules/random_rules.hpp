// SPDX-License-Identifier: MIT
// Rules and packets that meet: values come from few pools, and packets from the rules as well.
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include "packet.hpp"

namespace bpfvlan {

// BPFVLAN_SEED of the environment, or another one each time.
std::uint64_t random_seed();

class RandomRules {
 public:
  explicit RandomRules(std::uint64_t seed) : engine_(seed) {}

  std::string rule_text();
  Rule rule();
  // Likely to match, or just not to match, one of the rules.
  RulePacket packet(const std::vector<Rule>& rules);

  // The endpoints that are there, and one name that is of none.
  static const std::map<std::string, std::uint32_t>& endpoints();
  static constexpr auto kGone = "gone";

  std::size_t below(std::size_t bound) { return engine_() % bound; }
  bool one_in(std::size_t n) { return below(n) == 0; }

 private:
  std::string bang() { return one_in(4) ? "! " : ""; }
  std::string address(bool ipv6);
  std::string prefix(bool ipv6);
  std::string port();
  std::string range();
  std::string list();
  std::string flags();
  std::string protocol_options(bool ipv6_given, bool ipv6);
  std::string of_tcp_or_udp();
  std::string some_states();
  void like(RulePacket& packet, const Rule& rule);
  void near(std::array<std::uint8_t, 16>& addr, const IpPrefix& prefix);
  std::uint16_t near(const PortRange& range);

  std::mt19937_64 engine_;
};

}  // namespace bpfvlan
