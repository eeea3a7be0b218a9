// SPDX-License-Identifier: MIT
// The same network on both engines, side by side.
#pragma once

#include <array>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "topology.hpp"

namespace bpfvlan::test {

// What was seen of one thing: on the driver, on ours.
template <class T>
struct OfBoth {
  T ipvlan{}, bpfvlan{};
};

struct Networks {
  std::unique_ptr<Topology> ipvlan, bpfvlan;

  static Result<Networks> make(const Setting& setting);

  // The same done to one after the other.
  Result<> each(const std::function<Result<>(Topology&)>& change) const;
  // `ip -n NETNS ARGS`, for each line, in a place of each.
  Result<> ip(Place place, const std::vector<std::string>& lines) const;
  Result<> sysctl(Place place, const std::string& key, const std::string& value) const;
};

// The same asked of both at the same time.
template <class F, class A, class B>
auto ask_both(F ask, A& ipvlan, B& bpfvlan) -> OfBoth<decltype(ask(ipvlan))> {
  auto one = std::async(std::launch::async, [&] { return ask(ipvlan); });
  auto other = ask(bpfvlan);
  return {one.get(), std::move(other)};
}

}  // namespace bpfvlan::test
