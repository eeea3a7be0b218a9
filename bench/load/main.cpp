// SPDX-License-Identifier: MIT
// bv_bench_load: one kind of traffic between two namespaces for some time, and what it came to, as
// JSON. Both ends are threads of this process.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>

#include "loads.hpp"

namespace bpfvlan::test {
namespace {

using Run = std::function<Result<nlohmann::json>()>;

void add_times(CLI::App& command, std::chrono::duration<double>& time) {
  command
      .add_option_function<double>(
          "--seconds", [&time](double s) { time = std::chrono::duration<double>(s); }, "How long")
      ->check(CLI::Range(0.01, 60.0));
}

void add(CLI::App& app, const char* name, const char* what, Load& load, Run& run,
         Result<nlohmann::json> (*kind)(const Load&)) {
  auto* command = app.add_subcommand(name, what);
  command->add_option("--from", load.path.from, "Namespace of the client")->required();
  command->add_option("--to", load.path.to, "Namespace of the server")->required();
  command->add_option("--address", load.path.address, "Of the server")->required();
  command->add_option("--client-cpu", load.client_cpu, "Where it runs; default: anywhere");
  command->add_option("--server-cpu", load.server_cpu, "Where it runs; default: anywhere");
  add_times(*command, load.time);
  command->callback([&load, &run, kind] { run = [&load, kind] { return kind(load); }; });
}

void add_frames(CLI::App& app, FrameLoad& load, Run& run) {
  auto* command = app.add_subcommand("frames", "UDP frames, and how many come back");
  command->add_option("--netns", load.netns, "Where they are sent")->required();
  command->add_option("--device", load.device, "By which they are sent")->required();
  command->add_flag_callback(
      "--xdp", [&load] { load.by = By::Xdp; }, "As XDP frames; default: by a packet socket");
  command->add_option("--to-mac", load.to_mac)->required();
  command->add_option("--from-mac", load.from_mac)->required();
  command->add_option("--to", load.to, "IPv4 address");
  command->add_option("--source", load.from, "IPv4 address")->required();
  auto* sink =
      command->add_option("--sink", load.sink, "Namespace of another device that drops all");
  command->add_option("--sink-device", load.sink_device)->needs(sink);
  command->add_option("--cpu", load.cpu, "Where it runs; default: anywhere");
  add_times(*command, load.time);
  command->callback([&load, &run] { run = [&load] { return send_frames(load); }; });
}

}  // namespace
}  // namespace bpfvlan::test

int main(int argc, char** argv) {
  using namespace bpfvlan;
  CLI::App app("One kind of traffic between two namespaces, and what it came to");
  app.require_subcommand(1);
  test::Load load;
  test::FrameLoad frames;
  test::Run run;
  test::add(app, "ask", "A byte there and back over TCP, again and again", load, run, test::ask);
  test::add(app, "connect", "TCP connections, one after another", load, run,
            test::connect_and_close);
  test::add(app, "pieces", "TCP, written and read in pieces of 64 KiB by one thread", load, run,
            test::send_pieces);
  test::add(app, "datagrams", "UDP, 64 bytes", load, run, test::send_datagrams);
  test::add_frames(app, frames, run);
  CLI11_PARSE(app, argc, argv);

  const auto result = run();
  if (!result) {
    fmt::print(stderr, "bv_bench_load: {}\n", result.error().what);
    return result.error().unsupported ? 3 : EXIT_FAILURE;
  }
  fmt::print("{}\n", result->dump());
  return EXIT_SUCCESS;
}
