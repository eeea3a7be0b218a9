// SPDX-License-Identifier: MIT
#include "rows/report.hpp"

#include <fmt/core.h>

#include <map>

#include "engine.hpp"
#include "rows/rows.hpp"

namespace bpfvlan::test {
namespace {

struct Standing {
  unsigned compared = 0, differing = 0, wrong = 0;
};

void print(const Comparison& c) {
  fmt::print("NOT AS EXPECTED [{}] {}\n  ipvlan:  {}\n  bpfvlan: {}\n{}", c.row, c.subject,
             c.ipvlan, c.bpfvlan, c.wrong);
}

bool print_row(const std::string& id, const Standing& standing, Mode mode) {
  const auto* row = find_row(id);
  const auto cell = row ? cell_of(*row, mode) : Cell{};
  const bool differs = standing.differing > 0;
  const bool may_not = cell.or_alike_by_netkit && device_under_test() == BV_DEVICE_NETKIT;
  const bool good = !standing.wrong && (cell.status == Status::Same        ? !differs
                                        : cell.status == Status::Different ? differs || may_not
                                                                           : false);
  fmt::print("{} {:28} {} compared, {} differ{}\n", good ? "ok " : "BAD", id, standing.compared,
             standing.differing,
             !row                               ? ": no such row"
             : cell.status == Status::Different ? ", on purpose"
                                                : "");
  return good;
}

void print_count() {
  struct {
    unsigned same = 0, different = 0;
  } l2, l3, l3s;
  for (const auto& row : rows())
    for (const auto& [cell, count] :
         {std::pair{&row.l2, &l2}, std::pair{&row.l3, &l3}, std::pair{&row.l3s, &l3s}})
      switch (cell->status) {
        case Status::Same:
          ++count->same;
          break;
        case Status::Different:
          ++count->different;
          break;
        case Status::AsL3:
        case Status::Absent:
          break;
      }
  for (const auto& [name, count] :
       {std::pair{"l2", &l2}, std::pair{"l3", &l3}, std::pair{"l3s", &l3s}})
    fmt::print("mode {}: {} rows same, {} different on purpose\n", name, count->same,
               count->different);
}

}  // namespace

bool report_rows(const Setting& setting, const Comparisons& compared, bool whole) {
  std::map<std::string, Standing> standings;
  for (const auto& c : compared) {
    auto& standing = standings[c.row];
    ++standing.compared;
    standing.differing += !c.same();
    standing.wrong += !c.wrong.empty();
    const auto* row = find_row(c.row);
    const bool may_differ = row && cell_of(*row, setting.mode).status == Status::Different;
    if (!c.wrong.empty() || (!c.same() && !may_differ)) print(c);
  }
  if (!whole)
    for (const auto& c : compared)
      fmt::print("{:28} {}: {}{}\n", c.row, c.subject, c.ipvlan,
                 c.same() ? "" : fmt::format(" | ours: {}", c.bpfvlan));
  bool good = true;
  for (const auto& [id, standing] : standings) good &= print_row(id, standing, setting.mode);
  if (whole)
    for (const auto& row : rows())
      if (must_be_compared(row, setting.mode, setting.policy) && !standings.contains(row.id)) {
        fmt::print("BAD {:28} not compared\n", row.id);
        good = false;
      }
  fmt::print("{}: {} rows, {} comparisons\n", to_string(setting), standings.size(),
             compared.size());
  if (whole) print_count();
  return good;
}

bool report_random(const Setting& setting, const RandomRun& run, const RandomOutcome& outcome,
                   bool must_differ) {
  for (const auto& d : outcome.differences) {
    fmt::print("DIFFERENCE in a random frame, seed {} index {}; shrunk:\n{}", run.seed, d.index,
               to_text(d.shrunk, d.judged));
    fmt::print("  as found:\n{}", to_text(d.found));
    fmt::print(
        "  again: vm-tests/run-in-vm KERNEL --cpus 1 -- "
        "build/dev/tests/differential/bv_judge --mode {} --policy {} replay --seed {} --index {}\n",
        bpfvlan::to_string(setting.mode), bpfvlan::to_string(setting.policy), run.seed, d.index);
  }
  for (const auto& text : outcome.sometimes)
    fmt::print("DIFFERENCE that is not there each time, seed {}: {}", run.seed, text);
  for (const auto& [row, count] : outcome.rows) fmt::print("    {:28} explains {}\n", row, count);
  const auto differences = outcome.differences.size() + outcome.sometimes.size();
  fmt::print(
      "{}: {} random frames of seed {}, {} unexplained differences; {:.0f} s, {:.0f} frames a "
      "second, digest {:016x}\n",
      to_string(setting), outcome.frames, run.seed, differences, outcome.seconds,
      outcome.frames / outcome.seconds, outcome.digest);
  return (differences > 0) == must_differ;
}

}  // namespace bpfvlan::test
