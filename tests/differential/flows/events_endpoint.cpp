// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <sys/socket.h>

#include "flows/event_stage.hpp"

namespace bpfvlan::test {
namespace {

using Flows = std::vector<Flow>;
using Change = Result<> (Engine::*)(const std::string&, const std::string&);

Result<> for_address_of_a(const Networks& networks, Place place, Change change) {
  const std::string name(interface_of(place));
  for (const int family : {AF_INET, AF_INET6})
    BV_CHECK(
        networks.each([&](Topology& t) { return (t.engine().*change)(name, kA.cidr(family)); }));
  return {};
}

// With the last address the kernel takes the routes too.
Result<> another_address_for_a(const Networks& networks) {
  for (const auto* cidr : {"192.168.20.100/24", "fd00:20::100/64"})
    BV_CHECK(networks.each([&](Topology& t) { return t.engine().add_address("a", cidr); }));
  return networks.ip(Place::X, {"route add 192.168.20.100 via 10.211.55.25",
                                "route add fd00:20::100 via fd00:55::25"});
}

Flows flows_to_address_of_a() {
  static const std::string row = "event_address_moves";
  Flows flows;
  for (const int family : {AF_INET, AF_INET6}) {
    flows.push_back({row, Place::A, Place::X, family, Probe::Icmp});
    flows.push_back({row, Place::X, Place::A, family, Probe::Udp});
    for (const auto from : {Place::X, Place::A})
      flows.push_back({row, from, Place::B, family, Probe::Udp, 0, kA.of(family)});
  }
  return flows;
}

void compare_conflict(EventStage& stage) {
  for (const int family : {AF_INET, AF_INET6}) {
    const auto add = [&](Topology& t) -> std::string {
      return t.engine().add_address("b", kA.cidr(family)) ? "done" : "refused";
    };
    stage.both->add({"event_address_moves", fmt::format("{} for B while A has it", kA.of(family)),
                     add(*stage.networks().ipvlan), add(*stage.networks().bpfvlan)});
  }
}

}  // namespace

Result<> address_moves(EventStage& stage) {
  const auto& networks = stage.networks();
  BV_CHECK(another_address_for_a(networks));
  stage.live->step("before");
  compare_conflict(stage);
  BV_CHECK(for_address_of_a(networks, Place::A, &Engine::delete_address));
  stage.look("A's address is nobody's", flows_to_address_of_a());
  BV_CHECK(for_address_of_a(networks, Place::B, &Engine::add_address));
  stage.look("A's address is B's", flows_to_address_of_a());
  BV_CHECK(for_address_of_a(networks, Place::B, &Engine::delete_address));
  BV_CHECK(for_address_of_a(networks, Place::A, &Engine::add_address));
  stage.live->step("A has it again");
  stage.live->conclude("address moves", [](const Talk&) { return "event_address_moves"; });
  return {};
}

// The others in its subnet are its secondaries: the kernel deletes them along with it.
Result<> first_address_goes(EventStage& stage) {
  const auto& networks = stage.networks();
  const auto for_a = [&](Change change, const std::string& cidr) {
    return networks.each([&](Topology& t) { return (t.engine().*change)("a", cidr); });
  };
  BV_CHECK(for_a(&Engine::add_address, "192.168.10.101/24"));
  BV_CHECK(networks.ip(Place::X, {"route add 192.168.10.101 via 10.211.55.25"}));
  BV_CHECK(for_a(&Engine::delete_address, kA.cidr(AF_INET)));
  stage.both->compare(Flows{{"event_address_secondary", Place::X, Place::A, AF_INET, Probe::Icmp, 0,
                             "192.168.10.101"}},
                      "the first address of its subnet is deleted");
  return for_a(&Engine::add_address, kA.cidr(AF_INET));
}

// Meanwhile the host forwards: so it is seen what it is given.
Result<> endpoint_goes_down(EventStage& stage) {
  static const std::string row = "event_endpoint_down_address";
  const auto& networks = stage.networks();
  stage.live->step("before");
  BV_CHECK(networks.ip(Place::B, {"link set dev b down"}));
  BV_CHECK(networks.sysctl(Place::P, "net.ipv4.ip_forward", "1"));
  stage.look("B is down", Flows{{row, Place::X, Place::B, AF_INET, Probe::Icmp},
                                {row, Place::A, Place::B, AF_INET, Probe::Icmp},
                                {row, Place::A, Place::B, AF_INET6, Probe::Icmp}});
  BV_CHECK(networks.sysctl(Place::P, "net.ipv4.ip_forward", "0"));
  BV_CHECK(networks.ip(Place::B, {"link set dev b up", "route replace 0.0.0.0/0 dev b",
                                  "route replace ::/0 dev b"}));
  stage.live->step("up again");
  stage.live->conclude("endpoint down", [](const Talk&) { return "event_endpoint_down"; });
  return {};
}

Result<> endpoint_is_deleted(EventStage& stage) {
  static const std::string row = "event_endpoint_deleted";
  const auto& networks = stage.networks();
  stage.live->step("before");
  BV_CHECK(networks.each([](Topology& t) { return t.engine().remove("b"); }));
  Flows flows;
  for (const int family : {AF_INET, AF_INET6})
    for (const auto from : {Place::A, Place::X, Place::P})
      flows.push_back({row, from, Place::B, family, Probe::Icmp});
  stage.look("B is deleted", flows);
  BV_CHECK(networks.each([](Topology& t) { return t.add_endpoint(Place::B); }));
  stage.live->step("made again");
  stage.live->conclude("endpoint deleted", [](const Talk&) { return row; });
  return {};
}

}  // namespace bpfvlan::test
