// SPDX-License-Identifier: MIT
// The pages of schema_rules.h while they are being filled. What is there already is not made twice.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "rule_bits.hpp"

namespace bpfvlan {

using RulePages = std::vector<bv_rule_page>;

class PageBuilder {
 public:
  using Cells = std::array<std::uint32_t, 256>;

  // References that hold among themselves; finish() makes them those of the pages.
  std::uint32_t vector(const RuleBits& bits, std::size_t rules);  // of the chain
  std::uint32_t node(std::size_t byte, const Cells& cells);
  std::uint32_t skip(const bv_rule_skip& skip);

  // `head` is filled in but for `targets` and `text`.
  RulePages finish(bv_rules head,
                   const std::array<std::vector<bv_rule_target>, BV_CHAIN_MAX>& targets,
                   const std::string& text);

 private:
  template <class T>
  struct Interned {
    std::vector<T> all;
    std::unordered_map<std::string, std::uint32_t> numbers;
    std::uint32_t number(const T& value);
  };
  std::uint32_t placed(std::uint32_t ref) const;

  Interned<bv_rule_vector> vectors_;
  Interned<bv_rule_skip> skips_;
  Interned<Cells> nodes_;
  std::uint32_t first_skip_ = 0, first_node_ = 0;  // pages
};

}  // namespace bpfvlan
