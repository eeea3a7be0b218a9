// SPDX-License-Identifier: MIT
#include "rows/rows.hpp"

#include <algorithm>

#include "rows/rows_list.hpp"

namespace bpfvlan::test {

const Rows& rows() {
  static const Rows all = [] {
    Rows list;
    for (auto* add : {add_object_rows, add_rx_rows, add_xmit_rows, add_broken_rows, add_flow_rows,
                      add_event_rows, add_stateful_rows})
      add(list);
    for (auto& row : list)
      if (row.l3s.status == Status::AsL3) row.l3s = row.l3;
    return list;
  }();
  return all;
}

const Row* find_row(std::string_view id) {
  const auto it =
      std::find_if(rows().begin(), rows().end(), [&](const Row& r) { return r.id == id; });
  return it == rows().end() ? nullptr : &*it;
}

const Cell& cell_of(const Row& row, Mode mode) {
  switch (mode) {  // a mode that is added does not compile without its case
    case BV_MODE_L2:
      return row.l2;
    case BV_MODE_L3:
      return row.l3;
    case BV_MODE_L3S:
      return row.l3s;
  }
  static constexpr Cell absent{};
  return absent;
}

bool must_be_compared(const Row& row, Mode mode, Policy policy) {
  const auto& cell = cell_of(row, mode);
  const bool can_be = cell.status == Status::Same || cell.status == Status::Different;
  return can_be && cell.played && (cell.policies >> policy & 1);
}

}  // namespace bpfvlan::test
