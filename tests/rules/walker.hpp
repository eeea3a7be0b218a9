// SPDX-License-Identifier: MIT
// Reads compiled rules as the programs do: bpf/core/rules.h.
#pragma once

#include "packet.hpp"
#include "rules/pages.hpp"

namespace bpfvlan {

class RuleWalker {
 public:
  RuleWalker(const RulePages& pages, bv_chain chain) : pages_(pages), chain_(chain) {}

  // What all fields of the packet allow, without the bits behind the last rule.
  RuleBits matching(const RulePacket& packet) const;
  // The first of these; the number of rules: none, and the target is the policy's.
  std::size_t first(const RulePacket& packet) const;
  const bv_rule_target& target(std::size_t rule) const;
  std::size_t longest() const { return longest_; }  // steps of one field, so far

  const bv_rule_chain& chain() const { return pages_.at(0).rules.chain[chain_]; }

 private:
  const bv_rule_vector* field(const bv_rule_key& key, std::uint32_t ref) const;

  const RulePages& pages_;
  bv_chain chain_;
  mutable std::size_t longest_ = 0;
};

}  // namespace bpfvlan
