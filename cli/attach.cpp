// SPDX-License-Identifier: MIT
// bpfvlan attach | detach PARENT, upgrade
#include <fmt/core.h>

#include "app.hpp"

namespace bpfvlan::cli {
namespace {

void add_detach(CLI::App& cli, App& app) {
  struct Args {
    std::string parent;
    bool force = false, keep_state = false;
  };
  auto args = std::make_shared<Args>();
  auto* command = cli.add_subcommand("detach", "Take a parent back from its endpoints");
  command->add_option("PARENT", args->parent, "Interface")->required();
  command->add_flag("--force", args->force, "Delete its endpoints");
  command->add_flag("--keep-state", args->keep_state,
                    "Keep its rules and connections for when it is attached again");
  command->callback([&app, args] {
    app.action = [&app, args]() -> Result<> {
      BV_TRY(auto* control, app.control());
      return control->detach(args->parent, args->force, args->keep_state);
    };
  });
}

void add_upgrade(CLI::App& cli, App& app) {
  auto* command = cli.add_subcommand(
      "upgrade", "Replace the running programs by this version's; connections go on");
  command->callback([&app] {
    app.action = [&app]() -> Result<> {
      BV_TRY(auto* control, app.control());
      return control->upgrade();
    };
  });
}

}  // namespace

void add_attach(CLI::App& cli, App& app) {
  auto request = std::make_shared<AttachRequest>();
  auto* command = cli.add_subcommand("attach", "Make an interface the parent of endpoints");
  command->add_option("PARENT", request->parent, "Interface")->required();
  add_mode(*command, request->mode);
  add_policy(*command, request->policy);
  command
      ->add_option_function<std::string>(
          "--xdp",
          [request](const std::string& text) {
            for (const auto mode : {BV_XDP_OFF, BV_XDP_GENERIC, BV_XDP_NATIVE})
              if (text == to_string(mode)) request->xdp = mode;
          },
          "XDP in front: native (the driver's), generic, or off, the default")
      ->check(CLI::IsMember({"off", "native", "generic"}))
      ->type_name("off|native|generic");
  command->add_option("--max-endpoints", request->max_endpoints, "Of all parents together")
      ->check(CLI::Range(1, BV_MAX_ENDPOINTS));
  // The bound: what a 64-bit machine's kernel can allocate in one map.
  command->add_option("--max-addresses", request->max_addresses, "Likewise, of each family")
      ->check(CLI::Range(1, 1 << 24));
  command
      ->add_option("--max-connections", request->max_connections,
                   "Of all parents together; rounded up to a power of two")
      ->check(CLI::Range(BV_MIN_CONNECTIONS, BV_MAX_CONNECTIONS));
  command->callback([&app, request] {
    app.action = [&app, request]() -> Result<> {
      BV_TRY(auto* control, app.control());
      BV_CHECK(control->attach(*request));
      if (!request->xdp) return {};
      BV_TRY(const auto notes, control->xdp_notes(request->parent));
      for (const auto& note : notes) fmt::print(stderr, "bpfvlan: {}\n", note);
      return {};
    };
  });
  add_detach(cli, app);
  add_upgrade(cli, app);
}

}  // namespace bpfvlan::cli
