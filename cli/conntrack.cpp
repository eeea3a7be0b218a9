// SPDX-License-Identifier: MIT
// bpfvlan conntrack list | count | delete | flush | stats
#include <fmt/core.h>

#include <cstdio>

#include "app.hpp"
#include "conntrack_line.hpp"
#include "progress.hpp"

namespace bpfvlan::cli {
namespace {

struct Selection {
  std::optional<std::string> parent;
  ConnectionFilter filter;
};

void add_parent(CLI::App& command, std::optional<std::string>& parent) {
  command.add_option("--parent", parent, "Its connections alone");
}

CLI::App* add_selection(CLI::App& command, Selection& s) {
  add_parent(command, s.parent);
  auto& f = s.filter;
  auto* filters = command.add_option_group("filters", "Of the original direction");
  add_parsed(*filters, "-s,--src", f.src, AddressRange::parse, "Source: ADDRESS[/LENGTH]");
  add_parsed(*filters, "-d,--dst", f.dst, AddressRange::parse, "Destination: ADDRESS[/LENGTH]");
  add_parsed(*filters, "-p,--proto", f.protocol, parse_protocol, "Protocol: name or number");
  filters->add_option("--sport", f.sport, "Source port")->check(CLI::Range(0, 65535));
  filters->add_option("--dport", f.dport, "Destination port")->check(CLI::Range(0, 65535));
  filters->add_option("--icmp-type", f.icmp_type, "Of a query")->check(CLI::Range(0, 255));
  filters->add_option("--icmp-id", f.icmp_id, "Of a query")->check(CLI::Range(0, 65535));
  add_parsed(*filters, "--state", f.state, parse_tcp_state, "TCP's: ESTABLISHED and so on");
  filters->add_option("--endpoint", f.endpoint, "Of this endpoint's addresses");
  return filters;
}

// The lock is given back before anything is read: others need not wait for a million lines.
Result<Conntrack> open_table(App& app, const Selection& s) {
  BV_TRY(auto* control, app.control());
  BV_TRY(auto table, control->conntrack(s.parent, s.filter.endpoint));
  app.release_control();
  return table;
}

// Prints connections as they come.
class Printer {
 public:
  Printer(const Output& output, bool extended) : extended_(extended) {
    if (output.wants_json()) rows_.emplace(output);
  }

  Result<> print(const Connection& c) {
    if (rows_) return rows_->add(to_row(c));
    append_line(buffer_, c, extended_);
    return buffer_.size() < kFlushAt ? Result<>{} : flush();
  }

  Result<> end() { return rows_ ? rows_->end() : flush(); }

 private:
  static constexpr std::size_t kFlushAt = 1 << 16;

  Result<> flush() {
    if (std::fwrite(buffer_.data(), 1, buffer_.size(), stdout) != buffer_.size())
      return fail(errno, "standard output");
    buffer_.clear();
    return {};
  }

