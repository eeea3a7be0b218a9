// SPDX-License-Identifier: MIT
#include "pages.hpp"

#include <algorithm>
#include <cstring>

namespace bpfvlan {
namespace {

constexpr std::uint32_t make_ref(std::uint32_t kind, std::uint32_t rest) {
  return kind << 30 | rest;
}

// The first page behind them, `each` in a page.
std::uint32_t pages_for(std::size_t count, std::size_t each) {
  return static_cast<std::uint32_t>((count + each - 1) / each);
}

template <class T, class Field>
void place(RulePages& pages, std::uint32_t first, const std::vector<T>& all, Field field) {
  constexpr std::size_t kEach = std::extent_v<std::remove_reference_t<decltype(pages[0].*field)>>;
  for (std::size_t i = 0; i < all.size(); ++i)
    (pages[first + i / kEach].*field)[i % kEach] = all[i];
}

}  // namespace

template <class T>
std::uint32_t PageBuilder::Interned<T>::number(const T& value) {
  const std::string bytes(reinterpret_cast<const char*>(&value), sizeof(value));
  const auto [it, fresh] = numbers.try_emplace(bytes, static_cast<std::uint32_t>(all.size()));
  if (fresh) all.push_back(value);
  return it->second;
}

std::uint32_t PageBuilder::vector(const RuleBits& bits, std::size_t rules) {
  if (bits == RuleBits::first(rules)) return BV_RULE_ALL;
  if (bits == RuleBits{}) return BV_RULE_NONE;
  bv_rule_vector v{};
  for (std::size_t w = 0; w < bits.words.size(); ++w) {
    v.words[w] = bits.words[w];
    if (v.words[w]) v.any |= std::uint64_t{1} << w;
  }
  // Those of page 0 have a meaning of their own.
  return make_ref(BV_RULE_VECTOR, vectors_.number(v) + BV_RULE_PAGE_VECTORS);
}

std::uint32_t PageBuilder::node(std::size_t byte, const Cells& cells) {
  if (std::all_of(cells.begin(), cells.end(), [&](auto ref) { return ref == cells[0]; }))
    return cells[0];
  return make_ref(BV_RULE_NODE, static_cast<std::uint32_t>(byte) << 24 | nodes_.number(cells));
}

std::uint32_t PageBuilder::skip(const bv_rule_skip& skip) {
  if (skip.match == skip.mismatch) return skip.match;
  return make_ref(BV_RULE_SKIP, skips_.number(skip));
}

std::uint32_t PageBuilder::placed(std::uint32_t ref) const {
  switch (BV_RULE_KIND(ref)) {
    case BV_RULE_NODE:
      return ref + first_node_;
    case BV_RULE_SKIP:
      return ref + first_skip_ * BV_RULE_PAGE_SKIPS;
    default:
      return ref;
  }
}

RulePages PageBuilder::finish(bv_rules head,
                              const std::array<std::vector<bv_rule_target>, BV_CHAIN_MAX>& targets,
                              const std::string& text) {
  const std::uint32_t first_vector = 1;
  first_skip_ = first_vector + pages_for(vectors_.all.size(), BV_RULE_PAGE_VECTORS);
  first_node_ = first_skip_ + pages_for(skips_.all.size(), BV_RULE_PAGE_SKIPS);
  auto end = first_node_ + static_cast<std::uint32_t>(nodes_.all.size());
  for (const auto chain : {BV_CHAIN_INPUT, BV_CHAIN_OUTPUT}) {
    auto& c = head.chain[chain];
    c.targets = end;
    end += pages_for(targets[chain].size(), BV_RULE_PAGE_TARGETS);
    for (auto* ref : {&c.src[0], &c.src[1], &c.dst[0], &c.dst[1], &c.sport, &c.dport, &c.no_ports,
                      &c.protocol, &c.state, &c.endpoint})
      *ref = placed(*ref);
  }
  head.text = end;
  head.text_bytes = static_cast<std::uint32_t>(text.size());
  end += pages_for(text.size(), sizeof(bv_rule_page::text));

  for (auto& skip : skips_.all) {
    skip.match = placed(skip.match);
    skip.mismatch = placed(skip.mismatch);
  }
  for (auto& cells : nodes_.all)
    for (auto& ref : cells) ref = placed(ref);

  RulePages pages(end);  // all zero
  std::memset(&pages[0].vectors[BV_RULE_ALL], 0xff, sizeof(bv_rule_vector));
  pages[0].rules = head;
  place(pages, first_vector, vectors_.all, &bv_rule_page::vectors);
  place(pages, first_skip_, skips_.all, &bv_rule_page::skips);
  for (std::size_t i = 0; i < nodes_.all.size(); ++i)
    std::copy(nodes_.all[i].begin(), nodes_.all[i].end(), pages[first_node_ + i].cells);
  for (const auto chain : {BV_CHAIN_INPUT, BV_CHAIN_OUTPUT})
    place(pages, head.chain[chain].targets, targets[chain], &bv_rule_page::targets);
  for (std::size_t at = 0; at < text.size(); at += sizeof(bv_rule_page::text))
    text.copy(pages[head.text + at / sizeof(bv_rule_page::text)].text, sizeof(bv_rule_page::text),
              at);
  return pages;
}

}  // namespace bpfvlan
