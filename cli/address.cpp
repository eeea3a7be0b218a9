// SPDX-License-Identifier: MIT
// bpfvlan address add | del NAME CIDR
#include "app.hpp"

namespace bpfvlan::cli {
namespace {

using Operation = Result<> (Control::*)(const std::string&, const IpPrefix&);

void add_verb(CLI::App& object, App& app, const char* verb, const char* help, Operation operation) {
  struct Args {
    std::string name, cidr;
  };
  auto args = std::make_shared<Args>();
  auto* command = object.add_subcommand(verb, help);
  command->add_option("NAME", args->name, "Endpoint")->required();
  command->add_option("CIDR", args->cidr, "ADDRESS or ADDRESS/LENGTH")->required();
  command->callback([&app, args, operation] {
    const auto address = IpPrefix::parse(args->cidr);
    if (!address) throw CLI::ValidationError("CIDR", address.error().what);
    app.action = [&app, args, operation, address = *address]() -> Result<> {
      BV_TRY(auto* control, app.control());
      return (control->*operation)(args->name, address);
    };
  });
}

}  // namespace

void add_address(CLI::App& cli, App& app) {
  auto* object = cli.add_subcommand("address", "Addresses of endpoints");
  object->require_subcommand(1);
  add_verb(*object, app, "add", "On the interface, and to be found by", &Control::add_address);
  add_verb(*object, app, "del", "The reverse", &Control::delete_address);
}

}  // namespace bpfvlan::cli
