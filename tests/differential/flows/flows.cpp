// SPDX-License-Identifier: MIT
#include "flows/flows.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

#include <array>
#include <initializer_list>

#include "flows/side_by_side.hpp"

namespace bpfvlan::test {
namespace {

using Flows = std::vector<Flow>;

// Of a pair of places: the row of what usually works or does not, of a time to live that runs out
// unless nobody takes from it, and of an error that comes back.
struct Rows {
  std::string usual, ttl, error;
};

bool is_endpoint(Place place) {
  return place == Place::A || place == Place::B;
}

std::string usual_row(Place from, Place to) {
  if (from == Place::H || to == Place::H)
    return from == Place::P || to == Place::P ? "flow_host_itself" : "flow_endpoint_in_host";
  if (is_endpoint(from) && is_endpoint(to)) return "flow_siblings";
  if (is_endpoint(from))
    return to == Place::X ? "flow_endpoint_to_outside" : "flow_endpoint_to_parent";
  if (is_endpoint(to))
    return from == Place::X ? "flow_outside_to_endpoint" : "flow_parent_to_endpoint";
  return "flow_outside_parent";
}

void append_pair(Flows& flows, const Rows& rows, Place from, Place to, int family) {
  for (const auto probe : {Probe::Tcp, Probe::Udp, Probe::Icmp})
    flows.push_back({rows.usual, from, to, family, probe});
  flows.push_back({rows.ttl, from, to, family, Probe::Icmp, 1});
  flows.push_back({rows.error, from, to, family, Probe::UdpError});
}

void append_pair(Flows& flows, const Rows& rows, Place from, Place to) {
  for (const int family : {AF_INET, AF_INET6}) append_pair(flows, rows, from, to, family);
}

// As the networks are: the host's packets for endpoints leave by the wire, to a host that is no
// router.
void plain(SideBySide& both) {
  const auto pairs_from = [](std::initializer_list<Place> places) {
    Flows flows;
    for (const auto from : places)
      for (const auto to : kPlaces)
        if (from != to)
          append_pair(flows, {usual_row(from, to), "flow_ttl_untouched", "flow_port_unreachable"},
                      from, to);
    return flows;
  };
  both.compare(pairs_from({Place::X, Place::P}));
  both.compare(pairs_from({Place::H, Place::A, Place::B}));
}

Result<> relay_routes(const Networks& networks, const std::string& what) {
  std::vector<std::string> routes;
  for (const auto place : {Place::A, Place::B})
    for (const int family : {AF_INET, AF_INET6})
      routes.push_back(fmt::format("route {} {} dev h", what, address_of(place).of(family)));
  return networks.ip(Place::P, routes);
}

// Scenario L3-relay: the host answers endpoints by an endpoint of its own. With vepa, the route
// then leads back to it, and its IPv6 packets are a case of flow_ipv6_route_elsewhere.
Result<> relay(SideBySide& both, Policy policy) {
  static const Rows rows{"flow_relay", "flow_relay", "flow_relay"};
  BV_CHECK(relay_routes(both.networks(), "add"));
  Flows flows;
  for (const auto in_host : {Place::P, Place::H})
    for (const auto endpoint : {Place::A, Place::B})
      for (const int family : {AF_INET, AF_INET6}) {
        if (family == AF_INET6 && policy == BV_POLICY_VEPA) continue;
        append_pair(flows, rows, endpoint, in_host, family);
        append_pair(flows, rows, in_host, endpoint, family);
      }
  both.compare(flows);
  return relay_routes(both.networks(), "del");
}

// From a router's next link: time exceeded, packet too big, no route.
void append_errors(Flows& flows, Place from) {
  for (const int family : {AF_INET, AF_INET6}) {
    const bool v4 = family == AF_INET;
    const std::string narrow = v4 ? "10.66.*" : "fd00:66:0:1::*";
    const Flow error{"flow_errors_on_the_way", from, Place::X, family, Probe::UdpError};
    auto& expired = flows.emplace_back(error);
    expired.address = narrow;
    expired.ttl = 1;
    auto& too_big = flows.emplace_back(error);
    too_big.address = narrow;
    too_big.bytes = 1400;
    auto& no_route = flows.emplace_back(error);
    no_route.address = v4 ? "10.67.*" : "fd00:66:0:2::*";
  }
}

// In mode l2 endpoints have to be told of a gateway.
Result<> gateway_of_endpoints(const Networks& networks) {
  for (const auto place : {Place::A, Place::B}) {
    std::vector<std::string> routes;
    for (const auto* subnet : {"10.66.0.0/16", "10.67.0.0/16", "10.68.0.0/16", "10.69.0.0/16"})
      routes.push_back(
          fmt::format("route add {} via {} dev {} onlink", subnet, kX.v4, interface_of(place)));
    for (const auto* subnet : {"fd00:66::/32", "fd00:68::/32", "fd00:69::/32"})
      routes.push_back(
          fmt::format("route add {} via {} dev {} onlink", subnet, kX.v6, interface_of(place)));
    BV_CHECK(networks.ip(place, routes));
  }
  return {};
}

// Scenario L3-vepa: the outside host is a router that sends back by the wire what is for others.
Result<> router(SideBySide& both) {
  static const Rows rows{"flow_router", "flow_router", "flow_router"};
  const auto& networks = both.networks();
  BV_CHECK(networks.sysctl(Place::X, "net.ipv4.ip_forward", "1"));
  BV_CHECK(networks.sysctl(Place::X, "net.ipv6.conf.all.forwarding", "1"));
  BV_CHECK(
      networks.ip(Place::X, {"route add 10.66.0.0/16 via 10.77.0.25 dev Y mtu lock 1300",
                             "route add fd00:66:0:1::/64 via fd00:77::25 dev Y mtu lock 1300"}));
  for (const auto& half : {std::array{Place::P, Place::H}, std::array{Place::A, Place::B}}) {
    Flows flows;
    for (const auto from : half) {
      for (const auto to : {Place::P, Place::H, Place::A, Place::B})
        if (from != to) append_pair(flows, rows, from, to);
      append_errors(flows, from);
    }
    both.compare(flows);
  }
  return {};
}

// What the host's routes say of MTU and interface.
Result<> routes(SideBySide& both) {
  const auto& networks = both.networks();
  BV_CHECK(networks.ip(Place::P, {"route add 10.68.0.0/16 via 10.211.55.1 mtu 1300",
                                  "route add fd00:68::/64 via fd00:55::1 mtu 1300",
                                  "route add 10.69.0.0/16 via 10.77.0.1 dev Q",
                                  "route add fd00:69::/64 via fd00:77::1 dev Q"}));
  BV_CHECK(networks.ip(
      Place::X, {"route add local 10.69.0.0/16 dev lo", "route add local fd00:69::/64 dev lo"}));
  Flows flows;
  for (const int family : {AF_INET, AF_INET6}) {
    const bool v4 = family == AF_INET;
    auto& mtu =
        flows.emplace_back(Flow{"flow_route_mtu", Place::A, Place::X, family, Probe::UdpError});
    mtu.address = v4 ? "10.68.*" : "fd00:68::*";
    mtu.bytes = 1400;
    auto& elsewhere =
        flows.emplace_back(Flow{v4 ? "flow_ipv4_route_elsewhere" : "flow_ipv6_route_elsewhere",
                                Place::A, Place::X, family, Probe::Icmp});
    elsewhere.address = v4 ? "10.69.*" : "fd00:69::*";
  }
  both.compare(flows);
  return {};
}

}  // namespace

Result<Comparisons> compare_flows(const Setting& setting) {
  BV_TRY(const auto both, SideBySide::make(setting));
  plain(*both);
  BV_CHECK(relay(*both, setting.policy));
  if (setting.mode == BV_MODE_L2) BV_CHECK(gateway_of_endpoints(both->networks()));
  BV_CHECK(router(*both));
  BV_CHECK(routes(*both));
  return both->take();
}

}  // namespace bpfvlan::test
