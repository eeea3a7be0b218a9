// SPDX-License-Identifier: MIT
#include "output.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace bpfvlan::cli {
namespace {

std::string cell(const nlohmann::ordered_json& value);

// The first value is what it is; the others say more of it: 192.0.2.7 (unused_seconds 12).
std::string object_cell(const nlohmann::ordered_json& object) {
  std::string more, text;
  for (const auto& item : object.items()) {
    if (text.empty()) {
      text = cell(item.value());
    } else {
      more += fmt::format("{}{} {}", more.empty() ? "" : ", ", item.key(), cell(item.value()));
    }
  }
  return more.empty() ? text : fmt::format("{} ({})", text, more);
}

std::string cell(const nlohmann::ordered_json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>().empty() ? "-" : value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_object()) return object_cell(value);
  if (!value.is_array()) return value.dump();
  std::string joined;
  for (const auto& item : value) joined += (joined.empty() ? "" : ",") + cell(item);
  return joined.empty() ? "-" : joined;
}

// Names come from users and may be any bytes; what is no UTF-8 is shown as U+FFFD.
std::string dump(const nlohmann::ordered_json& json, bool pretty) {
  return json.dump(pretty ? 2 : -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Result<> write(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size()) return {};
  return fail(errno, "standard output");
}

}  // namespace

void Output::print_json(const nlohmann::ordered_json& rows) const {
  fmt::print("{}\n", dump(rows, pretty));
}

Result<> RowStream::add(const nlohmann::ordered_json& row) {
  std::string text = first_ ? "[" : ",";
  first_ = false;
  if (!pretty_) return write(text + dump(row, false));
  text += "\n  ";
  for (const char c : dump(row, true)) text += c == '\n' ? "\n  " : std::string(1, c);
  return write(text);
}

Result<> RowStream::end() {
  if (first_) return write("[]\n");
  return write(pretty_ ? "\n]\n" : "]\n");
}

void Output::table(const nlohmann::ordered_json& rows, const std::vector<Column>& columns) const {
  if (wants_json()) return print_json(rows);
  std::vector<std::vector<std::string>> lines(1);
  for (const auto& column : columns) lines[0].push_back(column.header);
  for (const auto& row : rows) {
    auto& line = lines.emplace_back();
    for (const auto& column : columns) line.push_back(cell(row.at(column.key)));
  }
  std::vector<std::size_t> widths(columns.size(), 0);
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      text += i ? "  " : "";
      text += columns[i].right_align ? fmt::format("{:>{}}", line[i], widths[i])
                                     : fmt::format("{:<{}}", line[i], widths[i]);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    fmt::print("{}\n", text);
  }
}

void Output::line(const std::string& text) const {
  if (!wants_json()) fmt::print("{}\n", text);
}

void Output::details(const nlohmann::ordered_json& rows) const {
  if (wants_json()) return print_json(rows);
  bool first = true;
  for (const auto& row : rows) {
    if (!first) fmt::print("\n");
    first = false;
    std::size_t width = 0;
    for (const auto& item : row.items()) width = std::max(width, item.key().size());
    for (const auto& item : row.items())
      fmt::print("{:<{}}  {}\n", item.key() + ":", width + 1, cell(item.value()));
  }
}

}  // namespace bpfvlan::cli
