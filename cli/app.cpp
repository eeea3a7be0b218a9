// SPDX-License-Identifier: MIT
#include "app.hpp"

#include <fmt/core.h>

namespace bpfvlan::cli {

Result<Control*> App::control() {
  if (!control_) {
    Control::Options options;
    options.parent_netns = parent_netns;
    BV_TRY(control_, Control::open(options));
    for (const auto& notice : control_->notices()) fmt::print(stderr, "bpfvlan: {}\n", notice);
  }
  return &*control_;
}

void App::release_control() {
  control_.reset();
}

void add_commands(CLI::App& cli, App& app) {
  add_attach(cli, app);
  add_endpoint(cli, app);
  add_address(cli, app);
  add_rule(cli, app);
  add_stats(cli, app);
  add_conntrack(cli, app);
  add_hairpin(cli, app);
  add_feature(cli, app);
  add_demo(cli, app);
}

ExitStatus report(const Result<>& result, const std::string& prefix) {
  if (result) return kDone;
  fmt::print(stderr, "bpfvlan: {}{}\n", prefix, result.error().what);
  return result.error().unsupported ? kUnsupported : kFailed;
}

CLI::Option* add_mode(CLI::App& command, std::optional<Mode>& mode) {
  return add_parsed(command, "--mode", mode, parse_mode, "l2, l3 or l3s")->type_name("MODE");
}

CLI::Option* add_policy(CLI::App& command, std::optional<Policy>& policy) {
  return add_parsed(command, "--policy", policy, parse_policy, "bridge, private or vepa")
      ->type_name("POLICY");
}

}  // namespace bpfvlan::cli
