// SPDX-License-Identifier: MIT
#include "walker.hpp"

#include <bit>
#include <cstring>
#include <stdexcept>

namespace bpfvlan {
namespace {

std::uint32_t step(const RulePages& pages, const bv_rule_key& key, std::uint32_t ref) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&key);
  if (BV_RULE_KIND(ref) == BV_RULE_NODE) {
    if (BV_RULE_NODE_BYTE(ref) >= sizeof(key)) throw std::out_of_range("node");
    return pages.at(BV_RULE_NODE_PAGE(ref)).cells[bytes[BV_RULE_NODE_BYTE(ref)]];
  }
  const auto number = BV_RULE_NUMBER(ref);
  const auto& skip = pages.at(number / BV_RULE_PAGE_SKIPS).skips[number % BV_RULE_PAGE_SKIPS];
  if (skip.word > 4) throw std::out_of_range("skip");
  std::uint64_t words[2];
  std::memcpy(words, bytes + 8 * skip.word, sizeof(words));
  const bool match =
      (words[0] & skip.mask[0]) == skip.value[0] && (words[1] & skip.mask[1]) == skip.value[1];
  return match ? skip.match : skip.mismatch;
}

}  // namespace

const bv_rule_vector* RuleWalker::field(const bv_rule_key& key, std::uint32_t ref) const {
  std::size_t steps = 0;
  for (; BV_RULE_KIND(ref) != BV_RULE_VECTOR; ++steps) ref = step(pages_, key, ref);
  longest_ = std::max(longest_, steps);
  if (ref == BV_RULE_NONE) return nullptr;
  return &pages_.at(ref / BV_RULE_PAGE_VECTORS).vectors[ref % BV_RULE_PAGE_VECTORS];
}

RuleBits RuleWalker::matching(const RulePacket& packet) const {
  const auto& c = chain();
  const auto key = packet.key();
  const std::size_t v6 = packet.family == RuleFamily::IPv6;
  auto all = RuleBits::first(c.rules);
  std::uint64_t any = ~std::uint64_t{0};
  for (const auto ref :
       {c.src[v6], c.dst[v6], packet.has_transport ? c.sport : c.no_ports,
        packet.has_transport ? c.dport : c.no_ports, c.protocol, c.state, c.endpoint}) {
    const auto* vector = field(key, ref);
    if (!vector) return {};
    any &= vector->any;
    for (std::size_t w = 0; w < all.words.size(); ++w) all.words[w] &= vector->words[w];
  }
  for (std::size_t w = 0; w < all.words.size(); ++w)
    if (!(any >> w & 1)) all.words[w] = 0;
  return all;
}

std::size_t RuleWalker::first(const RulePacket& packet) const {
  if (chain().policy_alone) return 0;
  const auto bits = matching(packet);
  for (std::size_t w = 0; w < bits.words.size(); ++w)
    if (bits.words[w]) return 64 * w + static_cast<std::size_t>(std::countr_zero(bits.words[w]));
  return chain().rules;
}

const bv_rule_target& RuleWalker::target(std::size_t rule) const {
  return pages_.at(chain().targets + rule / BV_RULE_PAGE_TARGETS)
      .targets[rule % BV_RULE_PAGE_TARGETS];
}

}  // namespace bpfvlan
