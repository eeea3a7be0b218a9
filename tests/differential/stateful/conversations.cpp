// SPDX-License-Identifier: MIT
#include "stateful/conversations.hpp"

#include <fmt/core.h>
#include <fnmatch.h>
#include <net/ethernet.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <thread>

#include "flows/networks.hpp"
#include "rows/rows.hpp"
#include "stateful/outcome.hpp"
#include "stateful/script.hpp"
#include "stateful/site.hpp"

namespace bpfvlan::test {
namespace {

// What was seen after a step, or after a script.
struct View {
  std::vector<Arrival> arrivals{};
  std::vector<Entry> entries{};
};

bool alike(const View& a, const View& b) {
  return a.arrivals == b.arrivals && alike(a.entries, b.entries);
}

std::string to_text(const View& view, const Bytes& sent) {
  std::string text = outcome_text(view.arrivals, sent);
  for (const auto& entry : view.entries) text += "\n      " + to_string(entry);
  return text;
}

class Player {
 public:
  static Result<Player> make(Setting setting) {
    setting.connections = 1024;
    Player p;
    BV_TRY(p.sites_.ipvlan, Site::make(EngineKind::Ipvlan, setting));
    BV_TRY(p.sites_.bpfvlan, Site::make(EngineKind::Bpfvlan, setting));
    return p;
  }

  Result<> play(const Script& script) {
    // What differs on purpose must not be among the packets whose rules are compared.
    const bool same = cell_of(*find_row(script.row), BV_MODE_L3S).status == Status::Same;
    const bool counts = same && script.counts && !script.stacks_answer;
    BV_CHECK(use_rules(script, counts));
    BV_CHECK(stacks_answer(script.stacks_answer));
    BV_CHECK(settings(script, false));
    Comparison comparison;
    comparison.row = script.row;
    comparison.subject = fmt::format("{}, {}", script.name, family_name());
    BV_CHECK(steps(script, comparison));
    BV_CHECK(settings(script, true));
    for (auto* site : {sites_.ipvlan.get(), sites_.bpfvlan.get()})
      BV_CHECK(site->flush_connections());
    comparisons_.push_back(std::move(comparison));
    return {};
  }

  // The counters of the rules that were in use last.
  Result<> compare_counters() {
    if (table_.empty()) return {};
    OfBoth<std::string> texts;
    for (const auto& [site, text] : {std::pair{sites_.ipvlan.get(), &texts.ipvlan},
                                     std::pair{sites_.bpfvlan.get(), &texts.bpfvlan}}) {
      BV_TRY(const auto chains, site->rules(family_));
      *text = counters_text(chains);
    }
    if (counts_)
      comparisons_.push_back(
          {"rule_counters", fmt::format("of {}", family_name()), texts.ipvlan, texts.bpfvlan});
    table_.clear();
    return {};
  }

  Comparisons take() { return std::move(comparisons_); }

 private:
  const char* family_name() const { return family_ == AF_INET ? "ipv4" : "ipv6"; }

  Result<> use_rules(const Script& script, bool counts) {
    const auto table = fmt::format("*filter\n{}COMMIT\n", script.rules);
    if (table == table_ && script.family == family_ && counts == counts_) return {};
    BV_CHECK(compare_counters());
    for (auto* site : {sites_.ipvlan.get(), sites_.bpfvlan.get()})
      BV_CHECK(site->restore(script.family, table));
    family_ = script.family;
    table_ = table;
    counts_ = counts;
    return {};
  }

  Result<> stacks_answer(bool answer) {
    if (answer == stacks_answer_) return {};
    for (auto* site : {sites_.ipvlan.get(), sites_.bpfvlan.get()}) BV_CHECK(site->mute(!answer));
    stacks_answer_ = answer;
    return {};
  }

  // As the script wants them, or as they are by themselves.
  Result<> settings(const Script& script, bool back) {
    for (const auto& [name, value] : script.settings) {
      if (!defaults_.contains(name)) {
        BV_TRY(defaults_[name], sites_.ipvlan->value_of(name));
      }
      for (auto* site : {sites_.ipvlan.get(), sites_.bpfvlan.get()})
        BV_CHECK(site->set(name, back ? defaults_[name] : value));
    }
    return {};
  }

