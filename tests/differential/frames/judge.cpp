// SPDX-License-Identifier: MIT
#include "frames/judge.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "frames/pools.hpp"

namespace bpfvlan::test {
namespace {

constexpr int kTries = 3;

}  // namespace

std::string to_text(const FrameCase& c, const Judged& judged) {
  Observation missing, extra, both;
  std::set_difference(judged.expected.begin(), judged.expected.end(), judged.bpfvlan.begin(),
                      judged.bpfvlan.end(), std::back_inserter(missing));
  std::set_difference(judged.bpfvlan.begin(), judged.bpfvlan.end(), judged.expected.begin(),
                      judged.expected.end(), std::back_inserter(extra));
  std::set_intersection(judged.bpfvlan.begin(), judged.bpfvlan.end(), judged.expected.begin(),
                        judged.expected.end(), std::back_inserter(both));
  auto text = to_text(c);
  if (judged.expected != judged.ipvlan) text += "  by the driver:\n" + to_text(judged.ipvlan, c);
  text += "  as expected:\n" + to_text(both, c);
  if (!missing.empty()) text += "  expected, but not seen:\n" + to_text(missing, c);
  if (!extra.empty()) text += "  seen, but not expected:\n" + to_text(extra, c);
  return text;
}

Judged Judge::decide(const FrameCase& c, Observation ipvlan, Observation bpfvlan) const {
  Judged judged;
  if (without_collisions(setting_, c, ipvlan)) judged.rows.insert(kCollisionRow);
  judged.ipvlan = ipvlan;
  judged.expected = std::move(ipvlan);
  judged.bpfvlan = std::move(bpfvlan);
  for (const auto& difference : differences_)
    if (difference.apply(c, judged.expected)) judged.rows.insert(difference.row);
  std::sort(judged.expected.begin(), judged.expected.end());
  return judged;
}

Result<Judge> Judge::make(const Setting& setting) {
  std::vector<std::string> neighbours;
  for (const auto* address : kAddresses4) neighbours.emplace_back(address);
  for (const auto* address : kAddresses6) neighbours.emplace_back(address);
  Judge judge(setting);
  BV_TRY(judge.ipvlan_, Arena::make(EngineKind::Ipvlan, setting, neighbours));
  BV_TRY(judge.bpfvlan_, Arena::make(EngineKind::Bpfvlan, setting, neighbours));
  return judge;
}

Result<std::vector<Judged>> Judge::judge(std::span<const FrameCase> cases,
                                         std::span<const std::uint32_t> numbers) {
  BV_TRY(auto ipvlan, ipvlan_->inject(cases, numbers));
  BV_TRY(auto bpfvlan, bpfvlan_->inject(cases, numbers));
  std::vector<Judged> judged;
  for (std::size_t i = 0; i < cases.size(); ++i)
    judged.push_back(decide(cases[i], std::move(ipvlan[i]), std::move(bpfvlan[i])));
  return judged;
}

Result<Judged> Judge::judge(const FrameCase& c) {
  BV_TRY(auto judged, judge(std::span(&c, 1), {}));
  return std::move(judged[0]);
}

Result<> Judge::check_losses() const {
  BV_CHECK(ipvlan_->check_losses());
  return bpfvlan_->check_losses();
}

Result<bool> Judge::differs(const FrameCase& c) {
  for (int i = 0; i < kTries; ++i) {
    BV_TRY(const auto judged, judge(c));
    if (judged.alike()) return false;
  }
  return true;
}

}  // namespace bpfvlan::test
