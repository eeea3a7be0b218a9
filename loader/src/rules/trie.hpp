// SPDX-License-Identifier: MIT
// The look-up of one field: which rules allow a value, a byte of it at a step.
#pragma once

#include <cstdint>
#include <vector>

#include "pages.hpp"

namespace bpfvlan {

// Values of a field: `exact` bytes as they are here, the next one from `low` to `high`, all behind
// it as they like. For these the rule is in the set if `add`, for all others if not. What one rule
// has does not overlap.
struct FieldValues {
  std::array<std::uint8_t, 16> bytes{};
  std::uint8_t exact = 0;
  std::uint8_t low = 0, high = 255;
  std::uint16_t rule = 0;
  bool add = true;
};

class TrieBuilder {
 public:
  // Of the field at this byte of bv_rule_key.
  TrieBuilder(PageBuilder& pages, std::size_t offset, std::size_t rules)
      : pages_(pages), offset_(offset), rules_(rules) {}

  // `outside`: the rules in the set for values that `values` does not have.
  std::uint32_t build(const std::vector<FieldValues>& values, const RuleBits& outside) const;

 private:
  using Items = std::vector<const FieldValues*>;

  std::uint32_t build_at(std::size_t at, const Items& items, const RuleBits& outside) const;
  std::uint32_t build_node(std::size_t at, const Items& items, const RuleBits& outside) const;
  // Bits from `from` on, of all items the same.
  std::uint32_t build_skip(std::size_t from, std::size_t bits, const FieldValues& like,
                           std::uint32_t match, const RuleBits& outside) const;

  PageBuilder& pages_;
  std::size_t offset_;
  std::size_t rules_;
};

}  // namespace bpfvlan