  Result<View> view_of(Site& site, const Script& script, const Step& step) {
    View view;
    BV_TRY(view.arrivals, site.send(step.from, step.frame));
    for (auto& arrival : view.arrivals)
      if (script.at_the_end)
        normalise_fragment(arrival);
      else
        normalise_answer(arrival, step.frame);
    BV_TRY(view.entries, site.connections());
    if (!script.counts)
      for (auto& entry : view.entries) entry = without_counts(entry);
    if (!script.seconds)
      for (auto& entry : view.entries) entry.seconds = 0;
    return view;
  }

  // Up to the first step that differs: what comes behind may differ for that.
  Result<> steps(const Script& script, Comparison& comparison) {
    OfBoth<View> all;
    const bool as_it_goes = !script.at_the_end;
    for (const auto& step : script.steps) {
      if (step.wait.count()) std::this_thread::sleep_for(step.wait);
      BV_TRY(auto ipvlan, view_of(*sites_.ipvlan, script, step));
      BV_TRY(auto bpfvlan, view_of(*sites_.bpfvlan, script, step));
      if (as_it_goes) {
        tell(comparison, step.what, ipvlan, bpfvlan, step.frame);
        if (!alike(ipvlan, bpfvlan)) break;
        continue;
      }
      gather(all.ipvlan, std::move(ipvlan));
      gather(all.bpfvlan, std::move(bpfvlan));
    }
    if (!as_it_goes) tell(comparison, "in the end", all.ipvlan, all.bpfvlan, {});
    if (script.stated) hold_to(*script.stated, comparison);
    return {};
  }

  static void gather(View& all, View now) {
    all.arrivals.insert(all.arrivals.end(), now.arrivals.begin(), now.arrivals.end());
    std::sort(all.arrivals.begin(), all.arrivals.end());
    all.entries = std::move(now.entries);
  }

  static void tell(Comparison& c, const std::string& what, const View& ipvlan, const View& bpfvlan,
                   const Bytes& sent) {
    c.ipvlan += fmt::format("\n    {}: {}", what, to_text(ipvlan, sent));
    // A second more or less is none.
    c.bpfvlan +=
        fmt::format("\n    {}: {}", what, to_text(alike(ipvlan, bpfvlan) ? ipvlan : bpfvlan, sent));
  }

  static void hold_to(const Stated& stated, Comparison& c) {
    for (const auto& [who, pattern, seen] : {std::tuple{"the driver", stated.driver, &c.ipvlan},
                                             std::tuple{"ours", stated.ours, &c.bpfvlan}})
      if (fnmatch(pattern, seen->c_str(), 0))
        c.wrong += fmt::format("  {} is not as stated: {}\n", who, pattern);
  }

  OfBoth<std::unique_ptr<Site>> sites_;
  std::map<std::string, std::string> defaults_;
  int family_ = 0;
  std::string table_;
  bool counts_ = false, stacks_answer_ = false;
  Comparisons comparisons_;
};

// A row that no script plays.
void add_missing(Comparisons& compared) {
  for (const auto& row : rows()) {
    const auto& cell = cell_of(row, BV_MODE_L3S);
    const auto is_of = [&](const Comparison& c) { return c.row == row.id; };
    if (cell.status != Status::Absent && !cell.policies &&
        std::none_of(compared.begin(), compared.end(), is_of))
      compared.push_back({row.id, "nothing", "", "", "  not compared\n"});
  }
}

}  // namespace

Result<Comparisons> compare_conversations(const Setting& setting) {
  BV_TRY(auto player, Player::make(setting));
  for (const int family : {AF_INET, AF_INET6}) {
    Scripts scripts;
    for (auto* add : {add_tcp_scripts, add_tcp_window_scripts, add_datagram_scripts,
                      add_error_scripts, add_fragment_scripts, add_rule_scripts})
      add(scripts, family);
    for (const auto& script : scripts) BV_CHECK(player.play(script));
  }
  BV_CHECK(player.compare_counters());
  auto compared = player.take();
  add_missing(compared);
  return compared;
}

}  // namespace bpfvlan::test
