// SPDX-License-Identifier: MIT
// What an endpoint has, and what it may be given.
#include <fmt/core.h>
#include <sys/socket.h>

#include "lab/command.hpp"
#include "objects/object_case.hpp"

namespace bpfvlan::test {
namespace {

Result<Outcome> link_text(const Topology& t, Place place) {
  BV_TRY(const auto link, link_of(t, place, std::string(interface_of(place))));
  bool no_arp = false;
  for (const auto& flag : link.at("flags")) no_arp |= flag == "NOARP";
  return Outcome{fmt::format("{}, MTU {}, {}", link.value("address", "?"), link.value("mtu", 0),
                             no_arp ? "NOARP" : "ARP")};
}

Look add_address(const char* endpoint, std::string cidr) {
  return [=](Topology& t) -> Result<Outcome> {
    const auto added = t.engine().add_address(endpoint, cidr);
    if (added) BV_CHECK(t.engine().delete_address(endpoint, cidr));
    return outcome_of(added);
  };
}

Result<> set_policy_of_a(const Topology& t, Policy policy) {
  if (t.kind() == EngineKind::Ipvlan)
    return t.lab().ip(t.netns(Place::A),
                      fmt::format("link set dev a type ipvlan {}", bpfvlan::to_string(policy)));
  return control(t, [&](Control& c) { return c.set_endpoint("a", {}, policy); });
}

// A is told another policy than all have: what has B then?
Result<Outcome> last_writer(Topology& t, Policy all, Policy other) {
  BV_CHECK(set_policy_of_a(t, other));
  std::string of_b;
  if (t.kind() == EngineKind::Ipvlan) {
    BV_TRY(const auto link, link_of(t, Place::B, "b"));
    of_b = settings_of(link);
  } else {
    BV_CHECK(control(t, [&](Control& c) -> Result<> {
      BV_TRY(const auto b, c.endpoint("b"));
      of_b = fmt::format("{} {}", bpfvlan::to_string(b.mode), bpfvlan::to_string(b.policy));
      return {};
    }));
  }
  BV_CHECK(set_policy_of_a(t, all));
  return Outcome{of_b};
}

// Of B's solicited-node group, which P's own stack has not joined.
Result<Outcome> filter_of_parent(const Topology& t) {
  BV_TRY(const auto link, link_of(t, Place::P, "P"));
  bool all = false;
  for (const auto& flag : link.at("flags")) all |= flag == "ALLMULTI";
  const auto groups = lab::run({"ip", "-n", t.netns(Place::P), "maddress", "show", "dev", "P"}).out;
  const bool lets_in = groups.find("33:33:ff:00:02:00") != std::string::npos;
  return Outcome{fmt::format("{}, promiscuity {}",
                             all       ? "all multicast"
                             : lets_in ? "B's group"
                                       : "not B's group",
                             link.value("promiscuity", -1))};
}

}  // namespace

void add_endpoint_cases(ObjectCases& all, const Setting& setting) {
  const auto policy = setting.policy;
  const char* arp = setting.mode == BV_MODE_L2 ? "ARP" : "NOARP";
  for (const auto place : {Place::A, Place::H}) {
    const Outcome link{fmt::format("{}, MTU 1500, {}", kMacP, arp)};
    all.push_back({"obj_link", std::string(interface_of(place)), link, link,
                   [place](const Topology& t) { return link_text(t, place); }});
  }
  if (setting.mode == BV_MODE_L2)
    all.push_back({"obj_memberships",
                   "the parent's filter",
                   {"B's group, promiscuity 0"},
                   {"all multicast, promiscuity 0"},
                   filter_of_parent});
  const auto other = policy == BV_POLICY_PRIVATE ? BV_POLICY_BRIDGE : BV_POLICY_PRIVATE;
  all.push_back({"obj_last_writer",
                 "B's, when A is told another policy",
                 {to_string(Setting{.mode = setting.mode, .policy = other})},
                 {to_string(setting)},
                 [=](Topology& t) { return last_writer(t, policy, other); }});
  for (const int family : {AF_INET, AF_INET6}) {
    const auto* kind = family == AF_INET ? "IPv4" : "IPv6";
    const auto one = [&](const Addr& address) {
      return fmt::format("{}/{}", address.of(family), family == AF_INET ? 32 : 128);
    };
    all.push_back({"obj_address_once", kind, refused("ddress already assigned to an ipvlan device"),
                   refused("belongs to endpoint 'a'"), add_address("b", one(kA))});
    all.push_back({"obj_parent_address", kind, taken(), refused("belongs to the parent itself"),
                   add_address("a", one(kP))});
  }
}

}  // namespace bpfvlan::test
