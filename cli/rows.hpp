// SPDX-License-Identifier: MIT
// The library's answers as JSON objects; their keys are part of the interface (README, "JSON").
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "bpfvlan/hairpin.hpp"
#include "bpfvlan/types.hpp"
#include "output.hpp"

namespace bpfvlan::cli {

// Keys keep the order in which they are written.
using Rows = nlohmann::ordered_json;

Rows to_rows(const std::vector<EndpointInfo>& endpoints);
Rows to_rows(const std::vector<ReasonInfo>& reasons);
Rows to_rows(const std::vector<HairpinInfo>& ports);

// Of `endpoint list`.
std::vector<Column> endpoint_columns();

}  // namespace bpfvlan::cli
