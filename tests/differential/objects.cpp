// SPDX-License-Identifier: MIT
#include "objects.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "bpfvlan/control.hpp"
#include "lab/command.hpp"
#include "lab/probe.hpp"

namespace bpfvlan::test {
namespace {

using nlohmann::json;
// What was seen on one engine, by row and subject.
using Findings = std::map<std::pair<std::string, std::string>, std::string>;

std::string refused(const Result<>& done) {
  return done ? "taken" : "refused";
}

json link_of(const Topology& t, Place place, const std::string& name) {
  const auto r = lab::run({"ip", "-n", t.netns(place), "-d", "-j", "link", "show", "dev", name});
  return r.status ? json::object() : json::parse(r.out).at(0);
}

// An interface as a parent, with nothing said of mode and policy.
Result<> plain_parent(Topology& t, const std::string& ifname) {
  const auto host = t.netns(Place::P);
  if (t.kind() == EngineKind::Ipvlan)
    return t.lab().ip(host, fmt::format("link add link {} name plain type ipvlan", ifname));
  BV_TRY(auto control, Control::open({.parent_netns = host, .lock_timeout = patience()}));
  AttachRequest request;
  request.parent = ifname;
  return control.attach(request);
}

Result<> forget_plain_parent(Topology& t, const std::string& ifname) {
  const auto host = t.netns(Place::P);
  if (t.kind() == EngineKind::Ipvlan) return t.lab().ip(host, "link delete dev plain");
  BV_TRY(auto control, Control::open({.parent_netns = host, .lock_timeout = patience()}));
  return control.detach(ifname, false);
}

std::string settings_of(Topology& t, const std::string& ifname) {
  if (t.kind() == EngineKind::Ipvlan) {
    const auto data = link_of(t, Place::P, "plain")["linkinfo"]["info_data"];
    for (const auto* flag : {"bridge", "private", "vepa"})
      if (data.value(flag, false)) return fmt::format("{} {}", data.value("mode", "?"), flag);
    return data.dump();
  }
  const auto control =
      Control::open({.parent_netns = t.netns(Place::P), .lock_timeout = patience()});
  if (!control) return control.error().what;
  for (const auto& parent : control->parents())
    if (parent.name == ifname)
      return fmt::format("{} {}", bpfvlan::to_string(parent.mode),
                         bpfvlan::to_string(parent.policy));
  return "none";
}

void parents(Topology& t, Findings& found) {
  const auto host = t.netns(Place::P);
  found[{"obj_loopback", "lo"}] = refused(plain_parent(t, "lo"));
  const auto plain = plain_parent(t, "Q");
  found[{"obj_defaults", "nothing told"}] = plain ? settings_of(t, "Q") : plain.error().what;
  if (plain) (void)forget_plain_parent(t, "Q");
  if (t.lab().ip(host, "link add name bridge type bridge") &&
      t.lab().ip(host, "link set dev Q master bridge"))
    found[{"obj_bridge_port", "Q in a bridge"}] = refused(plain_parent(t, "Q"));
}

void endpoints(Topology& t, Findings& found) {
  for (const auto place : {Place::A, Place::H}) {
    const auto name = std::string(interface_of(place));
    const auto link = link_of(t, place, name);
    bool no_arp = false;
    for (const auto& flag : link.value("flags", json::array())) no_arp |= flag == "NOARP";
    found[{"obj_link", name}] = fmt::format("{}, MTU {}, {}", link.value("address", "?"),
                                            link.value("mtu", 0), no_arp ? "NOARP" : "ARP");
  }
  for (const int family : {AF_INET, AF_INET6}) {
    const auto kind = family == AF_INET ? "IPv4" : "IPv6";
    const auto length = family == AF_INET ? 32 : 128;
    found[{"obj_address_once", kind}] =
        refused(t.engine().add_address("b", fmt::format("{}/{}", kA.of(family), length)));
    found[{"obj_parent_address", kind}] =
        refused(t.engine().add_address("a", fmt::format("{}/{}", kP.of(family), length)));
  }
}

constexpr std::array kHooks{"prerouting", "input", "forward", "output", "postrouting"};

// Counters of what goes from A to X, back, and from A to B at each hook.
Result<> watch(const Topology& t) {
  std::string rules = "table inet watch {\n";
  for (const auto* hook : kHooks) {
    for (const auto* name : {"out", "in", "across"})
      rules += fmt::format("counter {}_{} {{ }}\n", name, hook);
    rules += fmt::format(
        "chain {0} {{ type filter hook {0} priority 0;\n"
        "ip saddr {1} ip daddr {2} counter name out_{0}\n"
        "ip saddr {2} ip daddr {1} counter name in_{0}\n"
        "ip saddr {1} ip daddr {3} counter name across_{0}\n }}\n",
        hook, kA.v4, kX.v4, kB.v4);
  }
  const auto r =
      lab::run({"ip", "netns", "exec", t.netns(Place::P), "nft", "-f", "-"}, rules + "}\n");
  if (r.status) return refuse(std::errc::io_error, "nft: " + r.err);
  return {};
}

std::string counted(const Topology& t, const std::string& name) {
  const auto r =
      lab::run({"ip", "netns", "exec", t.netns(Place::P), "nft", "-j", "list", "counters"});
  if (r.status) return r.err;
  std::map<std::string, int> packets;
  const auto ruleset = json::parse(r.out);
  for (const auto& item : ruleset.at("nftables"))
    if (item.contains("counter")) packets[item["counter"]["name"]] = item["counter"]["packets"];
  std::string out;
  for (const auto* hook : kHooks)
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", hook,
                       packets[fmt::format("{}_{}", name, hook)]);
  return out;
}

Result<> netfilter(Topology& t, Policy policy, Findings& found) {
  BV_CHECK(watch(t));
  const auto a = t.netns(Place::A);
  if (!lab::udp_echo({a, t.netns(Place::X), kX.v4}, 100, patience()))
    return refuse(std::errc::timed_out, "no echo from X");
  const bool sibling = lab::udp_echo({a, t.netns(Place::B), kB.v4}, 100, silence());
  if (sibling != (policy == BV_POLICY_BRIDGE))
    return refuse(std::errc::protocol_error, "an echo from B is bridge's alone");
  found[{"filter_xmit", "a datagram A to X"}] = counted(t, "out");
  found[{"filter_rx", "its echo"}] = counted(t, "in");
  // With vepa it goes to the wire, as what is for X.
  found[{policy == BV_POLICY_VEPA ? "filter_xmit" : "filter_siblings", "a datagram A to B"}] =
      counted(t, "across");
  return {};
}

Result<Findings> look_at(EngineKind kind, const Setting& setting) {
  BV_TRY(const auto t, Topology::make(kind, setting));
  Findings found;
  BV_CHECK(netfilter(*t, setting.policy, found));
  parents(*t, found);
  endpoints(*t, found);
  return found;
}

}  // namespace

Result<Comparisons> compare_objects(const Setting& setting) {
  BV_TRY(auto ipvlan, look_at(EngineKind::Ipvlan, setting));
  BV_TRY(auto bpfvlan, look_at(EngineKind::Bpfvlan, setting));
  Comparisons out;
  for (auto& [what, seen] : ipvlan) out.push_back({what.first, what.second, seen, bpfvlan[what]});
  return out;
}

}  // namespace bpfvlan::test
