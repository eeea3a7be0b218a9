// SPDX-License-Identifier: MIT
#include "trie.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace bpfvlan {
namespace {

// Its bits that are fixed; `whole`: and nothing but these.
struct FixedBits {
  std::size_t count;
  bool whole;
};

FixedBits fixed_bits(const FieldValues& v) {
  const auto differ = static_cast<std::uint8_t>(v.low ^ v.high);
  const auto same = static_cast<std::size_t>(std::countl_zero(differ));
  const auto below = 0xffU >> same;
  return {std::size_t{8} * v.exact + same, (v.low & below) == 0 && (v.high & below) == below};
}

std::uint8_t byte_of(const FieldValues& v, std::size_t at) {
  return at < v.exact ? v.bytes[at] : v.low;
}

// Up to `max`, from byte `at` on.
std::size_t same_bits(const FieldValues& a, const FieldValues& b, std::size_t at, std::size_t max) {
  for (; 8 * at < max; ++at) {
    const auto differ = static_cast<std::uint8_t>(byte_of(a, at) ^ byte_of(b, at));
    if (differ) return std::min(max, 8 * at + static_cast<std::size_t>(std::countl_zero(differ)));
  }
  return max;
}

void apply(RuleBits& bits, const FieldValues& v) {
  bits.put(v.rule, v.add);
}

}  // namespace

std::uint32_t TrieBuilder::build(const std::vector<FieldValues>& values,
                                 const RuleBits& outside) const {
  Items items;
  auto base = outside;
  for (const auto& v : values) {
    if (v.exact == 0 && v.low == 0 && v.high == 255)
      apply(base, v);
    else
      items.push_back(&v);
  }
  return build_at(0, items, base);
}

std::uint32_t TrieBuilder::build_at(std::size_t at, const Items& items,
                                    const RuleBits& outside) const {
  if (items.empty()) return pages_.vector(outside, rules_);
  const auto& like = *items[0];
  const auto first = fixed_bits(like);
  auto common = first.count;
  bool all_whole = first.whole;
  for (const auto* item : items) {
    const auto fixed = fixed_bits(*item);
    all_whole = all_whole && fixed.whole && fixed.count == first.count;
    common = same_bits(like, *item, at, std::min(common, fixed.count));
  }

  auto inside = outside;
  if (all_whole && common == first.count) {  // one value for all
    for (const auto* item : items) apply(inside, *item);
    return build_skip(8 * at, common, like, pages_.vector(inside, rules_), outside);
  }
  const auto next = common / 8;
  if (next <= at) return build_node(at, items, outside);
  Items longer;
  for (const auto* item : items) {
    if (item->exact < next)
      apply(inside, *item);
    else
      longer.push_back(item);
  }
  return build_skip(8 * at, 8 * next, like, build_at(next, longer, inside), outside);
}

std::uint32_t TrieBuilder::build_node(std::size_t at, const Items& items,
                                      const RuleBits& outside) const {
  std::array<Items, 256> longer, begins;
  std::array<Items, 257> ends;
  for (const auto* item : items) {
    if (item->exact > at) {
      longer[item->bytes[at]].push_back(item);
    } else {
      begins[item->low].push_back(item);
      ends[item->high + 1U].push_back(item);
    }
  }
  PageBuilder::Cells cells{};
  auto inside = outside;
  auto here = pages_.vector(inside, rules_);
  for (std::size_t value = 0; value < 256; ++value) {
    for (const auto* item : ends[value]) inside.put(item->rule, !item->add);
    for (const auto* item : begins[value]) apply(inside, *item);
    if (!ends[value].empty() || !begins[value].empty()) here = pages_.vector(inside, rules_);
    cells[value] = longer[value].empty() ? here : build_at(at + 1, longer[value], inside);
  }
  return pages_.node(offset_ + at, cells);
}

std::uint32_t TrieBuilder::build_skip(std::size_t from, std::size_t bits, const FieldValues& like,
                                      std::uint32_t match, const RuleBits& outside) const {
  bv_rule_skip skip{};
  skip.word = static_cast<std::uint32_t>(std::min<std::size_t>((offset_ + from / 8) / 8, 4));
  std::array<std::uint8_t, sizeof(skip.mask)> mask{}, value{};
  for (std::size_t at = from / 8; 8 * at < bits; ++at) {
    const auto place = offset_ + at - std::size_t{8} * skip.word;
    const auto kept = std::min<std::size_t>(bits - 8 * at, 8);
    mask.at(place) = static_cast<std::uint8_t>(0xff00U >> kept);
    value.at(place) = byte_of(like, at) & mask.at(place);
  }
  std::memcpy(skip.mask, mask.data(), sizeof(skip.mask));
  std::memcpy(skip.value, value.data(), sizeof(skip.value));
  skip.match = match;
  skip.mismatch = pages_.vector(outside, rules_);
  return pages_.skip(skip);
}

}  // namespace bpfvlan
