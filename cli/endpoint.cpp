// SPDX-License-Identifier: MIT
// bpfvlan endpoint add | set | del | list | show
#include <fmt/core.h>

#include <limits>

#include "app.hpp"
#include "rows.hpp"

namespace bpfvlan::cli {
namespace {

CLI::Option* add_learn_age(CLI::App& command, std::uint32_t& age) {
  return command
      .add_option("--learn-age", age,
                  "Seconds after which an unused learned address is free again; default: " +
                      std::to_string(kDefaultLearnAge))
      ->check(CLI::Range(1, std::numeric_limits<std::int32_t>::max()));
}

CLI::Option* add_filter(CLI::App& command, std::optional<bool>& filter) {
  return command
      .add_option_function<std::string>(
          "--filter", [&filter](const std::string& text) { filter = text == "on"; },
          "Whether the parent's rules hold for it; default: on in mode l3s, else off")
      ->check(CLI::IsMember({"on", "off"}))
      ->type_name("on|off");
}

CLI::Option* add_xdp(CLI::App& command, const std::function<void(bool)>& set) {
  return command
      .add_option_function<std::string>(
          "--xdp", [set](const std::string& text) { set(text == "on"); },
          "Whether XDP at the parent hands it its frames, for an XDP program in its namespace; "
          "default: off")
      ->check(CLI::IsMember({"on", "off"}))
      ->type_name("on|off");
}

std::optional<bv_device> device_of(const std::string& text) {
  if (text == "auto") return {};
  return text == "netkit" ? BV_DEVICE_NETKIT : BV_DEVICE_VETH;
}

void add_add(CLI::App& endpoint, App& app) {
  struct Args {
    EndpointRequest request;
    std::vector<std::string> addresses;
    std::string device = "veth";
    bool learn = false;
    std::uint32_t learn_age = kDefaultLearnAge;
  };
  auto args = std::make_shared<Args>();
  auto& r = args->request;
  auto* command = endpoint.add_subcommand("add", "Make an endpoint");
  command->add_option("NAME", r.name)->required();
  command->add_option("--parent", r.parent, "Interface to share")->required();
  command->add_option("--netns", r.netns, "NAME, PATH or PID; default: the parent's namespace");
  command->add_option("--ifname", r.ifname, "Interface in the namespace; default: NAME");
  add_mode(*command, r.mode);
  add_policy(*command, r.policy);
  add_filter(*command, r.filter);
  add_xdp(*command, [args](bool on) { args->request.takes_xdp = on; });
  command->add_option("--address", args->addresses, "CIDR; may be given many times");
  command->add_flag("--default-route", r.default_route, "Of each family that has an address");
  command
      ->add_option("--device", args->device,
                   "netkit (kernels from 6.7), or auto: that where the kernel has it, else veth")
      ->check(CLI::IsMember({"veth", "netkit", "auto"}))
      ->type_name("veth|netkit|auto")
      ->capture_default_str();
  command->add_option("--mtu", r.mtu, "Default: the parent's");
  auto* learn = command->add_flag("--learn", args->learn, "Take over addresses it sends from");
  add_learn_age(*command, args->learn_age)->needs(learn);
  command->callback([&app, args] {
    for (const auto& text : args->addresses) {
      auto address = IpPrefix::parse(text);
      if (!address) throw CLI::ValidationError("--address", address.error().what);
      args->request.addresses.push_back(*address);
    }
    args->request.device = device_of(args->device);
    if (args->learn) args->request.learn_age = args->learn_age;
    app.action = [&app, args]() -> Result<> {
      BV_TRY(auto* control, app.control());
      BV_CHECK(control->add_endpoint(args->request));
      if (args->request.device) return {};
      BV_TRY(const auto made, control->endpoint(args->request.name));
      fmt::print(stderr, "bpfvlan: endpoint '{}' has a {} pair\n", made.name, made.device);
      return {};
    };
  });
}

void add_set(CLI::App& endpoint, App& app) {
  struct Args {
    std::string name;
    std::optional<Mode> mode;
    std::optional<Policy> policy;
    std::optional<bool> filter, takes_xdp;
    std::string learn;
    std::uint32_t learn_age = kDefaultLearnAge;
  };
  auto args = std::make_shared<Args>();
  auto* command = endpoint.add_subcommand("set", "Change an endpoint; the next packet sees it");
  command->add_option("NAME", args->name)->required();
  auto* settings = command->add_option_group("settings");
  add_mode(*settings, args->mode);
  add_policy(*settings, args->policy);
  add_filter(*settings, args->filter);
  add_xdp(*settings, [args](bool on) { args->takes_xdp = on; });
  auto* learn = settings->add_option("--learn", args->learn, "off forgets what was learned")
                    ->check(CLI::IsMember({"on", "off"}));
  auto* age = add_learn_age(*settings, args->learn_age)->needs(learn);
  settings->require_option(1, 0);
  command->callback([&app, args, age] {
    if (args->learn == "off" && *age) throw CLI::ExcludesError("--learn-age", "--learn off");
    std::optional<std::uint32_t> learn_age;
    if (!args->learn.empty()) learn_age = args->learn == "on" ? args->learn_age : 0;
    app.action = [&app, args, learn_age]() -> Result<> {
      BV_TRY(auto* control, app.control());
      return control->set_endpoint(args->name, args->mode, args->policy, learn_age, args->filter,
                                   args->takes_xdp);
    };
  });
}

void add_del(CLI::App& endpoint, App& app) {
  auto name = std::make_shared<std::string>();
  auto* command = endpoint.add_subcommand("del", "Delete an endpoint and its interface");
  command->add_option("NAME", *name)->required();
  command->callback([&app, name] {
    app.action = [&app, name]() -> Result<> {
      BV_TRY(auto* control, app.control());
      return control->delete_endpoint(*name);
    };
  });
}

void add_list(CLI::App& endpoint, App& app) {
  endpoint.add_subcommand("list", "All endpoints, a line each")->callback([&app] {
    app.action = [&app]() -> Result<> {
      BV_TRY(auto* control, app.control());
      BV_TRY(const auto endpoints, control->endpoints());
      app.output.table(to_rows(endpoints), endpoint_columns());
      return {};
    };
  });
}

void add_show(CLI::App& endpoint, App& app) {
  auto name = std::make_shared<std::string>();
  auto* command = endpoint.add_subcommand("show", "Everything about one endpoint, or all");
  command->add_option("NAME", *name);
  command->callback([&app, name] {
    app.action = [&app, name]() -> Result<> {
      BV_TRY(auto* control, app.control());
      std::vector<EndpointInfo> endpoints;
      if (name->empty()) {
        BV_TRY(endpoints, control->endpoints());
      } else {
        BV_TRY(auto one, control->endpoint(*name));
        endpoints.push_back(std::move(one));
      }
      app.output.details(to_rows(endpoints));
      return {};
    };
  });
}

}  // namespace

void add_endpoint(CLI::App& cli, App& app) {
  auto* endpoint = cli.add_subcommand("endpoint", "Interfaces in namespaces that share a parent");
  endpoint->require_subcommand(1);
  add_add(*endpoint, app);
  add_set(*endpoint, app);
  add_del(*endpoint, app);
  add_list(*endpoint, app);
  add_show(*endpoint, app);
}

}  // namespace bpfvlan::cli
