// SPDX-License-Identifier: MIT
#include "topology.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

namespace bpfvlan::test {

std::string_view to_string(Place place) {
  static constexpr std::array names{"X", "P", "H", "A", "B"};
  return names.at(static_cast<std::size_t>(place));
}

std::string_view interface_of(Place place) {
  static constexpr std::array names{"X", "P", "h", "a", "b"};
  return names.at(static_cast<std::size_t>(place));
}

const Addr& address_of(Place place) {
  static constexpr std::array addresses{&kX, &kP, &kH, &kA, &kB};
  return *addresses.at(static_cast<std::size_t>(place));
}

std::string to_string(const Setting& setting) {
  return fmt::format("{} {}", bpfvlan::to_string(setting.mode), bpfvlan::to_string(setting.policy));
}

std::string Topology::netns(Place place) const {
  static constexpr std::array names{"x", "host", "host", "a", "b"};
  return fmt::format("{}-{}", to_string(kind_), names.at(static_cast<std::size_t>(place)));
}

Result<std::unique_ptr<Topology>> Topology::make(EngineKind kind, const Setting& setting,
                                                 unsigned mtu) {
  std::unique_ptr<Topology> t(new Topology(kind));
  for (const auto place : {Place::X, Place::P, Place::A, Place::B})
    BV_CHECK(t->lab_.add_netns(t->netns(place)));
  BV_CHECK(t->cables(mtu));
  BV_CHECK(t->endpoints(setting));
  BV_CHECK(t->routes());
  return t;
}

Result<> Topology::cables(unsigned mtu) {
  const auto host = netns(Place::P), x = netns(Place::X);
  BV_CHECK(lab_.cable(host, "P", x, "X"));
  BV_CHECK(lab_.cable(host, "Q", x, "Y"));
  // Q's and Y's MAC addresses differ from P's and X's by the last octet's upper half.
  for (const auto& [where, name, mac] :
       {std::tuple{x, "X", kMacX}, std::tuple{host, "P", kMacP},
        std::tuple{x, "Y", "02:00:00:00:55:f1"}, std::tuple{host, "Q", "02:00:00:00:55:f5"}}) {
    // Link-local addresses come from MAC addresses when the interface comes up.
    BV_CHECK(lab_.ip(where, fmt::format("link set dev {} down", name)));
    BV_CHECK(lab_.ip(where, fmt::format("link set dev {} address {} mtu {}", name, mac, mtu)));
    BV_CHECK(lab_.ip(where, fmt::format("link set dev {} up", name)));
  }
  for (const int family : {AF_INET, AF_INET6}) {
    BV_CHECK(lab_.address(x, "X", kX.cidr(family)));
    BV_CHECK(lab_.address(host, "P", kP.cidr(family)));
  }
  BV_CHECK(lab_.address(host, "Q", "10.77.0.25/24"));
  BV_CHECK(lab_.address(host, "Q", "fd00:77::25/64"));
  BV_CHECK(lab_.address(x, "Y", "10.77.0.1/24"));
  BV_CHECK(lab_.address(x, "Y", "fd00:77::1/64"));
  BV_CHECK(lab_.wait_link_local(x, "X"));
  return lab_.wait_link_local(host, "P");
}

Result<> Topology::endpoints(const Setting& setting) {
  engine_ = make_engine(kind_, lab_, netns(Place::P), "P");
  BV_CHECK(engine_->attach(setting.mode, setting.policy));
  for (const auto place : {Place::A, Place::B}) {
    const auto& address = address_of(place);
    BV_CHECK(engine_->add({.name = std::string(interface_of(place)),
                           .netns = netns(place),
                           .addresses = {address.cidr(AF_INET), address.cidr(AF_INET6)},
                           .default_route = true}));
  }
  return engine_->add({.name = "h",
                       .netns = netns(Place::H),
                       .addresses = {fmt::format("{}/32", kH.v4), fmt::format("{}/128", kH.v6)}});
}

Result<> Topology::routes() {
  const auto host = netns(Place::P), x = netns(Place::X);
  for (const auto place : {Place::A, Place::B, Place::H})
    for (const int family : {AF_INET, AF_INET6})
      BV_CHECK(lab_.ip(
          x, fmt::format("route add {} via {}", address_of(place).of(family), kP.of(family))));
  // One of each kind, for destinations of what endpoints send.
  for (const auto* route :
       {"10.66.0.0/16 via 10.211.55.1", "fd00:66::/64 via fd00:55::1", "10.78.0.0/16 via 10.77.0.1",
        "fd00:78::/64 via fd00:77::1", "blackhole 198.51.100.0/25", "blackhole 2001:db8:b::/48",
        "unreachable 198.51.100.128/26", "unreachable 2001:db8:c::/48",
        "prohibit 198.51.100.192/26", "prohibit 2001:db8:d::/48", "broadcast 10.79.0.255 dev P",
        "local 10.80.0.0/24 dev lo", "local fd00:80::/64 dev lo"})
    BV_CHECK(lab_.ip(host, fmt::format("route add {}", route)));
  return {};
}

}  // namespace bpfvlan::test