  bool extended_;
  std::optional<RowStream> rows_;
  fmt::memory_buffer buffer_;
};

void say(std::uint64_t connections, const char* what_happened) {
  std::fflush(stdout);
  fmt::print(stderr, "bpfvlan: {} flow entries have been {}.\n", connections, what_happened);
}

struct ListArgs {
  Selection selection;
  bool extended = false;
};

// As conntrack has it; more output formats may follow.
void add_output(CLI::App& command, ListArgs& args) {
  command
      .add_option_function<std::string>(
          "-o,--output", [&args](const std::string&) { args.extended = true; },
          "extended: with the address family")
      ->check(CLI::IsMember({"extended"}));
}

void add_list(CLI::App& conntrack, App& app) {
  auto args = std::make_shared<ListArgs>();
  auto* command = conntrack.add_subcommand("list", "Connections, as `conntrack -L` prints them");
  add_selection(*command, args->selection);
  add_output(*command, *args);
  command->callback([&app, args] {
    app.action = [&app, args]() -> Result<> {
      BV_TRY(const auto table, open_table(app, args->selection));
      Printer printer(app.output, args->extended);
      std::uint64_t shown = 0;
      {
        Progress progress("reading the connection table", true);
        BV_TRY(shown,
               table.list(
                   args->selection.filter, [&](const Connection& c) { return printer.print(c); },
                   [&](double part) { progress(part); }));
      }
      BV_CHECK(printer.end());
      say(shown, "shown");
      return {};
    };
  });
}

void add_delete(CLI::App& conntrack, App& app) {
  auto args = std::make_shared<ListArgs>();
  auto* command = conntrack.add_subcommand("delete", "Forget those that all filters match");
  add_selection(*command, args->selection)->require_option(1, 0);
  add_output(*command, *args);
  command->callback([&app, args] {
    app.action = [&app, args]() -> Result<> {
      BV_TRY(const auto table, open_table(app, args->selection));
      Printer printer(app.output, args->extended);
      std::uint64_t gone = 0;
      {
        Progress progress("deleting connections", true);
        BV_TRY(gone,
               table.erase(
                   args->selection.filter, [&](const Connection& c) { return printer.print(c); },
                   [&](double part) { progress(part); }));
      }
      BV_CHECK(printer.end());
      say(gone, "deleted");
      return {};
    };
  });
}

void add_count(CLI::App& conntrack, App& app) {
  auto selection = std::make_shared<Selection>();
  auto* command = conntrack.add_subcommand("count", "How many connections there are");
  add_selection(*command, *selection);
  command->callback([&app, selection] {
    app.action = [&app, selection]() -> Result<> {
      BV_TRY(const auto table, open_table(app, *selection));
      std::uint64_t count = 0;
      {
        Progress progress("counting connections", false);
        BV_TRY(count, table.list(
                          selection->filter, [](const Connection&) { return Result<>{}; },
                          [&](double part) { progress(part); }));
      }
      app.output.line(std::to_string(count));
      if (app.output.wants_json())
        app.output.table(
            Rows::array({{{"count", count}, {"max_connections", table.max_connections()}}}), {});
      return {};
    };
  });
}

void add_flush(CLI::App& conntrack, App& app) {
  auto selection = std::make_shared<Selection>();
  auto* command = conntrack.add_subcommand("flush", "Forget all connections");
  add_parent(*command, selection->parent);
  command->callback([&app, selection] {
    app.action = [&app, selection]() -> Result<> {
      BV_TRY(const auto table, open_table(app, *selection));
      BV_TRY(const auto gone, table.flush());
      say(gone, "deleted");
      return {};
    };
  });
}

void add_stats_of_table(CLI::App& conntrack, App& app) {
  conntrack.add_subcommand("stats", "What the table was asked for, since the first attach")
      ->callback([&app] {
        app.action = [&app]() -> Result<> {
          BV_TRY(const auto table, open_table(app, {}));
          BV_TRY(const auto counters, table.stats());
          Rows row = Rows::object();
          for (const auto& c : counters) row[std::string(c.name)] = c.value;
          row["max_connections"] = table.max_connections();
          app.output.table(Rows::array({row}), {{"FOUND", "found", true},
                                                {"NEW", "new", true},
                                                {"INVALID", "invalid", true},
                                                {"FULL", "full", true},
                                                {"EARLY-DROPPED", "early_dropped", true},
                                                {"MAX-CONNECTIONS", "max_connections", true}});
          return {};
        };
      });
}

}  // namespace

void add_conntrack(CLI::App& cli, App& app) {
  auto* conntrack = cli.add_subcommand("conntrack", "Connections of endpoints that are filtered");
  conntrack->require_subcommand(1);
  add_list(*conntrack, app);
  add_count(*conntrack, app);
  add_delete(*conntrack, app);
  add_flush(*conntrack, app);
  add_stats_of_table(*conntrack, app);
  add_conntrack_settings(*conntrack, app);
}

}  // namespace bpfvlan::cli
