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

inline constexpr Cell none{};
constexpr Cell same(const char* driver) {
  return {Status::Same, driver, "", ""};
}
constexpr Cell later(const char* driver) {
  return {Status::NotCompared, driver, "", ""};
}
constexpr Cell differs(const char* driver, const char* why, const char* test) {
  return {Status::Different, driver, why, test};
}
// The judge has no means to play it: the test shows what is ours.
constexpr Cell differs_unplayed(const char* driver, const char* why, const char* test) {
  return {Status::Different, driver, why, test, false};
}

}  // namespace bpfvlan::test
