// SPDX-License-Identifier: MIT
#include "stateful/random_rules_run.hpp"

#include <fmt/core.h>

#include <cstdlib>

#include "flows/networks.hpp"
#include "frames/frame_case.hpp"
#include "stateful/outcome.hpp"
#include "stateful/random_traffic.hpp"
#include "stateful/site.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::uint32_t kRoom = 4096;  // connections
constexpr unsigned kEnough = 5;        // differences

struct Count {
  unsigned packets = 0, passed = 0, differ = 0, refused = 0;
};

class Run {
 public:
  static Result<Run> make(Setting setting) {
    setting.connections = kRoom;
    Run run;
    BV_TRY(run.sites_.ipvlan, Site::make(EngineKind::Ipvlan, setting));
    BV_TRY(run.sites_.bpfvlan, Site::make(EngineKind::Bpfvlan, setting));
    return run;
  }

  Result<> play(const RandomRuleSets& run, std::uint32_t number) {
    const int family = number % 2 ? AF_INET6 : AF_INET;
    RandomTraffic traffic(run.seed << 32 | number, family);
    auto rules = traffic.rules();
    BV_CHECK(restore(family, rules));
    for (auto* site : {sites_.ipvlan.get(), sites_.bpfvlan.get()})
      BV_CHECK(site->flush_connections());
    const auto before = count_.differ;
    for (std::uint32_t i = 0; i < run.packets && count_.differ == before; ++i)
      BV_CHECK(send(traffic.next()));
    if (count_.differ == before) BV_CHECK(compare_counters(family));
    if (count_.differ != before) fmt::print("  of seed {}, set {}:\n{}", run.seed, number, rules);
    return {};
  }

  const Count& count() const { return count_; }

 private:
  // Now and then iptables does not take a rule that we do: both do without it.
  Result<> restore(int family, std::string& rules) {
    for (;;) {
      const auto table = fmt::format("*filter\n{}COMMIT\n", rules);
      const auto done = sites_.ipvlan->restore(family, table);
      if (done) return sites_.bpfvlan->restore(family, table);
      const auto& what = done.error().what;
      const auto at = what.find("line ");
      const auto line = at == std::string::npos ? 0 : std::strtoul(&what[at + 5], nullptr, 10);
      if (line < 2 || !erase_line(rules, line - 2)) return done;
    }
  }

  // Says which.
  bool erase_line(std::string& text, std::size_t number) {
    std::size_t begin = 0;
    for (; number > 0 && begin < text.size(); --number) begin = text.find('\n', begin) + 1;
    const auto end = text.find('\n', begin);
    if (end == std::string::npos || text.compare(begin, 2, "-A") != 0) return false;
    fmt::print("iptables refuses: {}\n", text.substr(begin, end - begin));
    ++count_.refused;
    text.erase(begin, end + 1 - begin);
    return true;
  }

  Result<> send(const Step& step) {
    BV_TRY(const auto ipvlan, sites_.ipvlan->send(step.from, step.frame));
    BV_TRY(const auto bpfvlan, sites_.bpfvlan->send(step.from, step.frame));
    ++count_.packets;
    count_.passed += !ipvlan.empty();
    if (ipvlan == bpfvlan) return {};
    ++count_.differ;
    fmt::print("DIFFERENCE with random rules: {}\n{}  ipvlan: {}\n  bpfvlan: {}\n", step.what,
               to_text(step.frame), outcome_text(ipvlan, step.frame),
               outcome_text(bpfvlan, step.frame));
    return {};
  }

  Result<> compare_counters(int family) {
    BV_TRY(const auto ipvlan, sites_.ipvlan->rules(family));
    BV_TRY(const auto bpfvlan, sites_.bpfvlan->rules(family));
    const auto theirs = counters_text(ipvlan), ours = counters_text(bpfvlan);
    if (theirs == ours) return {};
    ++count_.differ;
    fmt::print("DIFFERENCE in the counters of random rules\n ipvlan:\n{} bpfvlan:\n{}", theirs,
               ours);
    return {};
  }

  OfBoth<std::unique_ptr<Site>> sites_;
  Count count_;
};

}  // namespace

Result<bool> compare_random_rules(Setting setting, const RandomRuleSets& run) {
  BV_TRY(auto both, Run::make(setting));
  std::uint32_t sets = 0;
  for (; sets < run.count && both.count().differ < kEnough; ++sets)
    BV_CHECK(both.play(run, run.first + sets));
  const auto& count = both.count();
  fmt::print(
      "random rules, seed {}: {} sets, {} rules that iptables refuses, {} packets, {} of them "
      "passed, {} differences\n",
      run.seed, sets, count.refused, count.packets, count.passed, count.differ);
  return !count.differ;
}

}  // namespace bpfvlan::test
