// SPDX-License-Identifier: MIT
// The filter: a program of its own, and maps that only it needs, pinned beside the others by the
// first command that wants something filtered.
#pragma once

#include <string>
#include <vector>

#include "bpf_map.hpp"
#include "bpfvlan/schema.h"
#include "pinned_object.hpp"
#include "rules_map.hpp"

namespace bpfvlan {

inline constexpr auto kFilter = "bv_filter";
inline constexpr auto kFilters = "filters";  // the map by which bv_rx and bv_xmit call it

struct FilterMaps {
  RulesMap rules;
  BpfMap<std::uint32_t, bv_rule_count> rule_counts;
  BpfMap<std::uint32_t, bv_ct_settings> ct_settings;

  static Result<FilterMaps> open(const std::string& dir);
};

bool filter_loaded(const std::string& dir);
// With the maps that are pinned at `dir` already; what a killed process left of it goes first.
Result<> load_filter(const std::string& dir, const bv_meta& meta);

// The programs anew, with the maps that are there.
Result<std::vector<NewProgram>> reload_filter(const std::string& dir, const bv_meta& meta);

}  // namespace bpfvlan
