// SPDX-License-Identifier: MIT
// The judge: plays the same on the kernel's ipvlan and on ours, and tells where they differ.
#include <fmt/core.h>
#include <sched.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <functional>
#include <iterator>

#include "flows/flows.hpp"
#include "frames/fixed_run.hpp"
#include "frames/generator.hpp"
#include "lab/lab.hpp"
#include "objects/objects.hpp"
#include "rows/named_tests.hpp"
#include "rows/report.hpp"
#include "rows/rows.hpp"
#include "stateful/conversations.hpp"
#include "stateful/random_rules_run.hpp"

namespace bpfvlan::test {
namespace {

struct Options {
  std::string mode = "l3", policy = "bridge";
  Setting setting;
  RandomRun random{.count = 2000};
  RandomRuleSets rules;
  bool must_differ = false, only_random = false;
  std::uint32_t index = 0;
  std::string page;
  std::vector<std::string> suites;  // NAME=BINARY
};

Result<Comparisons> compare_frames(const Setting& setting) {
  BV_TRY(auto judge, Judge::make(setting));
  return compare_fixed_frames(judge, setting.mode, setting.policy);
}

Result<bool> random(const Options& options) {
  BV_TRY(auto judge, Judge::make(options.setting));
  BV_TRY(const auto outcome, run_random(judge, options.random));
  return report_random(options.setting, options.random, outcome, options.must_differ);
}

Result<bool> replay(const Options& options) {
  BV_TRY(auto judge, Judge::make(options.setting));
  const auto c = generate(options.setting.mode, options.random.seed, options.index).c;
  BV_TRY(const auto judged, judge.judge(c));
  fmt::print("{}{}\n", to_text(c, judged), judged.alike() ? "alike" : "DIFFERENT");
  return judged.alike();
}

using Part = Result<Comparisons> (*)(const Setting&);

Result<bool> rows_of(const Options& options, const std::vector<Part>& parts, bool whole) {
  Comparisons all;
  for (const auto part : parts) {
    BV_TRY(const auto some, part(options.setting));
    all.insert(all.end(), some.begin(), some.end());
  }
  return report_rows(options.setting, all, whole);
}

Result<bool> everything(const Options& options) {
  BV_TRY(const bool rows,
         rows_of(options, {compare_objects, compare_frames, compare_flows, compare_events}, true));
  BV_TRY(const bool frames, random(options));
  return rows && frames;
}

// Whatever mode is told: it is a matter of l3s.
Result<bool> conntrack(Options options) {
  options.setting.mode = BV_MODE_L3S;
  bool scripts = true;
  if (!options.only_random) {
    BV_TRY(scripts, rows_of(options, {compare_conversations}, false));
  }
  BV_TRY(const bool random, compare_random_rules(options.setting, options.rules));
  return scripts && random;
}

Result<bool> semantics(const Options& options) {
  if (options.page.empty()) {
    fmt::print("{}", semantics_page());
    return true;
  }
  std::ifstream file(options.page);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  bool good = text == semantics_page();
  if (!good) fmt::print("{} is not what `bv_judge semantics` prints\n", options.page);
  good = check_named_tests(options.suites) && good;
  return good;
}

// Frames follow each other on one CPU: see Arena::settle().
Result<> stay_on_one_cpu() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  if (sched_setaffinity(0, sizeof(one), &one)) return fail(errno, "stay on one CPU");
  return {};
}

Result<bool> in_sandbox(const std::function<Result<bool>()>& play) {
  BV_CHECK(stay_on_one_cpu());
  BV_CHECK(lab::enter_sandbox());
  if (const auto why = engine_missing(EngineKind::Ipvlan))
    return refuse(std::errc::not_supported, *why);
  return play();
}

int run(int argc, char** argv) {
  CLI::App app("Compares the kernel's ipvlan with ours. Run it as root, in a VM that has both.");
  Options o;
  std::function<Result<bool>()> play;
  app.add_option("--mode", o.mode)->capture_default_str();
  app.add_option("--policy", o.policy)->capture_default_str();
  app.add_option("--object", o.setting.object, "other programs than the ones built in");
  app.require_subcommand(1);
  const auto add = [&](const char* name, const char* what, std::function<Result<bool>()> action) {
    auto* sub = app.add_subcommand(name, what);
    sub->callback([&play, action = std::move(action)] { play = action; });
    return sub;
  };
  add("objects", "parents, endpoints, netfilter",
      [&] { return rows_of(o, {compare_objects}, false); });
  add("frames", "the fixed list of frames", [&] { return rows_of(o, {compare_frames}, false); });
  add("flows", "sockets between all places", [&] { return rows_of(o, {compare_flows}, false); });
  add("events", "flows while something happens",
      [&] { return rows_of(o, {compare_events}, false); });
  auto* stateful = add("conntrack", "l3s: connections frame by frame, random rules",
                       [&] { return conntrack(o); });
  stateful->add_option("--seed", o.rules.seed)->capture_default_str();
  stateful->add_option("--first", o.rules.first)->capture_default_str();
  stateful->add_option("--count", o.rules.count, "sets of rules")->capture_default_str();
  stateful->add_option("--packets", o.rules.packets, "of each set")->capture_default_str();
  stateful->add_flag("--only-random", o.only_random);
  auto* random_frames = add("random", "random frames", [&] { return random(o); });
  auto* all = add("all", "all of it", [&] { return everything(o); });
  for (auto* sub : {random_frames, all}) {
    sub->add_option("--seed", o.random.seed)->capture_default_str();
    sub->add_option("--count", o.random.count)->capture_default_str();
    sub->add_option("--first", o.random.first)->capture_default_str();
    sub->add_option("--stop-after", o.random.stop_after, "that many differences")
        ->capture_default_str();
  }
  random_frames->add_flag("--must-differ", o.must_differ, "fail if no difference is found");
  auto* again = add("replay", "one random frame", [&] { return replay(o); });
  again->add_option("--seed", o.random.seed)->required();
  again->add_option("--index", o.index)->required();
  auto* page = add("semantics", "print docs/semantics.md", [&] { return semantics(o); });
  page->add_option("--check", o.page, "compare with this file instead");
  page->add_option("--suite", o.suites, "NAME=BINARY, for the tests that rows name");
  CLI11_PARSE(app, argc, argv);

  const auto mode = parse_mode(o.mode);
  const auto policy = parse_policy(o.policy);
  if (!mode || !policy) {
    fmt::print(stderr, "bv_judge: {}\n", mode ? policy.error().what : mode.error().what);
    return 2;
  }
  o.setting.mode = *mode;
  o.setting.policy = *policy;
  const auto good = *page ? play() : in_sandbox(play);
  if (!good) fmt::print(stderr, "bv_judge: {}\n", good.error().what);
  return good && *good ? 0 : 1;
}

}  // namespace
}  // namespace bpfvlan::test

int main(int argc, char** argv) {
  return bpfvlan::test::run(argc, argv);
}
