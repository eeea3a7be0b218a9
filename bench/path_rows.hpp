// SPDX-License-Identifier: MIT
// What bv_bench_paths measures: each mode, path and kind of traffic is a row.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "flow.hpp"
#include "network.hpp"

namespace bpfvlan::test {

struct Path {
  const char* name;
  Place (Network::*from)() const;
  Place (Network::*to)() const;
};

// What a peer's network is set to.
struct Setting {
  Mode mode;
  std::optional<unsigned> rules;  // none: no table of rules either
  bool operator==(const Setting& other) const = default;
};

struct Row {
  Setting setting;
  const Path* path;
  int family;
  Traffic traffic;

  nlohmann::json names() const;  // no two rows have the same
};

std::string sentence(const nlohmann::json& names);

std::vector<Row> all_rows();  // those of a setting one after another

}  // namespace bpfvlan::test
