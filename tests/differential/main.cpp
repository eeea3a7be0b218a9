// SPDX-License-Identifier: MIT
// The judge: plays the same on the kernel's ipvlan and on ours, and tells where they differ.
#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "flows.hpp"
#include "lab/lab.hpp"

namespace bpfvlan::test {
namespace {

int report(const Result<Comparisons>& seen) {
  if (!seen) {
    fmt::print("{}\n", seen.error().what);
    return 1;
  }
  unsigned differences = 0;
  for (const auto& c : *seen) {
    fmt::print("{} [{}] {}\n", c.same() ? "same  " : "DIFFER", c.row, c.subject);
    if (c.same()) continue;
    ++differences;
    fmt::print("  ipvlan:\n{}\n  bpfvlan:\n{}\n", c.ipvlan, c.bpfvlan);
  }
  fmt::print("{} compared, {} differ\n", seen->size(), differences);
  return differences ? 1 : 0;
}

int run(int argc, char** argv) {
  CLI::App app("Compares the kernel's ipvlan with ours. Run it as root, in a VM that has both.");
  Setting setting;
  std::string mode = "l3", policy = "bridge";
  app.add_option("--mode", mode)->capture_default_str();
  app.add_option("--policy", policy)->capture_default_str();
  app.require_subcommand(1);
  auto* flows = app.add_subcommand("flows", "sockets between all places");
  auto* events = app.add_subcommand("events", "flows while something happens");
  CLI11_PARSE(app, argc, argv);
  const auto parsed_mode = parse_mode(mode);
  const auto parsed_policy = parse_policy(policy);
  if (!parsed_mode || !parsed_policy) return 2;
  setting = {*parsed_mode, *parsed_policy};
  if (const auto in = lab::enter_sandbox(); !in) {
    fmt::print(stderr, "{} (run as root)\n", in.error().what);
    return 1;
  }
  if (const auto why = engine_missing(EngineKind::Ipvlan)) {
    fmt::print(stderr, "{}\n", *why);
    return 1;
  }
  if (*flows) return report(compare_flows(setting));
  if (*events) return report(compare_events(setting));
  return 2;
}

}  // namespace
}  // namespace bpfvlan::test

int main(int argc, char** argv) {
  return bpfvlan::test::run(argc, argv);
}
