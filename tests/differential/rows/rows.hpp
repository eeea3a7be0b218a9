// SPDX-License-Identifier: MIT
// The driver's behaviour, row by row as behaviour.md has it, and what we do there. From this
// docs/semantics.md is made; the judge fails if a row is not as it says.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "bpfvlan/types.hpp"

namespace bpfvlan::test {

enum class Status {
  Same,       // compared and alike
  Different,  // on purpose: the judge sees the difference, and nothing else
  AsL3,       // stands for the cell of mode l3, until the table is whole
  Absent,     // nothing to compare in this mode
};

struct Cell {
  Status status = Status::Absent;
  const char* driver = "";  // what the driver does, if the row's modes differ in it
  const char* why = "";     // we differ
  const char* test = "";    // SUITE: NAME; of a difference, and "judge: ID" is the row itself
  // Whether the judge plays it: if not, the test stands for our side alone.
  bool played = true;
  unsigned policies = ~0U;  // those with which there is something to compare, as bits

  // An endpoint on a netkit pair may do as the driver does.
  bool or_alike_by_netkit = false;
  constexpr Cell may_be_alike_by_netkit() const {
    Cell cell = *this;
    cell.or_alike_by_netkit = true;
    return cell;
  }

  constexpr Cell with(std::initializer_list<Policy> some) const {
    Cell cell = *this;
    cell.policies = 0;
    for (const auto policy : some) cell.policies |= 1U << policy;
    return cell;
  }
};

struct Row {
  const char* id;
  const char* section;  // of docs/semantics.md
  const char* what;     // a Markdown sentence or a kind of frame
  Cell l2, l3, l3s;
};

using Rows = std::vector<Row>;

const Rows& rows();
const Row* find_row(std::string_view id);
const Cell& cell_of(const Row& row, Mode mode);
// Whether a run of the judge with these must have compared the row.
bool must_be_compared(const Row& row, Mode mode, Policy policy);
// The whole page.
std::string semantics_page();

}  // namespace bpfvlan::test
