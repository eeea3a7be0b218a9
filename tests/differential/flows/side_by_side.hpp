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

  // Mode l2, where siblings cannot hear each other by the policy: who has which MAC address. An
  // interface forgets it with its own.
  Result<> know_siblings() const;

  // All at the same time. `when` is told with each.
  void compare(std::span<const Flow> flows, const std::string& when = {});
  // According to the table of rows.
  bool differs_on_purpose(const std::string& row) const;
  // With what is wrong of it, if its row is such.
  void add(Comparison comparison);
  Comparisons take() { return std::move(comparisons_); }

 private:
  using Texts = OfBoth<std::vector<std::string>>;

  SideBySide(Networks networks, const Setting& setting)
      : networks_(std::move(networks)),
        setting_(setting),
        ipvlan_(*networks_.ipvlan),
        bpfvlan_(*networks_.bpfvlan) {}
  Result<> prepare() const;
  Texts attempt(std::span<const Flow> flows, Milliseconds silence);

  Networks networks_;
  Setting setting_;
  Watched ipvlan_, bpfvlan_;
  Comparisons comparisons_;
};

}  // namespace bpfvlan::test
