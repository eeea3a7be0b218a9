// SPDX-License-Identifier: MIT
// One description of what a command prints, as a table for people or as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bpfvlan/result.hpp"

namespace bpfvlan::cli {

struct Column {
  std::string header;
  std::string key;           // of the row's JSON object
  bool right_align = false;  // numbers
};

class Output {
 public:
  bool json = false;
  bool pretty = false;  // implies json

  bool wants_json() const { return json || pretty; }
  // Rows: an array of objects. The table shows only the columns, JSON everything.
  void table(const nlohmann::ordered_json& rows, const std::vector<Column>& columns) const;
  void line(const std::string& text) const;  // for people alone
  // One block of "key: value" lines per object.
  void details(const nlohmann::ordered_json& rows) const;

 private:
  void print_json(const nlohmann::ordered_json& rows) const;
};

// JSON like Output's, of rows that are too many to have at once.
class RowStream {
 public:
  explicit RowStream(const Output& output) : pretty_(output.pretty) {}
  Result<> add(const nlohmann::ordered_json& row);
  Result<> end();

 private:
  bool pretty_;
  bool first_ = true;
};

}  // namespace bpfvlan::cli
