// SPDX-License-Identifier: MIT
#include "frames/fixed_run.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "bpfvlan/test/frame.hpp"
#include "frames/fixed_frames.hpp"
#include "frames/frame_fields.hpp"
#include "rows/rows.hpp"

namespace bpfvlan::test {
namespace {

std::string captured(const Observation& seen) {
  const bool any = std::any_of(seen.begin(), seen.end(), at_endpoint);
  return any ? "seen at the interface" : "not seen at the interface";
}

Comparison compare(const FixedFrame& f, const Setting& setting, const Judged& judged) {
  Comparison out{.row = f.row,
                 .subject = f.what,
                 .ipvlan = who_got(f.c, judged.ipvlan, setting.mode),
                 .bpfvlan = who_got(f.c, judged.bpfvlan, setting.mode)};
  const auto* gets = f.gets_in(setting.mode).with(setting.policy);
  if (out.ipvlan != gets)
    out.wrong += fmt::format("  the driver gives it to \"{}\", not to \"{}\":\n{}", out.ipvlan,
                             gets, to_text(judged.ipvlan, f.c));
  const bool by_interface = judged.rows.contains(kCapturedRow);
  if (judged.ipvlan != judged.bpfvlan && out.same() && !by_interface)
    out.bpfvlan += ", with other bytes";
  if (!judged.alike()) out.wrong += "  unexplained:\n" + to_text(f.c, judged);
  if (f.row == std::string_view(kCapturedRow)) {
    out.ipvlan = captured(judged.ipvlan);
    out.bpfvlan = captured(judged.bpfvlan);
  }
  for (const auto& row : judged.rows)
    if (row != f.row && row != kCollisionRow && row != kCapturedRow)
      out.wrong += fmt::format("  {} is in the way\n", row);
  return out;
}

// Each has a chance to be taken for one that is joined, by the driver.
Result<Comparison> compare_unjoined_groups(Judge& judge) {
  constexpr std::uint32_t kGroups = 512, kBatch = 32;
  bool collides = false, copied = false;
  std::string wrong;
  for (std::uint32_t first = 0; first < kGroups; first += kBatch) {
    std::vector<FrameCase> cases;
    std::vector<std::uint32_t> numbers;
    for (auto number = first; number < first + kBatch; ++number) {
      const MacAddr group = Octets<6>{0x01,
                                      0x00,
                                      0x5e,
                                      0x55,
                                      static_cast<std::uint8_t>(number >> 8),
                                      static_cast<std::uint8_t>(number)};
      auto f = frame(Ethernet{.dst = group, .src = kMacX}, payload(64));
      mark(f, number);
      cases.push_back({Place::X, std::move(f)});
      numbers.push_back(number);
    }
    BV_TRY(const auto judged, judge.judge(cases, numbers));
    for (std::size_t i = 0; i < cases.size(); ++i) {
      collides |= judged[i].rows.contains(kCollisionRow);
      copied |= std::any_of(judged[i].bpfvlan.begin(), judged[i].bpfvlan.end(), at_endpoint);
      if (!judged[i].alike()) wrong += "  unexplained:\n" + to_text(cases[i], judged[i]);
    }
  }
  if (!collides) wrong += "  the driver has no collision\n";
  return Comparison{.row = kCollisionRow,
                    .subject = fmt::format("{} groups that none has joined", kGroups),
                    .ipvlan = collides ? "some copied" : "none copied",
                    .bpfvlan = copied ? "some copied" : "none copied",
                    .wrong = wrong};
}

}  // namespace

Result<Comparisons> compare_fixed_frames(Judge& judge, Mode mode, Policy policy) {
  Comparisons out;
  for (const auto& f : fixed_frames(mode)) {
    if (!must_be_compared(*find_row(f.row), mode, policy)) continue;
    BV_TRY(const auto judged, judge.judge(f.c));
    out.push_back(compare(f, {.mode = mode, .policy = policy}, judged));
  }
  if (must_be_compared(*find_row(kCollisionRow), mode, policy)) {
    BV_TRY(auto groups, compare_unjoined_groups(judge));
    out.push_back(std::move(groups));
  }
  BV_CHECK(judge.check_losses());
  return out;
}

}  // namespace bpfvlan::test
