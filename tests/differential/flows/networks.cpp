// SPDX-License-Identifier: MIT
#include "flows/networks.hpp"

#include <utility>

namespace bpfvlan::test {

Result<Networks> Networks::make(const Setting& setting) {
  const auto kinds = OfBoth<EngineKind>{EngineKind::Ipvlan, EngineKind::Bpfvlan};
  auto made = ask_both([&](EngineKind kind) { return Topology::make(kind, setting); }, kinds.ipvlan,
                       kinds.bpfvlan);
  Networks n;
  BV_TRY(n.ipvlan, std::move(made.ipvlan));
  BV_TRY(n.bpfvlan, std::move(made.bpfvlan));
  return n;
}

Result<> Networks::each(const std::function<Result<>(Topology&)>& change) const {
  BV_CHECK(change(*ipvlan));
  return change(*bpfvlan);
}

Result<> Networks::ip(Place place, const std::vector<std::string>& lines) const {
  return each([&](Topology& t) { return ip_batch(t.netns(place), lines); });
}

Result<> Networks::sysctl(Place place, const std::string& key, const std::string& value) const {
  return each([&](Topology& t) { return t.lab().sysctl(t.netns(place), key, value); });
}

}  // namespace bpfvlan::test
