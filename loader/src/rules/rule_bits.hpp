// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "bpfvlan/schema.h"

namespace bpfvlan {

// A set of a chain's rules, as bv_rule_vector.words has it.
class RuleBits {
 public:
  static RuleBits first(std::size_t count) {
    RuleBits bits;
    for (std::size_t w = 0; w < count / 64; ++w) bits.words[w] = ~std::uint64_t{0};
    if (count % 64) bits.words[count / 64] = (std::uint64_t{1} << count % 64) - 1;
    return bits;
  }

  void put(std::size_t rule, bool value) {
    const auto bit = std::uint64_t{1} << rule % 64;
    words[rule / 64] = value ? words[rule / 64] | bit : words[rule / 64] & ~bit;
  }
  bool has(std::size_t rule) const { return words[rule / 64] >> rule % 64 & 1; }
  bool operator==(const RuleBits&) const = default;

  std::array<std::uint64_t, BV_CHAIN_RULES / 64> words{};
};

}  // namespace bpfvlan
