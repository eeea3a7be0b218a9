// SPDX-License-Identifier: MIT
// What rows may cost, from a file: {"paths": [{NAMES OF A ROW..., "peer", "at_most", "because"}]}.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bpfvlan/result.hpp"
#include "path_rows.hpp"

namespace bpfvlan::test {

struct Bound {
  nlohmann::json names;  // of its row
  std::string peer;
  double at_most = 0;  // times ipvlan's
  std::string because;
};

Result<std::vector<Bound>> read_bounds(const std::string& path);

// The rows that have bounds. A bound without a row is an error.
Result<std::vector<Row>> rows_with(const std::vector<Bound>& bounds);

// A sentence for each that the results break. A bound that was not measured is an error.
Result<std::vector<std::string>> broken(const std::vector<Bound>& bounds,
                                        const nlohmann::json& results);

}  // namespace bpfvlan::test
