// SPDX-License-Identifier: MIT
// Frames between X and A, one after the other: what connection tracking and rules make of each.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bpfvlan/test/frame.hpp"
#include "topology.hpp"

namespace bpfvlan::test {

struct Step {
  std::string what;
  Place from = Place::X;  // or A
  Bytes frame{};
  std::chrono::seconds wait{};  // before it
};

// The chains' policies and rules as iptables-save has them, but for the table's first and last
// line. This one tells the states apart by its counters, and lets no INVALID packet through.
inline constexpr const char* kByState = R"(:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -m conntrack --ctstate NEW -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED -j ACCEPT
-A OUTPUT -m conntrack --ctstate INVALID -j DROP
-A OUTPUT -m conntrack --ctstate NEW -j ACCEPT
-A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A OUTPUT -m conntrack --ctstate RELATED -j ACCEPT
)";

// Of what differs on purpose: what is to be seen of each, as a shell's pattern.
struct Stated {
  const char* driver;
  const char* ours;
};

struct Script {
  const char* row;  // id in rows.cpp
  std::string name;
  int family = 0;
  std::vector<Step> steps{};
  // NAME=VALUE of net.netfilter, for this script alone.
  std::vector<std::pair<std::string, std::string>> settings{};
  std::string rules = kByState;
  // What counts is only what has passed in the end; and how many packets and bytes.
  bool at_the_end = false, counts = true;
  bool seconds = true;  // compare what is left of the time-outs
  // A's too, and not the driver's host alone: its answers to what it rejects are A's.
  bool stacks_answer = false;
  std::optional<Stated> stated{};
};
using Scripts = std::vector<Script>;

void add_tcp_scripts(Scripts& all, int family);         // open and close
void add_tcp_window_scripts(Scripts& all, int family);  // resets, windows, time-outs, reuse
void add_datagram_scripts(Scripts& all, int family);    // UDP, echo, others
void add_error_scripts(Scripts& all, int family);       // ICMP errors
void add_fragment_scripts(Scripts& all, int family);
void add_rule_scripts(Scripts& all, int family);

inline Place other_end(Place place) {
  return place == Place::X ? Place::A : Place::X;
}

// What `from` sends to the other of X and A; further layers behind the IP header.
template <class... Layers>
Bytes packet(int family, Place from, Layers... layers) {
  const Ethernet mac{.dst = kMacP, .src = from == Place::X ? kMacX : kMacP};
  const auto &src = address_of(from), &dst = address_of(other_end(from));
  if (family == AF_INET)
    return frame(mac, IPv4{.src = src.v4, .dst = dst.v4}, std::move(layers)...);
  return frame(mac, IPv6{.src = src.v6, .dst = dst.v6}, std::move(layers)...);
}

}  // namespace bpfvlan::test
