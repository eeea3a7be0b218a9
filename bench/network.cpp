// SPDX-License-Identifier: MIT
#include "network.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

namespace bpfvlan::test {
namespace {

std::string add(const Addr& addr, const char* device, int family) {
  return fmt::format("address add {} dev {}{}", addr.cidr(family), device,
                     family == AF_INET ? "" : " nodad");
}

}  // namespace

Place Network::a() const {
  return {peer_.engine ? "a" : "host", mode_ == BV_MODE_L2 ? kA2 : kA};
}

// A plain pair has A's address alone: what A sends has it as its source.
Result<> Network::cable() {
  const auto& on_parent = peer_.engine ? kP : kA;
  BV_CHECK(lab_.add_netns("x"));
  BV_CHECK(lab_.add_netns("host"));
  BV_CHECK(ip_batch("host", {"link add P type veth peer name X netns x", "link set P up",
                             add(on_parent, "P", AF_INET), add(on_parent, "P", AF_INET6)}));
  BV_CHECK(ip_batch("x", {"link set X up", add(kX, "X", AF_INET), add(kX, "X", AF_INET6)}));
  BV_CHECK(wait_local("x", {kX.v6, "fe80::"}));
  return wait_local("host", {on_parent.v6, "fe80::"});
}

// In mode l2 X is in the endpoints' subnet.
Result<> Network::endpoint(const Place& place) {
  const auto& [netns, addr] = place;
  BV_CHECK(lab_.add_netns(netns));
  BV_CHECK(engine_->add({.name = netns,
                         .netns = netns,
                         .addresses = {addr.cidr(AF_INET), addr.cidr(AF_INET6)},
                         .default_route = true,
                         .device = peer_.device}));
  if (mode_ == BV_MODE_L2) return {};
  return ip_batch("x", {fmt::format("route add {} via {}", addr.v4, kP.v4),
                        fmt::format("route add {} via {}", addr.v6, kP.v6)});
}

Result<std::unique_ptr<Network>> Network::make(const Peer& peer, Mode mode) {
  std::unique_ptr<Network> n(new Network(peer, mode));
  BV_CHECK(n->cable());
  n->engine_ = make_engine(peer.engine.value_or(EngineKind::Ipvlan), n->lab_, "host", "P");
  if (!peer.engine) {
    BV_CHECK(n->lab_.ip("host", "route add default dev P"));
    return n;
  }
  BV_CHECK(n->engine_->attach(mode, BV_POLICY_BRIDGE));
  BV_CHECK(n->endpoint(n->a()));
  BV_CHECK(n->endpoint(n->b()));
  return n;
}

std::string input_rules(unsigned rules) {
  std::string text = "*filter\n:INPUT DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n";
  for (unsigned i = 1; i < rules; ++i)
    text += fmt::format("-A INPUT -s 10.{}.{}.{}/32 -p udp -m udp --dport {} -j DROP\n", i % 7,
                        i / 200, i % 200 + 1, 1000 + i);
  return text + "-A INPUT -p udp -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT\nCOMMIT\n";
}

}  // namespace bpfvlan::test
