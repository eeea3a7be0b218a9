// SPDX-License-Identifier: MIT
// One description of what a command prints, as a table for people or as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

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

}  // namespace bpfvlan::cli
