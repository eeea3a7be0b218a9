// SPDX-License-Identifier: MIT
#include "frames/fixed_run.hpp"

#include <fmt/core.h>

#include "frames/fixed_frames.hpp"
#include "rows/rows.hpp"

namespace bpfvlan::test {
namespace {

Comparison compare(const FixedFrame& f, Policy policy, const Judged& judged) {
  Comparison out{.row = f.row,
                 .subject = f.what,
                 .ipvlan = who_got(f.c, judged.ipvlan),
                 .bpfvlan = who_got(f.c, judged.bpfvlan)};
  if (out.ipvlan != f.gets.with(policy))
    out.wrong += fmt::format("  the driver gives it to \"{}\", not to \"{}\":\n{}", out.ipvlan,
                             f.gets.with(policy), to_text(judged.ipvlan, f.c));
  if (judged.ipvlan != judged.bpfvlan && out.same()) out.bpfvlan += ", with other bytes";
  if (!judged.alike()) out.wrong += "  unexplained:\n" + to_text(f.c, judged);
  for (const auto& row : judged.rows)
    if (row != f.row) out.wrong += fmt::format("  {} is in the way\n", row);
  return out;
}

}  // namespace

Result<Comparisons> compare_fixed_frames(Judge& judge, Mode mode, Policy policy) {
  Comparisons out;
  for (const auto& f : fixed_frames()) {
    if (!must_be_compared(*find_row(f.row), mode, policy)) continue;
    BV_TRY(const auto judged, judge.judge(f.c));
    out.push_back(compare(f, policy, judged));
  }
  BV_CHECK(judge.check_losses());
  return out;
}

}  // namespace bpfvlan::test
