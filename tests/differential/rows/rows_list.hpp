// SPDX-License-Identifier: MIT
// The parts of the table, by what they are about, and the words they are written in.
#pragma once

#include "rows/rows.hpp"

namespace bpfvlan::test {

void add_object_rows(Rows& all);
void add_rx_rows(Rows& all);
void add_xmit_rows(Rows& all);
void add_broken_rows(Rows& all);  // from an endpoint, and none that a stack would send
void add_flow_rows(Rows& all);
void add_event_rows(Rows& all);
void add_stateful_rows(Rows& all);  // connection tracking and rules of mode l3s

inline constexpr Cell none{};
constexpr Cell same(const char* driver) {
  return {Status::Same, driver, "", ""};
}
// Mode l3s: the cell of mode l3.
inline constexpr Cell as_l3{.status = Status::AsL3};
constexpr Cell differs(const char* driver, const char* why, const char* test) {
  return {Status::Different, driver, why, test};
}
// The judge has no means to play it: the test shows what is ours.
constexpr Cell differs_unplayed(const char* driver, const char* why, const char* test) {
  return {Status::Different, driver, why, test, false};
}

}  // namespace bpfvlan::test
