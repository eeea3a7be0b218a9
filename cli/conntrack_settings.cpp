// SPDX-License-Identifier: MIT
// bpfvlan conntrack settings | set
#include "app.hpp"
#include "rows.hpp"

namespace bpfvlan::cli {
namespace {

void add_settings(CLI::App& conntrack, App& app) {
  conntrack.add_subcommand("settings", "Time-outs in seconds, and switches")->callback([&app] {
    app.action = [&app]() -> Result<> {
      BV_TRY(auto* control, app.control());
      BV_TRY(const auto settings, control->conntrack_settings());
      Rows rows = Rows::array();
      for (const auto& s : settings)
        rows.push_back({{"name", s.name}, {"value", s.value}, {"default", s.default_value}});
      app.output.table(rows,
                       {{"NAME", "name"}, {"VALUE", "value", true}, {"DEFAULT", "default", true}});
      return {};
    };
  });
}

void add_set(CLI::App& conntrack, App& app) {
  auto changes = std::make_shared<std::vector<ConntrackChange>>();
  auto* command =
      conntrack.add_subcommand("set", "Change settings: all that are given, or none of them");
  command
      ->add_option_function<std::vector<std::string>>(
          "NAME=VALUE",
          [changes](const std::vector<std::string>& texts) {
            for (const auto& text : texts) {
              auto change = ConntrackChange::parse(text);
              if (!change) throw CLI::ValidationError("NAME=VALUE", change.error().what);
              changes->push_back(std::move(*change));
            }
          },
          "A name that `settings` lists")
      ->required();
  command->callback([&app, changes] {
    app.action = [&app, changes]() -> Result<> {
      BV_TRY(auto* control, app.control());
      return control->set_conntrack(*changes);
    };
  });
}

}  // namespace

void add_conntrack_settings(CLI::App& conntrack, App& app) {
  add_settings(conntrack, app);
  add_set(conntrack, app);
}

}  // namespace bpfvlan::cli
