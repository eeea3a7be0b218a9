// SPDX-License-Identifier: MIT
#include "topology.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

#include "bpfvlan/control.hpp"
#include "programs.hpp"

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

const char* link_local_of(Place endpoint) {
  switch (endpoint) {
    case Place::A:
      return "fe80::a";
    case Place::B:
      return "fe80::b";
    default:
      return "fe80::f";
  }
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
  std::unique_ptr<Topology> t(new Topology(kind, setting.mode));
  for (const auto place : {Place::X, Place::P, Place::A, Place::B}) {
    BV_CHECK(t->lab_.add_netns(t->netns(place)));
    // Nobody asks for routers on his own, at a time of his own.
    BV_CHECK(t->lab_.sysctl(t->netns(place), "net.ipv6.conf.default.router_solicitations", "0"));
  }
  BV_CHECK(t->cables(mtu));
  if (kind == EngineKind::Bpfvlan) BV_CHECK(t->maps(setting));
  BV_CHECK(t->endpoints(setting));
  BV_CHECK(t->routes_of_x());
  BV_CHECK(t->routes());
  return t;
}

Result<> Topology::cables(unsigned mtu) {
  const auto host = netns(Place::P), x = netns(Place::X);
  BV_CHECK(lab_.cable(host, "P", x, "X"));
  BV_CHECK(lab_.cable(host, "Q", x, "Y"));
  for (const auto& [where, name, mac] : {std::tuple{x, "X", kMacX}, std::tuple{host, "P", kMacP},
                                         std::tuple{x, "Y", kMacY}, std::tuple{host, "Q", kMacQ}}) {
    // Link-local addresses come from MAC addresses when the interface comes up.
    BV_CHECK(ip_batch(where, {fmt::format("link set dev {} down", name),
                              fmt::format("link set dev {} address {} mtu {}", name, mac, mtu),
                              fmt::format("link set dev {} up", name)}));
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

// Another parent makes the maps, so that they are of the size that is wanted, and that programs can
// be changed before P gets them.
Result<> Topology::maps(const Setting& setting) const {
  if (setting.object.empty() && !setting.connections) return {};
  BV_TRY(auto control,
         Control::open({.parent_netns = netns(Place::P), .lock_timeout = patience()}));
  AttachRequest request;
  request.parent = "Q";
  request.max_connections = setting.connections;
  BV_CHECK(control.attach(request));
  if (setting.object.empty()) return {};
  return replace_programs(setting.object, control.pin_path());
}

Result<> Topology::endpoints(const Setting& setting) {
  engine_ = make_engine(kind_, lab_, netns(Place::P), "P");
  BV_CHECK(engine_->attach(setting.mode, setting.policy));
  for (const auto place : {Place::A, Place::B, Place::H}) BV_CHECK(add_endpoint(place));
  return {};
}

Result<> Topology::add_endpoint(Place place) {
  const auto& address = address_of(place);
  std::vector<std::string> addresses{address.cidr(AF_INET), address.cidr(AF_INET6)};
  // Where the parent is, its own subnet stays the parent's.
  if (place == Place::H) addresses = {fmt::format("{}/32", kH.v4), fmt::format("{}/128", kH.v6)};
  const std::string name(interface_of(place));
  BV_CHECK(engine_->add({.name = name,
                         .netns = netns(place),
                         .addresses = std::move(addresses),
                         .default_route = place != Place::H}));
  if (mode_ != BV_MODE_L2) return {};
  // One that is known, and no other of its stack's making.
  BV_CHECK(ip_batch(netns(place), {fmt::format("link set dev {} addrgenmode none", name),
                                   fmt::format("address flush dev {} scope link", name)}));
  return engine_->add_address(
      name, fmt::format("{}/{}", link_local_of(place), place == Place::H ? 128 : 64));
}

Result<> Topology::routes_of_x() {
  std::vector<std::string> lines;
  for (const auto place : {Place::A, Place::B, Place::H})
    for (const int family : {AF_INET, AF_INET6})
      lines.push_back(
          fmt::format("route add {} via {}", address_of(place).of(family), kP.of(family)));
  return ip_batch(netns(Place::X), lines);
}

Result<> Topology::routes() {
  // One of each kind, for destinations of what endpoints send.
  return ip_batch(
      netns(Place::P),
      {"route add 10.66.0.0/16 via 10.211.55.1", "route add fd00:66::/64 via fd00:55::1",
       "route add 10.78.0.0/16 via 10.77.0.1", "route add fd00:78::/64 via fd00:77::1",
       "route add blackhole 198.51.100.0/25", "route add blackhole 2001:db8:b::/48",
       "route add unreachable 198.51.100.128/26", "route add unreachable 2001:db8:c::/48",
       "route add prohibit 198.51.100.192/26", "route add prohibit 2001:db8:d::/48",
       "route add broadcast 10.79.0.255 dev P", "route add local 10.80.0.0/24 dev lo",
       "route add local fd00:80::/64 dev lo", "route add 10.67.0.0/16 via 10.211.55.1 mtu 1280",
       "route add fd00:67::/64 via fd00:55::1 mtu 1280", "route add multicast 10.81.0.0/24 dev P"});
}

}  // namespace bpfvlan::test
