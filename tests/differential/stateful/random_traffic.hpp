// SPDX-License-Identifier: MIT
// Rules of one IP version that both iptables and we know, and packets between A and the outside
// that are likely to meet them.
#pragma once

#include <string>
#include <vector>

#include "random_rules.hpp"
#include "stateful/script.hpp"

namespace bpfvlan::test {

class RandomTraffic {
 public:
  RandomTraffic(std::uint64_t seed, int family);

  // As Script::rules has them.
  std::string rules();
  // A new packet, or an answer to one of those before.
  Step next();

 private:
  struct Sent {
    RulePacket packet;
    Place from;
  };
  Rule rule_of(Place sender);
  RulePacket answer(const RulePacket& packet);
  RulePacket fresh(Place from);
  std::array<std::uint8_t, 16> outside(const std::array<std::uint8_t, 16>& wanted);
  Bytes to_frame(const Sent& sent);

  RandomRules random_;
  int family_;
  std::vector<Rule> rules_;
  std::vector<Sent> sent_;
};

}  // namespace bpfvlan::test
