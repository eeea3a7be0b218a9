// SPDX-License-Identifier: MIT
// Both networks with traffic in them: flows are tried in both and what happens is compared.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "comparison.hpp"
#include "flows/flow.hpp"
#include "flows/networks.hpp"

namespace bpfvlan::test {

class SideBySide {
 public:
  // The host has X as its default router, as hosts have one. Neither gives advice to go another
  // way, nor keeps quiet because it said a thing a moment ago.
  static Result<std::unique_ptr<SideBySide>> make(const Setting& setting);

  const Networks& networks() const { return networks_; }

  // All at the same time. `when` is told with each.
  void compare(std::span<const Flow> flows, const std::string& when = {});
  // According to the table of rows.
  bool differs_on_purpose(const std::string& row) const;
  void add(Comparison comparison) { comparisons_.push_back(std::move(comparison)); }
  Comparisons take() { return std::move(comparisons_); }

 private:
  using Texts = OfBoth<std::vector<std::string>>;

  SideBySide(Networks networks, Mode mode)
      : networks_(std::move(networks)),
        mode_(mode),
        ipvlan_(*networks_.ipvlan),
        bpfvlan_(*networks_.bpfvlan) {}
  Result<> prepare() const;
  Texts attempt(std::span<const Flow> flows, Milliseconds silence);

  Networks networks_;
  Mode mode_;
  Watched ipvlan_, bpfvlan_;
  Comparisons comparisons_;
};

}  // namespace bpfvlan::test
