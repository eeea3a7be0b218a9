// SPDX-License-Identifier: MIT
// bpfvlan stats [NAME]
#include "app.hpp"
#include "rows.hpp"

namespace bpfvlan::cli {
namespace {

// Every packet has one verdict; notes are of something beside it, and add up to nothing.
void show_reasons(const Output& output, const Rows& rows) {
  const std::vector<Column> columns = {{"REASON", "reason"},
                                       {"ACTION", "action"},
                                       {"PACKETS", "packets", true},
                                       {"BYTES", "bytes", true},
                                       {"MEANING", "text"}};
  if (output.wants_json()) return output.table(rows, columns);
  Rows verdicts = Rows::array(), notes = Rows::array();
  for (const auto& row : rows)
    (row.at("action") == to_string(BV_NOTE) ? notes : verdicts).push_back(row);
  output.table(verdicts, columns);
  output.line("");
  output.table(notes, {{"NOTE", "reason"},
                       {"PACKETS", "packets", true},
                       {"BYTES", "bytes", true},
                       {"MEANING", "text"}});
}

}  // namespace

void add_stats(CLI::App& cli, App& app) {
  auto name = std::make_shared<std::string>();
  auto* command = cli.add_subcommand(
      "stats", "What became of packets, by reason; or of one endpoint's, by direction");
  command->add_option("NAME", *name, "Endpoint");
  command->callback([&app, name] {
    app.action = [&app, name]() -> Result<> {
      BV_TRY(auto* control, app.control());
      if (name->empty()) {
        BV_TRY(const auto reasons, control->reasons());
        show_reasons(app.output, to_rows(reasons));
        return {};
      }
      BV_TRY(auto one, control->endpoint(*name));
      app.output.table(to_rows(std::vector{std::move(one)}), {{"NAME", "name"},
                                                              {"RX-PKTS", "rx_packets", true},
                                                              {"RX-BYTES", "rx_bytes", true},
                                                              {"TX-PKTS", "tx_packets", true},
                                                              {"TX-BYTES", "tx_bytes", true},
                                                              {"TX-DROPPED", "tx_dropped", true}});
      return {};
    };
  });
}

}  // namespace bpfvlan::cli
