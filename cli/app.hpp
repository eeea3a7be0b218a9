// SPDX-License-Identifier: MIT
// What all commands share: the options before the object, and one Control for a whole batch.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>

#include "bpfvlan/control.hpp"
#include "output.hpp"

namespace bpfvlan::cli {

// As `ip` and `tc` have them, and one more.
enum ExitStatus { kDone = 0, kFailed = 1, kUsage = 2, kUnsupported = 3 };

class App {
 public:
  Output output;
  std::string parent_netns;
  std::string batch_file;
  // What the parsed command does; empty: nothing to do (--help).
  std::function<Result<>()> action;

  // Opened by the first command that needs it; what it cleaned up goes to stderr.
  Result<Control*> control();
  // For what takes long and needs it no more: others can have the lock meanwhile.
  void release_control();

 private:
  std::optional<Control> control_;
};

// Every object's subcommands; they set App::action.
void add_commands(CLI::App& cli, App& app);

void add_attach(CLI::App& cli, App& app);
void add_endpoint(CLI::App& cli, App& app);
void add_address(CLI::App& cli, App& app);
void add_rule(CLI::App& cli, App& app);
void add_stats(CLI::App& cli, App& app);
void add_conntrack(CLI::App& cli, App& app);
void add_conntrack_settings(CLI::App& conntrack, App& app);
void add_hairpin(CLI::App& cli, App& app);
void add_feature(CLI::App& cli, App& app);
void add_demo(CLI::App& cli, App& app);

Result<> run_batch(App& app, const std::string& file);

// Prints the error, if any, to stderr.
ExitStatus report(const Result<>& result, const std::string& prefix = {});

// Wraps a parser of the library as a CLI11 option: its sentence becomes the usage error.
template <class T, class Parse>
CLI::Option* add_parsed(CLI::App& command, const std::string& name, std::optional<T>& to,
                        Parse parse, const std::string& help) {
  return command.add_option_function<std::string>(
      name,
      [&to, parse, name](const std::string& text) {
        auto value = parse(text);
        if (!value) throw CLI::ValidationError(name, value.error().what);
        to = *value;
      },
      help);
}

// Option values, checked while parsing so that a wrong one is a usage error. An option that is not
// given leaves its variable unset.
CLI::Option* add_mode(CLI::App& command, std::optional<Mode>& mode);
CLI::Option* add_policy(CLI::App& command, std::optional<Policy>& policy);

}  // namespace bpfvlan::cli
