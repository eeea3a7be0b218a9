// SPDX-License-Identifier: MIT
// bpfvlan stats [NAME]
#include "app.hpp"
#include "rows.hpp"

namespace bpfvlan::cli {

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
        app.output.table(to_rows(reasons), {{"REASON", "reason"},
                                            {"ACTION", "action"},
                                            {"PACKETS", "packets", true},
                                            {"BYTES", "bytes", true},
                                            {"MEANING", "text"}});
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
