// SPDX-License-Identifier: MIT
// Where events take place: both networks with traffic in them.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "flows/live_traffic.hpp"
#include "flows/side_by_side.hpp"

namespace bpfvlan::test {

struct EventStage {
  static Result<std::unique_ptr<EventStage>> make(const Setting& setting);

  const Networks& networks() const { return both->networks(); }
  // Any command of ours: what follows the parent does so with the next one.
  Result<> next_command() const;
  // A step after which anything may be, and flows at the same time.
  void look(const std::string& step, std::span<const Flow> flows);
  // What `ip link` shows of A's and H's interfaces: the word after this one, or the carrier. If
  // they differ they are asked again for a while, as the kernel does some things in its own time.
  void compare_interfaces(const std::string& row, const std::string& what, const std::string& when);
  static constexpr const char* kCarrier = "carrier";
  static std::string shown(const Topology& topology, Place place, const std::string& what);

  Setting setting;
  std::unique_ptr<SideBySide> both;
  std::unique_ptr<LiveTraffic> live;
};

// To the parent.
Result<> mtu_changes(EventStage& stage);
Result<> mac_changes(EventStage& stage);
Result<> parent_goes_down(EventStage& stage);
Result<> cable_is_pulled(EventStage& stage);

// To an endpoint.
Result<> address_moves(EventStage& stage);
Result<> first_address_goes(EventStage& stage);
Result<> endpoint_goes_down(EventStage& stage);
Result<> endpoint_is_deleted(EventStage& stage);

}  // namespace bpfvlan::test
