// SPDX-License-Identifier: MIT
#include "rule_list.hpp"

#include <fmt/core.h>

#include "rows.hpp"

namespace bpfvlan::cli {
namespace {

Rows text_or_null(std::string_view text) {
  return text.empty() ? Rows(nullptr) : Rows(text);
}

// What stands in no column of its own.
std::string other_options(const Rule& rule) {
  auto text = matches_text(rule);
  if (!rule.reject_with.empty())
    text += fmt::format("{}--reject-with {}", text.empty() ? "" : " ", rule.reject_with);
  return text;
}

Rows to_row(std::size_t number, const CountedRule& counted) {
  const auto& rule = counted.rule;
  return {
      {"number", number},
      {"packets", counted.count.packets},
      {"bytes", counted.count.bytes},
      {"target", to_string(rule.target)},
      {"reject_with", text_or_null(rule.reject_with)},
      {"family", to_string(rule.family)},
      {"protocol", protocol_text(rule)},
      {"source", address_text(rule.source, rule.family)},
      {"destination", address_text(rule.destination, rule.family)},
      {"endpoint", rule.endpoint ? Rows((rule.endpoint->inverted ? "!" : "") + rule.endpoint->value)
                                 : Rows(nullptr)},
      {"comment", rule.comment ? Rows(*rule.comment) : Rows(nullptr)},
      {"options", other_options(rule)},
      {"rule", to_text(rule)}};
}

Rows to_row(bv_chain which, const RuleChain& chain) {
  Rows rules = Rows::array();
  for (const auto& counted : chain.rules) rules.push_back(to_row(rules.size() + 1, counted));
  return {{"chain", to_string(which)},
          {"policy", to_string(chain.policy)},
          {"packets", chain.count.packets},
          {"bytes", chain.count.bytes},
          {"rules", rules}};
}

std::vector<Column> to_columns(const RuleColumns& wanted) {
  std::vector<Column> columns;
  if (wanted.numbers) columns.push_back({"num", "number", true});
  if (wanted.counts) {
    columns.push_back({"pkts", "packets", true});
    columns.push_back({"bytes", "bytes", true});
  }
  for (const auto* name : {"target", "family", "source", "destination", "options"})
    columns.push_back({name, name});
  columns.insert(columns.end() - 3, {"prot", "protocol"});
  return columns;
}

}  // namespace

void list_rules(const Output& output, const RuleChains& chains, std::optional<bv_chain> only,
                const RuleColumns& columns) {
  Rows rows = Rows::array();
  for (const auto chain : kChains)
    if (!only || *only == chain) rows.push_back(to_row(chain, chains[chain]));
  if (output.wants_json()) return output.table(rows, {});
  bool first = true;
  for (const auto& row : rows) {
    if (!first) output.line("");
    first = false;
    const auto title = fmt::format("Chain {} (policy {}", row.at("chain").get<std::string>(),
                                   row.at("policy").get<std::string>());
    output.line(columns.counts ? fmt::format("{} {} packets, {} bytes)", title,
                                             row.at("packets").get<std::uint64_t>(),
                                             row.at("bytes").get<std::uint64_t>())
                               : title + ")");
    output.table(row.at("rules"), to_columns(columns));
  }
}

}  // namespace bpfvlan::cli
