// SPDX-License-Identifier: MIT
#include "frames/shrink.hpp"

#include <algorithm>

namespace bpfvlan::test {
namespace {

constexpr std::size_t kEthernet = 14;

// Tries one change; keeps it if the difference stays.
Result<bool> keeps(Judge& judge, FrameCase& c, FrameCase changed) {
  if (changed.frame == c.frame && changed.offload == c.offload) return false;
  BV_TRY(const bool still, judge.differs(changed));
  if (still) c = std::move(changed);
  return still;
}

// Takes chunks away from the end, ever smaller ones.
Result<> cut(Judge& judge, FrameCase& c) {
  for (auto step = c.frame.size() / 2; step > 0; step /= 2)
    for (bool more = true; more && c.frame.size() >= kEthernet + step;) {
      auto shorter = c;
      shorter.frame.erase(shorter.frame.end() - static_cast<std::ptrdiff_t>(step),
                          shorter.frame.end());
      BV_TRY(more, keeps(judge, c, std::move(shorter)));
    }
  return {};
}

// Writes zeros over chunks, ever smaller ones.
Result<> blank(Judge& judge, FrameCase& c) {
  for (auto step = c.frame.size() / 2; step > 0; step /= 2)
    for (std::size_t at = 0; at + step <= c.frame.size(); at += step) {
      auto zeroed = c;
      std::fill_n(zeroed.frame.begin() + static_cast<std::ptrdiff_t>(at), step, std::uint8_t{0});
      BV_CHECK(keeps(judge, c, std::move(zeroed)));
    }
  return {};
}

}  // namespace

Result<FrameCase> shrink(Judge& judge, FrameCase c) {
  auto plain = c;
  plain.offload = {};
  BV_CHECK(keeps(judge, c, std::move(plain)));
  BV_CHECK(cut(judge, c));
  BV_CHECK(blank(judge, c));
  return c;
}

}  // namespace bpfvlan::test
