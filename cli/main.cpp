// SPDX-License-Identifier: MIT
// bpfvlan [OPTIONS] OBJECT VERB …: docs in README.md. Only here are exit statuses chosen.
#include <fmt/core.h>

#include "app.hpp"

int main(int argc, char** argv) {
  using namespace bpfvlan::cli;
  App app;
  CLI::App cli("ipvlan in BPF: endpoints in network namespaces share a parent's MAC address",
               "bpfvlan");
  cli.add_flag("-j,--json", app.output.json, "Print JSON: an array of objects");
  cli.add_flag("-p,--pretty", app.output.pretty, "Print JSON to be read");
  cli.add_option("-n,--parent-netns", app.parent_netns,
                 "Namespace of the parent: NAME, PATH or PID; default: this one");
  auto* batch =
      cli.add_option("-b,--batch", app.batch_file, "Run the commands in FILE, - for stdin");
  cli.require_subcommand(0, 1);
  add_commands(cli, app);

  try {
    cli.parse(argc, argv);
    if (!app.action && !*batch) throw CLI::RequiredError("A command or --batch");
    if (app.action && *batch) throw CLI::ExcludesError("--batch", "a command");
  } catch (const CLI::ParseError& e) {
    return cli.exit(e) == 0 ? kDone : kUsage;
  }
  const auto status = report(*batch ? run_batch(app, app.batch_file) : app.action());
  if (std::fflush(stdout) != 0) return report(bpfvlan::fail(errno, "standard output"));
  return status;
}
