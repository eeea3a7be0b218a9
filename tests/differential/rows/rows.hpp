// SPDX-License-Identifier: MIT
// The driver's behaviour, row by row as behaviour.md has it, and what we do there. From this
// docs/semantics.md is made; the judge fails if a row is not as it says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bpfvlan/types.hpp"

namespace bpfvlan::test {

enum class Status {
  Same,         // compared by the judge, or by the suite of `test` on both engines, and alike
  Different,    // on purpose: the judge sees the difference, and nothing else
  NotCompared,  // the mode is not there yet
  Absent,       // nothing to compare in this mode
};

struct Cell {
  Status status = Status::Absent;
  const char* driver = "";  // what the driver does, if the row's modes differ in it
  const char* why = "";     // we differ
  const char* test = "";    // SUITE: NAME; a difference's may be the judge itself
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
// The whole page.
std::string semantics_page();

}  // namespace bpfvlan::test
