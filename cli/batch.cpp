// SPDX-License-Identifier: MIT
// bpfvlan -b FILE: a command a line, as `ip -batch`: '#' starts a comment, the first failure ends
// it, and what was done before it stays done.
#include <fmt/core.h>

#include <fstream>
#include <iostream>

#include "app.hpp"

namespace bpfvlan::cli {
namespace {

// A '#' in quotes is none: rules have comments of their own.
std::size_t comment_start(const std::string& line) {
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'' || c == '`') {
      quote = c;
    } else if (c == '#') {
      return i;
    }
  }
  return line.size();
}

std::string without_comment(std::string line) {
  line.erase(comment_start(line));
  line.erase(0, line.find_first_not_of(" \t"));
  line.erase(line.find_last_not_of(" \t\r") + 1);
  return line;
}

Result<> run_line(App& app, const std::string& line) {
  CLI::App cli("", "bpfvlan");
  cli.require_subcommand(1);
  add_commands(cli, app);
  app.action = nullptr;
  try {
    cli.parse(line);
  } catch (const CLI::ParseError& e) {
    return refuse(std::errc::invalid_argument, e.what());
  }
  return app.action ? app.action() : Result<>{};
}

}  // namespace

Result<> run_batch(App& app, const std::string& file) {
  std::ifstream from_file;
  if (file != "-") {
    from_file.open(file);
    if (!from_file) return fail(errno, fmt::format("batch file '{}'", file));
  }
  std::istream& in = file == "-" ? std::cin : from_file;
  unsigned number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const auto command = without_comment(line);
    if (command.empty()) continue;
    auto done = run_line(app, command);
    if (done) continue;
    auto error = done.error();
    error.what = fmt::format("{}:{}: {}", file, number, error.what);
    return tl::unexpected(error);
  }
  if (in.bad()) return fail(EIO, fmt::format("batch file '{}'", file));
  return {};
}

}  // namespace bpfvlan::cli
