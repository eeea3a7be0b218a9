// SPDX-License-Identifier: MIT
// docs/semantics.md, from the table of rows.
#include <fmt/core.h>

#include "rows/rows.hpp"

namespace bpfvlan::test {
namespace {

constexpr const char* kHead = R"(# Semantics: where we are the kernel's ipvlan, and where not

The driver (`drivers/net/ipvlan/`) is the specification. Each row below is a behaviour of it. The judge
(`tests/differential`) plays the rows on the driver and on ours, side by side in a virtual machine, and
fails if one is not as it stands here; random frames must differ by nothing but the rows marked so.

This page is made by `bv_judge semantics`; a test compares it. Of a difference, the test is the one that
pins what is ours: `judge` is the comparison itself, `netns` is `tests/netns`, `prog` is `tests/prog`. A
row that the judge has no means to play says *not played*: there the driver was read, not compared.
)";

bool differs(const Row& row) {
  return row.l2.status == Status::Different || row.l3.status == Status::Different ||
         row.l3s.status == Status::Different;
}

std::string cell_text(const Cell& cell) {
  switch (cell.status) {
    case Status::Same:
      return fmt::format("{} — **same**", cell.driver);
    case Status::Different:
      return fmt::format("{} — **different**, see below", cell.driver);
    case Status::AsL3:
    case Status::Absent:
      return "–";
  }
  return "";
}

std::string differences_table() {
  std::string out =
      "\n## Different on purpose\n\n| what | mode | the driver | ours, and why | test "
      "|\n|---|---|---|---|---|\n";
  for (const auto& row : rows())
    for (const auto& [mode, cell] :
         {std::pair{"l2", &row.l2}, std::pair{"l3", &row.l3}, std::pair{"l3s", &row.l3s}})
      if (cell->status == Status::Different)
        out += fmt::format("| {} | {} | {} | {} | {} |\n", row.what, mode, cell->driver, cell->why,
                           cell->played ? cell->test : fmt::format("{} (not played)", cell->test));
  return out;
}

}  // namespace

std::string semantics_page() {
  std::string out = kHead;
  std::string section;
  for (const auto& row : rows()) {
    if (section != row.section) {
      section = row.section;
      out += fmt::format("\n## {}\n\n| | l2 | l3 | l3s |\n|---|---|---|---|\n", section);
    }
    out += fmt::format("| {}{} | {} | {} | {} |\n", row.what, differs(row) ? " †" : "",
                       cell_text(row.l2), cell_text(row.l3), cell_text(row.l3s));
  }
  return out + differences_table();
}

}  // namespace bpfvlan::test
