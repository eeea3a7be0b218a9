// SPDX-License-Identifier: MIT
#include <net/ethernet.h>

#include <algorithm>
#include <string_view>

#include "frames/fixed_frames_list.hpp"

namespace bpfvlan::test {
namespace {

constexpr auto A = Place::A, X = Place::X;
const MacAddr kBroadcast = "ff:ff:ff:ff:ff:ff";
const MacAddr kAllHosts = "01:00:5e:00:00:01", kAllNodes = "33:33:00:00:00:01";
const MacAddr kGroupOfA = "33:33:ff:00:01:00", kGroupOfB = "33:33:ff:00:02:00";
const MacAddr kNobodys = "01:00:5e:01:02:03";  // a group that none has joined

Ethernet from_x(const MacAddr& to) {
  return {.dst = to, .src = kMacX};
}
Ethernet from_a(const MacAddr& to) {
  return {.dst = to, .src = kMacP};
}
Arp arp(const MacAddr& mac, const char* sender, const char* target) {
  return {.sender_mac = mac, .sender_ip = sender, .target_ip = target};
}
constexpr const char* kGroup6OfA = "ff02::1:ff00:100";
constexpr const char* kGroup6OfB = "ff02::1:ff00:200";

// Broadcast and multicast from the wire.
void add_rx_groups(FixedFrames& all) {
  const char* row = "rx_group";
  const char* everybody = "A(multicast) B(multicast) H(multicast) host(multicast)";
  const char* by_broadcast = "A(broadcast) B(broadcast) H(broadcast) host(broadcast)";
  const IPv4 ip{.src = kX.v4, .dst = "224.0.0.1"};
  const IPv6 ip6{.src = kX.v6, .dst = "ff02::1"};
  all.push_back({row, "IPv4 broadcast",
                 at(X, from_x(kBroadcast), IPv4{.src = kX.v4, .dst = "255.255.255.255"}, Udp{}),
                 by_broadcast});
  all.push_back({row, "all hosts", at(X, from_x(kAllHosts), ip, Udp{}), everybody});
  all.push_back({row, "all nodes", at(X, from_x(kAllNodes), ip6, Udp{}), everybody});
  all.push_back({row, "a group that A alone has joined",
                 at(X, from_x(kGroupOfA), IPv6{.src = kX.v6, .dst = kGroup6OfA}, Udp{}),
                 "A(multicast) host(multicast)"});
  all.push_back({row, "a group that none has joined",
                 at(X, from_x(kNobodys), IPv4{.src = kX.v4, .dst = "239.1.2.3"}, Udp{}),
                 "host(multicast)"});
  all.push_back({row, "an unknown type", at(X, from_x(kBroadcast)), by_broadcast});
  all.push_back({row, "a malformed packet",
                 at(X, from_x(kBroadcast), IPv4{.src = kX.v4, .version = 5}), by_broadcast});
  row = "rx_group_mac";
  all.push_back({row, "broadcast, to A's IPv4 address",
                 at(X, from_x(kBroadcast), IPv4{.src = kX.v4, .dst = kA.v4}, Udp{}), by_broadcast});
  all.push_back({row, "multicast, to A's IPv6 address",
                 at(X, from_x(kAllNodes), IPv6{.src = kX.v6, .dst = kA.v6}, Udp{}), everybody});
  all.push_back({"rx_priority_tag", "broadcast",
                 at(X, from_x(kBroadcast), Vlan{.id = 0, .priority = 5}, ip, Udp{}), by_broadcast});
  all.push_back({"rx_vlan", "broadcast", at(X, from_x(kBroadcast), Vlan{.id = 7}, ip, Udp{}),
                 "A(broadcast) B(broadcast) H(broadcast) host(other host)"});
}

// What an endpoint sent and a switch sends back.
void add_reflections(FixedFrames& all) {
  const Ethernet back{.dst = kBroadcast, .src = kMacP};
  for (const char* row : {"rx_echo", "rx_reflected"}) {
    all.push_back({row, "A's broadcast",
                   at(X, back, IPv4{.src = kA.v4, .dst = "255.255.255.255"}, Udp{}),
                   "host(broadcast)"});
    all.push_back({row, "A's multicast",
                   at(X, from_a(kAllNodes), IPv6{.src = kA.v6, .dst = "ff02::1"}, Udp{}),
                   "host(multicast)"});
    all.push_back(
        {row, "A's ARP request for B", at(X, back, arp(kMacP, kA.v4, kB.v4)), "host(broadcast)"});
    all.push_back({row, "A's solicitation for B",
                   at(X, from_a(kGroupOfB), IPv6{.src = kA.v6, .dst = kGroup6OfB},
                      NeighborSolicitation{.target = kB.v6}),
                   "host(multicast)"});
  }
  all.push_back({"rx_echo", "A's ARP request for X", at(X, back, arp(kMacP, kA.v4, kX.v4)),
                 "host(broadcast)"});
  all.push_back({"rx_echo", "A's duplicate address detection",
                 at(X, from_a(kGroupOfA), IPv6{.src = "::", .dst = kGroup6OfA},
                    NeighborSolicitation{.target = kA.v6}),
                 "host(multicast)"});
  const char* everybody = "A(broadcast) B(broadcast) H(broadcast) host(broadcast)";
  const IPv4 of_parent{.src = kP.v4, .dst = "255.255.255.255"};
  all.push_back({"rx_reflected_unknown", "the parent's own broadcast",
                 at(X, back, of_parent, Udp{}), everybody});
  all.push_back({"rx_group_source", "broadcast",
                 at(X, Ethernet{.dst = kBroadcast, .src = kAllHosts}, of_parent, Udp{}),
                 everybody});
}

void add_rx_discovery(FixedFrames& all) {
  const auto request = [](const char* target) { return arp(kMacX, kX.v4, target); };
  const Ethernet to_us = from_x(kMacP);
  const char* everybody = "A(broadcast) B(broadcast) H(broadcast) host(broadcast)";
  all.push_back({"rx_arp", "request for A, unicast", at(X, to_us, request(kA.v4)), "A"});
  all.push_back({"rx_arp", "reply to B",
                 at(X, to_us,
                    Arp{.operation = Arp::kReply,
                        .sender_mac = kMacX,
                        .sender_ip = kX.v4,
                        .target_mac = kMacP,
                        .target_ip = kB.v4}),
                 "B"});
  all.push_back({"rx_arp_other", "request for the parent",
                 at(X, from_x(kBroadcast), request(kP.v4)), everybody});
  all.push_back({"rx_arp_other", "gratuitous", at(X, from_x(kBroadcast), arp(kMacX, kX.v4, kX.v4)),
                 everybody});
  all.push_back({"rx_arp_other", "cut, unicast",
                 FrameCase{X, resized(frame(to_us, request(kA.v4)), 41), {}}, "host"});
  const char* row = "rx_solicited";
  all.push_back({row, "ARP request for A", at(X, from_x(kBroadcast), request(kA.v4)), everybody});
  all.push_back({row, "solicitation for A to all nodes",
                 at(X, from_x(kAllNodes), IPv6{.src = kX.v6, .dst = "ff02::1"},
                    NeighborSolicitation{.target = kA.v6}),
                 "A(multicast) B(multicast) H(multicast) host(multicast)"});
  const IPv6 probe{.src = "::", .dst = kGroup6OfA, .hop_limit = 255};
  const NeighborSolicitation for_a{.target = kA.v6};
  all.push_back({"rx_dad", "for A's address", at(X, from_x(kGroupOfA), probe, for_a),
                 "A(multicast) host(multicast)"});
  all.push_back({"rx_dad", "for A's address, unicast", at(X, to_us, probe, for_a), "A"});
  all.push_back({"rx_dad", "for A's address, unicast, cut",
                 FrameCase{X, resized(frame(to_us, probe, for_a), 14 + 40 + 23), {}}, "host"});
  row = "rx_neighbour_discovery";
  all.push_back({row, "solicitation for A to its group",
                 at(X, from_x(kGroupOfA), IPv6{.src = kX.v6, .dst = kGroup6OfA}, for_a),
                 "A(multicast) host(multicast)"});
  all.push_back(
      {row, "solicitation to A", at(X, to_us, IPv6{.src = kX.v6, .dst = kA.v6}, for_a), "A"});
  all.push_back({row, "to A's link-local address",
                 at(X, to_us, IPv6{.src = "fe80::ff:fe00:5501", .dst = link_local_of(A)},
                    NeighborAdvertisement{.target = kX.v6}),
                 "A"});
}

void add_siblings(FixedFrames& all) {
  const Ethernet own = from_a(kMacP);
  const Gets b{"B", "", "wire"};
  const IPv4 ip{.src = kA.v4, .dst = kB.v4};
  const IPv6 ip6{.src = kA.v6, .dst = kB.v6};
  const char* row = "xmit_sibling";
  all.push_back({row, "IPv4 A to B", at(A, own, ip, Udp{}), b});
  all.push_back({row, "IPv6 A to B", at(A, own, ip6, Tcp{}), b});
  all.push_back({row, "link-local addresses",
                 at(A, own, IPv6{.src = link_local_of(A), .dst = link_local_of(Place::B)}, Udp{}),
                 b});
  all.push_back(
      {row, "A to H", at(A, own, IPv4{.src = kA.v4, .dst = kH.v4}, Udp{}), {"H", "", "wire"}});
  all.push_back(
      {row, "to itself", at(A, own, IPv4{.src = kA.v4, .dst = kA.v4}, Udp{}), {"A", "", "wire"}});
  all.push_back({row, "an answer to B's ARP request",
                 at(A, own,
                    Arp{.operation = Arp::kReply,
                        .sender_mac = kMacP,
                        .sender_ip = kA.v4,
                        .target_mac = kMacP,
                        .target_ip = kB.v4}),
                 b});
  all.push_back(
      {row, "an advertisement for B", at(A, own, ip6, NeighborAdvertisement{.target = kA.v6}), b});
  all.push_back({row, "segmented", segmented(own, ip6), b});
  all.push_back({row, "jumbo", FrameCase{A, frame(own, ip, Udp{}, payload(8900)), {}}, b});
  all.push_back({"xmit_priority_tag", "IPv4 A to B", at(A, own, Vlan{.id = 0}, ip, Udp{}), "B"});
  row = "xmit_sibling_mac";
  all.push_back({row, "another host's", at(A, from_a("02:00:00:00:99:99"), ip, Udp{}), "wire"});
  all.push_back({row,
                 "another host's, its source as well",
                 at(A, Ethernet{.dst = "02:00:00:00:99:99", .src = "02:00:00:00:99:99"}, ip, Udp{}),
                 {"B(other host)", "", "wire"}});
  row = "xmit_sibling_discovery";
  all.push_back({row, "ARP request", at(A, from_a(kBroadcast), arp(kMacP, kA.v4, kB.v4)),
                 "B(broadcast) H(broadcast) wire"});
  all.push_back({row, "solicitation",
                 at(A, from_a(kGroupOfB), IPv6{.src = kA.v6, .dst = kGroup6OfB},
                    NeighborSolicitation{.target = kB.v6}),
                 "B(multicast) wire"});
  all.push_back({row, "duplicate address detection",
                 at(A, from_a(kGroupOfB), IPv6{.src = "::", .dst = kGroup6OfB},
                    NeighborSolicitation{.target = kB.v6}),
                 "B(multicast) wire"});
}

void add_own_mac(FixedFrames& all) {
  const Ethernet own = from_a(kMacP);
  const Gets host{"host", "host", "wire"};
  const char* row = "xmit_own_mac";
  all.push_back({row, "the parent's IPv4 address",
                 at(A, own, IPv4{.src = kA.v4, .dst = kP.v4}, Udp{}), host});
  all.push_back({row, "the parent's IPv6 address",
                 at(A, own, IPv6{.src = kA.v6, .dst = kP.v6}, Udp{}), host});
  all.push_back({row, "X's address", at(A, own, IPv4{.src = kA.v4, .dst = kX.v4}, Udp{}), host});
  all.push_back({row, "from H", at(Place::H, own, IPv4{.src = kH.v4, .dst = kP.v4}, Udp{}), host});
  all.push_back({row, "ARP for the parent", at(A, own, arp(kMacP, kA.v4, kP.v4)), host});
  all.push_back({row, "an unknown type", at(A, own), host});
  all.push_back({row,
                 "of another host, and its source",
                 at(A, Ethernet{.dst = "02:00:00:00:99:99", .src = "02:00:00:00:99:99"},
                    IPv4{.src = kA.v4, .dst = kP.v4}, Udp{}),
                 {"host(other host)", "host(other host)", "wire"}});
  all.push_back({"xmit_malformed", "to the shared MAC address",
                 at(A, own, IPv4{.src = kA.v4, .dst = kB.v4, .version = 5}, Udp{}), host});
  all.push_back(
      {"xmit_mended_header",
       "a total length 14 bytes beyond the end",
       at(A, own, IPv4{.src = kA.v4, .dst = kB.v4, .total_length = 20 + 8 + 32 + 14}, Udp{}),
       {"B", "", "wire"}});
  all.push_back({"xmit_lying_segments",
                 "no next header",
                 segmented(own, IPv6{.src = kA.v6, .dst = kB.v6, .next_header = 59}),
                 {"B", "", ""}});
  row = "xmit_not_ip";
  all.push_back({row,
                 "tagged, to the shared MAC address, nobody's IP address",
                 at(A, own, Vlan{.id = 7}, IPv4{.src = kA.v4, .dst = kX.v4}, Udp{}),
                 {"host(other host)", "host(other host)", "wire"}});
}

void add_groups(FixedFrames& all) {
  const IPv4 ip{.src = kA.v4, .dst = "255.255.255.255"};
  const IPv6 ip6{.src = kA.v6, .dst = "ff02::1"};
  const char* b_and_h = "B(broadcast) H(broadcast) wire";
  const char* heard = "B(multicast) H(multicast) wire";
  for (const char* row : {"xmit_group", "xmit_group_policy"}) {
    all.push_back({row, "IPv4 broadcast", at(A, from_a(kBroadcast), ip, Udp{}), b_and_h});
    all.push_back({row, "IPv4 multicast",
                   at(A, from_a(kAllHosts), IPv4{.src = kA.v4, .dst = "224.0.0.1"}, Udp{}), heard});
    all.push_back({row, "IPv6 multicast", at(A, from_a(kAllNodes), ip6, Udp{}), heard});
    all.push_back({row, "to B's IP address",
                   at(A, from_a(kBroadcast), IPv4{.src = kA.v4, .dst = kB.v4}, Udp{}), b_and_h});
    all.push_back({row, "to a group that B alone has joined",
                   at(A, from_a(kGroupOfB), IPv6{.src = kA.v6, .dst = kGroup6OfB}, Udp{}),
                   "B(multicast) wire"});
    all.push_back(
        {row, "gratuitous ARP", at(A, from_a(kBroadcast), arp(kMacP, kA.v4, kA.v4)), b_and_h});
    all.push_back({row, "ARP for X", at(A, from_a(kBroadcast), arp(kMacP, kA.v4, kX.v4)), b_and_h});
    all.push_back(
        {row, "from H",
         at(Place::H, from_a(kBroadcast), IPv4{.src = kH.v4, .dst = "255.255.255.255"}, Udp{}),
         "A(broadcast) B(broadcast) wire"});
  }
  all.push_back({"xmit_group", "to a group that none has joined",
                 at(A, from_a(kNobodys), IPv4{.src = kA.v4, .dst = "239.1.2.3"}, Udp{}), "wire"});
  const char* row = "xmit_not_ip";
  all.push_back({row, "PAUSE", at(A, from_a("01:80:c2:00:00:01"), Pause{}), ""});
  all.push_back({row, "LLDP", at(A, from_a("01:80:c2:00:00:0e"), Lldp{}), "wire"});
  all.push_back({row, "tagged, to X",
                 at(A, from_a(kMacX), Vlan{.id = 7}, IPv4{.src = kA.v4, .dst = kX.v4}, Udp{}),
                 "wire"});
  all.push_back({row, "unknown, to X", at(A, from_a(kMacX)), "wire"});
  all.push_back({"xmit_cut_tag", "four bytes of it",
                 FrameCase{A, resized(frame(from_a(kMacX), Vlan{.id = 7}, payload(32)), 18), {}},
                 ""});  // X drops it as well
}

// To X's MAC address, whatever other modes make of them.
void add_unchanged(FixedFrames& all) {
  FixedFrames others;
  add_routed_frames(others);
  add_broken_frames(others);
  for (auto& f : others) {
    if (f.c.offload.flags) continue;
    if (f.c.at != Place::P) {
      const auto& mac = MacAddr(kMacX).octets;
      std::copy(mac.begin(), mac.end(), f.c.frame.begin());
    }
    f.gets = "wire";
    all.push_back(std::move(f));
  }
}

}  // namespace

void add_l2_frames(FixedFrames& all) {
  add_rx_groups(all);
  add_reflections(all);
  add_rx_discovery(all);
  add_siblings(all);
  add_own_mac(all);
  add_groups(all);
  add_unchanged(all);
}

}  // namespace bpfvlan::test
