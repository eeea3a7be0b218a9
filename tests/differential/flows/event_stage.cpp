// SPDX-License-Identifier: MIT
#include "flows/event_stage.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <future>

#include "flows/flows.hpp"
#include "lab/command.hpp"

namespace bpfvlan::test {

Result<std::unique_ptr<EventStage>> EventStage::make(const Setting& setting) {
  auto stage = std::make_unique<EventStage>();
  stage->setting = setting;
  BV_TRY(stage->both, SideBySide::make(setting));
  BV_TRY(stage->live, LiveTraffic::start(*stage->both));
  return stage;
}

Result<> EventStage::next_command() const {
  return networks().each(
      [&](Topology& t) { return t.engine().attach(setting.mode, setting.policy); });
}

void EventStage::look(const std::string& step, std::span<const Flow> flows) {
  const auto streams =
      std::async(std::launch::async, [&] { live->step(step, LiveTraffic::Expect::Anything); });
  both->compare(flows, step);
}

std::string EventStage::shown(const Topology& topology, Place place, const std::string& what) {
  const std::string name(interface_of(place));
  const auto line =
      lab::run({"ip", "-n", topology.netns(place), "-o", "link", "show", "dev", name}).out;
  if (what == kCarrier) return line.find("NO-CARRIER") == std::string::npos ? "on" : "off";
  const auto words = lab::words(line);
  const auto at = std::find(words.begin(), words.end(), what);
  return at == words.end() || at + 1 == words.end() ? "none" : *(at + 1);
}

void EventStage::compare_interfaces(const std::string& row, const std::string& what,
                                    const std::string& when) {
  const auto show = [&](const Topology& t) {
    return fmt::format("a {}, h {}", shown(t, Place::A, what), shown(t, Place::H, what));
  };
  OfBoth<std::string> seen;
  const auto deadline = std::chrono::steady_clock::now() + silence();
  do {
    seen = {show(*networks().ipvlan), show(*networks().bpfvlan)};
  } while (seen.ipvlan != seen.bpfvlan && !both->differs_on_purpose(row) &&
           std::chrono::steady_clock::now() < deadline);
  both->add({row, fmt::format("{}, {}", what, when), seen.ipvlan, seen.bpfvlan});
}

Result<Comparisons> compare_events(const Setting& setting) {
  BV_TRY(const auto stage, EventStage::make(setting));
  for (auto* event : {mtu_changes, mac_changes, address_moves, first_address_goes,
                      endpoint_goes_down, endpoint_is_deleted, parent_goes_down, cable_is_pulled})
    BV_CHECK(event(*stage));
  return stage->both->take();
}

}  // namespace bpfvlan::test
