// SPDX-License-Identifier: MIT
// bpfvlan hairpin attach | detach | list DEV
#include "bpfvlan/hairpin.hpp"

#include <fmt/core.h>

#include "app.hpp"
#include "rows.hpp"

namespace bpfvlan::cli {
namespace {

void add_attach_port(CLI::App& object, App& app) {
  struct Args {
    std::string device, xdp = "auto";
    std::vector<std::string> addresses;
  };
  auto args = std::make_shared<Args>();
  auto* command = object.add_subcommand("attach", "Send back what is for the sender's own side");
  command->add_option("DEV", args->device, "Interface at the other end of the wire")->required();
  command->add_option("--xdp", args->xdp, "auto, native, generic or off")
      ->check(CLI::IsMember({"auto", "native", "generic", "off"}));
  command->add_option("--address", args->addresses,
                      "CIDR behind DEV, sent back if it comes to DEV's MAC address; may be given "
                      "many times, and takes the place of those given before");
  command->callback([&app, args] {
    HairpinRequest request{.device = args->device};
    for (const auto mode : {BV_XDP_OFF, BV_XDP_GENERIC, BV_XDP_NATIVE})
      if (args->xdp == to_string(mode)) request.xdp = mode;
    for (const auto& text : args->addresses) {
      auto address = IpPrefix::parse(text);
      if (!address) throw CLI::ValidationError("--address", address.error().what);
      if (!request.addresses) request.addresses.emplace();
      request.addresses->push_back(*address);
    }
    app.action = [&app, request]() -> Result<> {
      BV_TRY(auto* control, app.control());
      BV_TRY(const auto notes, control->attach_hairpin(request));
      for (const auto& note : notes) fmt::print(stderr, "bpfvlan: {}\n", note);
      return {};
    };
  });
}

void add_detach_port(CLI::App& object, App& app) {
  auto device = std::make_shared<std::string>();
  auto* command = object.add_subcommand("detach", "The reverse");
  command->add_option("DEV", *device)->required();
  command->callback([&app, device] {
    app.action = [&app, device]() -> Result<> {
      BV_TRY(auto* control, app.control());
      return control->detach_hairpin(*device);
    };
  });
}

void add_list(CLI::App& object, App& app) {
  auto device = std::make_shared<std::string>();
  auto* command = object.add_subcommand("list", "Ports, with what became of their frames");
  command->add_option("DEV", *device);
  command->callback([&app, device] {
    app.action = [&app, device]() -> Result<> {
      BV_TRY(auto* control, app.control());
      BV_TRY(const auto ports,
             control->hairpins(device->empty() ? std::nullopt : std::optional(*device)));
      app.output.details(to_rows(ports));
      return {};
    };
  });
}

}  // namespace

void add_hairpin(CLI::App& cli, App& app) {
  auto* object = cli.add_subcommand(
      "hairpin", "Ports at the other end of a vepa parent's wire, which send frames back");
  object->require_subcommand(1);
  add_attach_port(*object, app);
  add_detach_port(*object, app);
  add_list(*object, app);
}

}  // namespace bpfvlan::cli
