// SPDX-License-Identifier: MIT
#include "saved.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "words.hpp"

namespace bpfvlan {
namespace {

// "[12:3456]"
std::optional<Bracket> parse_bracket(std::string_view text) {
  Bracket b;
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return {};
  const auto* at = text.data() + 1;
  const auto* end = text.data() + text.size() - 1;
  const auto first = std::from_chars(at, end, b.first);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != ':') return {};
  const auto second = std::from_chars(first.ptr + 1, end, b.second);
  if (second.ec != std::errc{} || second.ptr != end) return {};
  return b;
}

class Reader {
 public:
  explicit Reader(RuleFamily family) : family_(family) {}

  Result<SavedTable> read(std::string_view text);

 private:
  Result<> line(std::string_view text);
  Result<> table(const std::vector<std::string>& words);
  Result<> chain(const std::vector<std::string>& words);
  Result<> rule(std::vector<std::string> words);
  Result<> commit();

  tl::unexpected<Error> bad(std::string_view why) const {
    return refuse(std::errc::invalid_argument, fmt::format("line {}: {}", number_, why));
  }
  void skip(const std::string& what) {
    auto& [first, count] = skipped_[what];
    if (!count++) first = number_;
  }

  enum class In { Nothing, Filter, OtherTable };
  RuleFamily family_;
  SavedTable out_;
  In in_ = In::Nothing;
  bool had_filter_ = false;
  std::string other_table_;
  std::size_t number_ = 0;
  std::map<std::string, std::pair<std::size_t, std::size_t>> skipped_;  // first line, how many
};

Result<SavedTable> Reader::read(std::string_view text) {
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('\n', from), text.size());
    ++number_;
    BV_CHECK(line(text.substr(from, end - from)));
    from = end + 1;
  }
  if (in_ != In::Nothing) return bad("the input ends, and no COMMIT was there");
  if (!had_filter_)
    return refuse(std::errc::invalid_argument,
                  "the input has no table *filter: nothing to restore");
  for (const auto& [what, lines] : skipped_)
    out_.notices.push_back(fmt::format("{}: {} line{} skipped, the first is line {}", what,
                                       lines.second, lines.second == 1 ? "" : "s", lines.first));
  return std::move(out_);
}

Result<> Reader::line(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r"), text.size()));
  if (text.empty() || text[0] == '#') return {};
  if (in_ == In::OtherTable && text[0] != '*' && !text.starts_with("COMMIT")) {
    skip("table " + other_table_);
    return {};
  }
  auto words = split_words(text);
  if (!words) return bad(words.error().what);
  if (words->at(0) == "COMMIT") return commit();
  if (text[0] == '*') return table(*words);
  if (in_ == In::Nothing) return bad("a table was expected here, such as *filter");
  return text[0] == ':' ? chain(*words) : rule(std::move(*words));
}

Result<> Reader::table(const std::vector<std::string>& words) {
  if (in_ != In::Nothing) return bad("COMMIT was expected before the next table");
  const auto name = words[0].substr(1);
  if (name != "filter") {
    in_ = In::OtherTable;
    other_table_ = name;
    skip("table " + name);
    return {};
  }
  if (had_filter_) return bad("the table filter was there before");
  had_filter_ = true;
  in_ = In::Filter;
  return {};
}

Result<> Reader::commit() {
  if (in_ == In::Nothing) return bad("COMMIT, and no table before it");
  in_ = In::Nothing;
  return {};
}

// :INPUT DROP [12:3456]
Result<> Reader::chain(const std::vector<std::string>& words) {
  const auto name = words[0].substr(1);
  if (name == "FORWARD") {
    skip("chain FORWARD");
    return {};
  }
  const auto chain = parse_chain(name);
  if (!chain)
    return bad(fmt::format("chain '{}': there are INPUT and OUTPUT, and no others", name));
  auto& to = out_.chains[*chain];
  if (to.policy) return bad(fmt::format("chain '{}' was there before", name));
  if (words.size() < 2 || words.size() > 3) return bad("expected: :CHAIN POLICY [PACKETS:BYTES]");
  const auto policy = parse_chain_policy(words[1]);
  if (!policy) return bad(policy.error().what);
  to.policy = *policy;
  if (words.size() < 3) return {};
  const auto counters = parse_bracket(words[2]);
  if (!counters) return bad(fmt::format("'{}' is not [PACKETS:BYTES]", words[2]));
  to.bracket = *counters;
  return {};
}

// [12:3456] -A INPUT -s …
Result<> Reader::rule(std::vector<std::string> words) {
  SavedRule saved;
  saved.line = number_;
  std::size_t at = 0;
  if (words[0][0] == '[') {
    const auto counters = parse_bracket(words[0]);
    if (!counters) return bad(fmt::format("'{}' is not [PACKETS:BYTES]", words[0]));
    saved.bracket = *counters;
    ++at;
  }
  if (at == words.size() || (words[at] != "-A" && words[at] != "--append"))
    return bad("expected: -A CHAIN and a rule");
  if (++at == words.size()) return bad("-A: its chain is missing");
  if (words[at] == "FORWARD") {
    skip("chain FORWARD");
    return {};
  }
  const auto chain = parse_chain(words[at]);
  if (!chain)
    return bad(fmt::format("chain '{}': there are INPUT and OUTPUT, and no others", words[at]));
  ++at;
  auto parsed = parse_rule(std::span(words).subspan(at), family_, at + 1);
  if (!parsed) return bad(parsed.error().what);
  saved.rule = std::move(*parsed);
  out_.chains[*chain].rules.push_back(std::move(saved));
  return {};
}

}  // namespace

Result<SavedTable> parse_saved(std::string_view text, RuleFamily family) {
  return Reader(family).read(text);
}

std::string save_table(const RuleChains& chains, bool counts, const BracketOf& bracket_of) {
  std::string text = "*filter\n";
  for (const auto chain : kChains) {
    const auto count = counts ? chains[chain].count : RuleCount{};
    text += fmt::format(":{} {} [{}:{}]\n", to_string(chain), to_string(chains[chain].policy),
                        count.packets, count.bytes);
  }
  for (const auto chain : kChains)
    for (std::size_t i = 0; i < chains[chain].rules.size(); ++i) {
      if (const auto b = bracket_of(chain, i)) text += fmt::format("[{}:{}] ", b->first, b->second);
      text += fmt::format("-A {} {}\n", to_string(chain), to_text(chains[chain].rules[i].rule));
    }
  return text + "COMMIT\n";
}

std::string save_rules(const RuleChains& chains, bool counters) {
  return save_table(chains, counters, [&](bv_chain chain, std::size_t i) -> std::optional<Bracket> {
    if (!counters) return {};
    const auto& count = chains[chain].rules[i].count;
    return Bracket{count.packets, count.bytes};
  });
}

Result<RestoredRules> parse_saved_rules(std::string_view text, RuleFamily family) {
  BV_TRY(auto table, parse_saved(text, family));
  RestoredRules out;
  for (const auto chain : kChains) {
    auto& from = table.chains[chain];
    auto& to = out.chains[chain];
    to.policy = from.policy.value_or(BV_TARGET_ACCEPT);
    out.has_policy[chain] = from.policy.has_value();
    to.count = {from.bracket.first, from.bracket.second};
    for (auto& [rule, bracket, line] : from.rules)
      to.rules.push_back({std::move(rule), {bracket.first, bracket.second}, line});
  }
  out.notices = std::move(table.notices);
  return out;
}

}  // namespace bpfvlan
