// SPDX-License-Identifier: MIT
// What a packet costs where the parent has many endpoints, or endpoints have many addresses.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>

#include "network.hpp"
#include "path_rows.hpp"

namespace bpfvlan::test {

using Measure = std::function<Result<double>(const Network&, const Row&)>;

// Mode l3, UDP and IPv4: each peer's cost, and how many times that with nobody else there it is.
// `endpoints`: how many are many; 3 at least.
Result<nlohmann::json> measure_scale(const Measure& measure, unsigned endpoints);

}  // namespace bpfvlan::test
