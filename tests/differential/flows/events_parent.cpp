// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <sys/socket.h>

#include "flows/event_stage.hpp"

namespace bpfvlan::test {
namespace {

constexpr const char* kSmaller = "1400";

// IPv6 of the driver's endpoints does not know of a smaller MTU, which it meets with on the wire
// and with what it does not send as one large packet. In mode l2 nobody looks at it on the way out.
// Siblings' TCP then depends on how the sender cuts its stream, which is a matter of time.
std::vector<Flow> large_flows(Mode mode, const std::string& mtu) {
  std::vector<Flow> flows;
  for (const int family : {AF_INET, AF_INET6}) {
    const bool unaware = family == AF_INET6 && mtu == kSmaller;
    const auto row = unaware ? "event_mtu_ipv6" : "event_mtu";
    const auto tcp_row = mode == BV_MODE_L2 ? "event_mtu" : row;
    flows.push_back({tcp_row, Place::A, Place::X, family, Probe::Tcp});
    flows.push_back({tcp_row, Place::X, Place::A, family, Probe::Tcp});
    if (!unaware) flows.push_back({"event_mtu", Place::A, Place::B, family, Probe::Tcp});
    for (const auto to : {Place::X, Place::B})
      flows.push_back({row, Place::A, to, family, Probe::Udp, 0, {}, 1440});
  }
  return flows;
}

// Whoever changes a MAC address tells the neighbours; here they are told to forget.
Result<> set_mac(const Networks& networks, const std::string& mac) {
  BV_CHECK(networks.ip(Place::P, {"link set dev P address " + mac}));
  return networks.ip(Place::X, {"neigh flush dev X"});
}

bool between_siblings(const Talk& talk) {
  const auto endpoint = [](Place place) { return place == Place::A || place == Place::B; };
  return endpoint(talk.from) && endpoint(talk.to);
}

}  // namespace

Result<> mtu_changes(EventStage& stage) {
  stage.live->step("before");
  for (const auto* mtu : {kSmaller, "1500"}) {
    const auto when = fmt::format("the parent's is {}", mtu);
    BV_CHECK(stage.networks().ip(Place::P, {fmt::format("link set dev P mtu {}", mtu)}));
    stage.live->step(when);
    stage.compare_interfaces("event_mtu_follows", "mtu", when);
    BV_CHECK(stage.next_command());
    stage.compare_interfaces("event_mtu", "mtu", when + ", next command");
    stage.both->compare(large_flows(stage.setting.mode, mtu),
                        "the parent's MTU is " + std::string(mtu));
  }
  stage.live->conclude("MTU", [](const Talk&) { return "event_mtu"; });
  return {};
}

Result<> mac_changes(EventStage& stage) {
  static const std::string when = "the parent has another one";
  stage.live->step("before");
  BV_CHECK(set_mac(stage.networks(), "02:00:00:00:55:99"));
  stage.live->step(when);
  stage.compare_interfaces("event_mac_follows", "link/ether", when);
  BV_CHECK(stage.next_command());
  stage.compare_interfaces("event_mac", "link/ether", when + ", next command");
  stage.live->step("next command");
  BV_CHECK(set_mac(stage.networks(), kMacP));
  BV_CHECK(stage.next_command());
  BV_CHECK(stage.both->know_siblings());
  stage.live->step("the old one again");
  stage.live->conclude("MAC address", [](const Talk& talk) {
    return talk.to == Place::H ? "event_mac_endpoint_in_host" : "event_mac";
  });
  return {};
}

// Whether siblings hear each other meanwhile is a matter of the driver's version: that of 6.12
// takes their carrier away, that of 6.1 does so only when the parent's cable is pulled.
Result<> parent_goes_down(EventStage& stage) {
  stage.live->step("before");
  BV_CHECK(stage.networks().ip(Place::P, {"link set dev P down"}));
  stage.live->step("down", LiveTraffic::Expect::Anything);
  BV_CHECK(stage.networks().ip(Place::P, {"link set dev P up"}));
  stage.live->step("up again");
  stage.live->conclude("parent down", [](const Talk& talk) {
    return between_siblings(talk) ? "" : "event_parent_down";
  });
  return {};
}

Result<> cable_is_pulled(EventStage& stage) {
  const auto& networks = stage.networks();
  stage.live->step("before");
  BV_CHECK(networks.ip(Place::X, {"link set dev X down"}));
  // The kernel takes a moment to switch off what has no carrier.
  (void)eventually(
      [&] { return stage.shown(*networks.ipvlan, Place::A, EventStage::kCarrier) == "off"; });
  stage.compare_interfaces("event_carrier_follows", EventStage::kCarrier, "the cable is pulled");
  stage.live->step("pulled", LiveTraffic::Expect::Anything);
  BV_CHECK(networks.ip(Place::X, {"link set dev X up"}));
  BV_CHECK(networks.each([](Topology& t) { return t.routes_of_x(); }));
  stage.live->step("plugged in again");
  stage.compare_interfaces("event_cable", EventStage::kCarrier, "it is plugged in again");
  stage.live->conclude("cable pulled", [](const Talk& talk) {
    return between_siblings(talk) ? "event_carrier_follows" : "event_cable";
  });
  return {};
}

}  // namespace bpfvlan::test
