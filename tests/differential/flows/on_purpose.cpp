// SPDX-License-Identifier: MIT
#include "flows/on_purpose.hpp"

#include <fmt/core.h>
#include <fnmatch.h>

#include <string_view>
#include <tuple>

#include "flows/taps.hpp"

namespace bpfvlan::test {
namespace {

constexpr unsigned kBridge = 1U << BV_POLICY_BRIDGE, kPrivate = 1U << BV_POLICY_PRIVATE,
                   kVepa = 1U << BV_POLICY_VEPA, kAll = kBridge | kPrivate | kVepa;

constexpr unsigned kL2 = 1U << BV_MODE_L2, kL3 = 1U << BV_MODE_L3 | 1U << BV_MODE_L3S,
                   kEither = kL2 | kL3;

// As a shell's patterns, where "*" crosses lines too.
struct Stated {
  std::string_view row;
  const char* subject;
  unsigned modes, policies;
  const char* driver;
  const char* ours;
};

constexpr Stated kStated[] = {
    // The next hop of that route is asked for on the parent, where nobody has it.
    {"flow_ipv6_route_elsewhere", "A -> * icmp ipv6", kL3, kAll,
     "yes, reply's ttl 64\n"
     "    X  out reply/64\n"
     "    P  in reply/64\n"
     "    Q  out request/64\n"
     "    a  out request/64, in reply/64",
     "no\n"
     "    a  out request/64"},
    // The driver's error goes to the wire, and X sends it back to A. Ours reaches X, who has no
    // route for it.
    {"flow_route_mtu", "A -> * of 1400 bytes ipv4", kL3, kAll,
     "EMSGSIZE\n"
     "    X  in error 3.4/64, out error 3.4/63\n"
     "    P  out error 3.4/64, in error 3.4/63\n"
     "    a  out there/64, in error 3.4/63",
     "ENETUNREACH\n"
     "    X  in there/64, out error 3.0/64\n"
     "    P  out there/64, in error 3.0/64\n"
     "    a  out there/64, in error 3.0/64"},
    {"flow_route_mtu", "A -> * of 1400 bytes ipv6", kL3, kAll,
     "EMSGSIZE\n"
     "    X  in error 2.0/64, out error 2.0/63\n"
     "    P  out error 2.0/64, in error 2.0/63\n"
     "    a  out there/64, in error 2.0/63",
     "ENETUNREACH\n"
     "    X  in there/64, out error 1.0/64\n"
     "    P  out there/64, in error 1.0/64\n"
     "    a  out there/64, in error 1.0/64"},
    {"event_mtu_follows", "mtu, the parent's is 1400", kEither, kAll, "a 1400, h 1400",
     "a 1500, h 1500"},
    {"event_mtu_follows", "mtu, the parent's is 1500", kEither, kAll, "a 1500, h 1500",
     "a 1400, h 1400"},
    // The driver's endpoint never hears the error, which goes to the wire.
    // Whether the driver's errors are seen before the connection is given up is a matter of time.
    {"event_mtu_ipv6", "? -> ? tcp ipv6*", kL3, kAll,
     "no\n"
     "*",
     "yes\n"
     "*"},
    // X answers with a packet as large as was sent, which does not get through.
    {"event_mtu_ipv6", "A -> X udp of 1440 bytes ipv6*", kL3, kAll,
     "no\n"
     "    X  in error 2.0/64\n"
     "    P  out error 2.0/64\n"
     "    a  out there/64",
     "no\n"
     "    X  in there in fragments/64, out back/64\n"
     "    P  out there in fragments/64\n"
     "    a  out there in fragments/64"},
    {"event_mtu_ipv6", "A -> B udp of 1440 bytes ipv6*", kEither, kBridge,
     "no\n"
     "    a  out there/64",
     "yes\n"
     "    a  out there in fragments/64, in back in fragments/64\n"
     "    b  in there in fragments/64, out back in fragments/64"},
    {"event_mtu_ipv6", "A -> B udp of 1440 bytes ipv6*", kEither, kPrivate,
     "no\n"
     "    a  out there/64",
     "no\n"
     "    a  out there in fragments/64"},
    {"event_mtu_ipv6", "A -> B udp of 1440 bytes ipv6*", kL3, kVepa,
     "no\n"
     "    X  in error 2.0/64\n"
     "    P  out error 2.0/64\n"
     "    a  out there/64",
     "no\n"
     "    X  in there in fragments/64\n"
     "    P  out there in fragments/64\n"
     "    a  out there in fragments/64"},
    // In mode l2 they go whole as far as they fit.
    {"event_mtu_ipv6", "A -> B udp of 1440 bytes ipv6*", kL2, kVepa,
     "no\n"
     "    X  other host's there/64\n"
     "    P  out there/64\n"
     "    a  out there/64",
     "no\n"
     "    X  other host's there in fragments/64\n"
     "    P  out there in fragments/64\n"
     "    a  out there in fragments/64"},
    {"event_mtu_ipv6", "A -> X udp of 1440 bytes ipv6*", kL2, kAll,
     "no\n"
     "    X  in there/64, out back/64\n"
     "    P  out there/64\n"
     "    a  out there/64",
     "no\n"
     "    X  in there in fragments/64, out back/64\n"
     "    P  out there in fragments/64\n"
     "    a  out there in fragments/64"},
    {"event_mac_follows", "link/ether, *", kEither, kAll,
     "a 02:00:00:00:55:99, h 02:00:00:00:55:99", "a 02:00:00:00:55:25, h 02:00:00:00:55:25"},
    {"event_mac_endpoint_in_host", "X -> H stream *", kEither, kAll,
     "before: yes, the parent has another one: yes, next command: yes, the old one again: yes",
     "before: yes, the parent has another one: no, next command: yes, the old one again: yes"},
    {"event_address_secondary", "X -> 192.168.10.101 icmp ipv4, *", kEither, kAll,
     "no\n"
     "    X  out request/64\n"
     "    P  in request/64",
     "yes, reply's ttl 64\n"
     "    X  out request/64, in reply/64\n"
     "    P  in request/64, out reply/64\n"
     "    a  in request/64, out reply/64"},
    // The host has it, and forwards it.
    {"event_endpoint_down_address", "X -> B icmp *", kEither, kAll,
     "no\n"
     "    X  out request/64, in request/63\n"
     "    P  in request/64, out request/63",
     "no\n"
     "    X  out request/64\n"
     "    P  in request/64"},
    {"event_endpoint_down_address", "A -> B icmp *", kL3, kBridge | kPrivate,
     "no\n"
     "    X  in request/64\n"
     "    P  out request/64\n"
     "    a  out request/64",
     "no\n"
     "    a  out request/64"},
    // With vepa a sibling's address is routed anyway.
    {"event_endpoint_down_address", "A -> B icmp *", kL3, kVepa,
     "no\n"
     "    X  in request/64\n"
     "    P  out request/64\n"
     "    a  out request/64",
     "no\n"
     "    X  in request/64\n"
     "    P  out request/64\n"
     "    a  out request/64"},
    // In mode l2 A knows B's MAC address, which is the host's: that has it, and forwards it.
    {"event_endpoint_down_address", "A -> B icmp ipv4*", kL2, kBridge | kPrivate,
     "no\n"
     "    X  in request/63\n"
     "    P  in request/64, out request/63\n"
     "    a  out request/64",
     "no\n"
     "    a  out request/64"},
    {"event_endpoint_down_address", "A -> B icmp ipv6*", kL2, kBridge | kPrivate,
     "no\n"
     "    P  in request/64\n"
     "    a  out request/64",
     "no\n"
     "    a  out request/64"},
    {"event_endpoint_down_address", "A -> B icmp *", kL2, kVepa,
     "no\n"
     "    X  other host's request/64\n"
     "    P  out request/64\n"
     "    a  out request/64",
     "no\n"
     "    X  other host's request/64\n"
     "    P  out request/64\n"
     "    a  out request/64"},
    {"event_carrier_follows", "carrier, *", kEither, kAll, "a off, h off", "a on, h on"},
    {"event_carrier_follows", "? -> ? stream *", kEither, kBridge,
     "before: yes, pulled: no, plugged in again: yes",
     "before: yes, pulled: yes, plugged in again: yes"},
    // Siblings never talk.
    {"event_carrier_follows", "? -> ? stream *", kEither, kPrivate | kVepa,
     "before: no, pulled: no, plugged in again: no",
     "before: no, pulled: no, plugged in again: no"},
};

bool matches(const char* pattern, const std::string& text) {
  return fnmatch(pattern, text.c_str(), 0) == 0;
}

}  // namespace

std::string unlike_stated(const Comparison& c, const Setting& setting) {
  for (const auto& stated : kStated) {
    if (c.row != stated.row || !(stated.modes >> setting.mode & 1) ||
        !(stated.policies >> setting.policy & 1) || !matches(stated.subject, c.subject))
      continue;
    std::string wrong;
    for (const auto& [who, pattern, seen] : {std::tuple{"the driver", stated.driver, &c.ipvlan},
                                             std::tuple{"ours", stated.ours, &c.bpfvlan}})
      if (!matches(as_seen(pattern, setting.mode).c_str(), *seen))
        wrong += fmt::format("  {} is not as stated:\n    {}\n", who, pattern);
    return wrong;
  }
  return "  differs on purpose, but nothing is stated of it\n";
}
}  // namespace bpfvlan::test
