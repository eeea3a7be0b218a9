// SPDX-License-Identifier: MIT
// The filter's part of the world: rules, connections, and what is counted of both.
#pragma once

#include <cstdint>
#include <vector>

#include "bpfvlan/schema.h"
#include "world.hpp"

namespace bpfvlan::test {

// The rules of the world in the maps, no connections, the default settings.
void install_filter(const World& world, Programs& programs);

// Index into `rule_counts` of a rule that World has, and of the policy.
std::uint32_t rule_counter(bv_chain chain, std::size_t rule);
std::uint32_t policy_counter(bv_chain chain);

// With connections of nobody that live for five days, of this bv_conn.status_state.
enum class FillTable { kAllPlaces, kFreePlaces };
void fill_table(Programs& programs, std::uint8_t status, FillTable places = FillTable::kAllPlaces);

// What of the table counts still, set by set.
std::vector<bv_conn> connections(const Programs& programs);

}  // namespace bpfvlan::test
