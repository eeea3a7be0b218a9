// SPDX-License-Identifier: MIT
// bpfvlan feature | version
#include "bpfvlan/features.hpp"

#include "app.hpp"
#include "bpfvlan/schema.h"
#include "bpfvlan/version.hpp"
#include "rows.hpp"

namespace bpfvlan::cli {
namespace {

Result<> show_features(const Output& output) {
  BV_TRY(const auto features, probe_features());
  Rows rows = Rows::array();
  for (const auto& f : features)
    rows.push_back({{"feature", f.name},
                    {"present", f.present},
                    {"since", f.since},
                    {"kernel", kernel_release()},
                    {"without", f.without}});
  output.table(
      rows,
      {{"FEATURE", "feature"}, {"HERE", "present"}, {"SINCE", "since"}, {"WITHOUT IT", "without"}});
  return {};
}

Result<> show_version(const Output& output) {
  const Rows rows = Rows::array({{{"version", kVersion},
                                  {"schema_version", BV_SCHEMA_VERSION},
                                  {"kernel", kernel_release()}}});
  output.table(rows, {{"BPFVLAN", "version"}, {"SCHEMA", "schema_version"}, {"KERNEL", "kernel"}});
  return {};
}

}  // namespace

void add_feature(CLI::App& cli, App& app) {
  cli.add_subcommand("feature", "What this kernel has, and what each lack costs")->callback([&app] {
    app.action = [&app] { return show_features(app.output); };
  });
  cli.add_subcommand("version", "Of this program and its maps")->callback([&app] {
    app.action = [&app] { return show_version(app.output); };
  });
}

}  // namespace bpfvlan::cli
