// SPDX-License-Identifier: MIT
#include "port_set.hpp"

#include <algorithm>

namespace bpfvlan {
namespace {

PortRange range(unsigned first, unsigned last) {
  return {static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)};
}

}  // namespace

PortSet PortSet::of(const PortList& list, bool inverted) {
  auto sorted = list;
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  PortSet set;
  for (const auto& r : sorted) {
    if (!set.ranges_.empty() && r.first <= set.ranges_.back().last + 1U)
      set.ranges_.back().last = std::max(set.ranges_.back().last, r.last);
    else
      set.ranges_.push_back(r);
  }
  return inverted ? set.complement() : set;
}

PortSet PortSet::complement() const {
  PortSet out;
  unsigned next = 0;
  for (const auto& r : ranges_) {
    if (r.first > next) out.ranges_.push_back(range(next, r.first - 1U));
    next = r.last + 1U;
  }
  if (next <= 65535) out.ranges_.push_back(range(next, 65535));
  return out;
}

PortSet PortSet::intersect(const PortSet& other) const {
  PortSet out;
  for (const auto& a : ranges_)
    for (const auto& b : other.ranges_) {
      const auto first = std::max(a.first, b.first), last = std::min(a.last, b.last);
      if (first <= last) out.ranges_.push_back({first, last});
    }
  return out;
}

}  // namespace bpfvlan
