// SPDX-License-Identifier: MIT
#include <net/ethernet.h>

#include "frames/fixed_frames_list.hpp"
#include "frames/pools.hpp"

namespace bpfvlan::test {
namespace {

constexpr auto A = Place::A;
const Ethernet kOut{.dst = kMacP, .src = kMacP};

IPv4 ip(const char* to) {
  return {.src = kA.v4, .dst = to};
}
IPv6 ip6(const char* to) {
  return {.src = kA.v6, .dst = to};
}

}  // namespace

void add_sibling_frames(FixedFrames& all) {
  const Gets b{"B", "", "wire"};
  const char* row = "xmit_sibling";
  all.push_back({row, "IPv4 A to B", at(A, kOut, ip(kB.v4), Udp{}), b});
  all.push_back(
      {row, "IPv6 A to B, no route by the parent", at(A, kOut, ip6(kB.v6), Udp{}), {"B", "", ""}});
  all.push_back({row, "IPv4 A to H", at(A, kOut, ip(kH.v4), Udp{}), {"H", "", "wire"}});
  all.push_back({row,
                 "IPv4 H to A",
                 at(Place::H, kOut, IPv4{.src = kH.v4, .dst = kA.v4}, Udp{}),
                 {"A", "", "wire"}});
  all.push_back({row, "IPv4 A to itself", at(A, kOut, ip(kA.v4), Udp{}), {"A", "", "wire"}});
  all.push_back(
      {row, "a source that is not A's", at(A, kOut, IPv4{.src = kX.v4, .dst = kB.v4}, Udp{}), b});
  all.push_back(
      {row, "time to live 1", at(A, kOut, IPv4{.src = kA.v4, .dst = kB.v4, .ttl = 1}, Udp{}), b});
  all.push_back({row, "segmented", segmented(kOut, ip6(kB.v6)), {"B", "", ""}});
  all.push_back({row, "jumbo", FrameCase{A, frame(kOut, ip(kB.v4), Udp{}, payload(8900)), {}}, b});
  all.push_back(
      {"xmit_mended_header", "a total length 14 bytes beyond the end",
       at(A, kOut, IPv4{.src = kA.v4, .dst = kB.v4, .total_length = 20 + 8 + 32 + 14}, Udp{}), b});
  row = "xmit_sibling_mac";
  const auto to = [](const char* mac) { return Ethernet{.dst = mac, .src = kMacP}; };
  all.push_back({row,
                 "another host's",
                 at(A, to("02:00:00:00:99:99"), ip(kB.v4), Udp{}),
                 {"B(other host)", "", "wire"}});
  all.push_back({row,
                 "broadcast",
                 at(A, to("ff:ff:ff:ff:ff:ff"), ip(kB.v4), Udp{}),
                 {"B(broadcast)", "", ""}});
  all.push_back({row,
                 "multicast",
                 at(A, to("33:33:00:00:00:01"), ip6(kB.v6), Udp{}),
                 {"B(multicast)", "", ""}});
  row = "xmit_sibling_discovery";
  all.push_back({row,
                 "ARP request",
                 at(A, to("ff:ff:ff:ff:ff:ff"),
                    Arp{.sender_mac = kMacP, .sender_ip = kA.v4, .target_ip = kB.v4}),
                 {"B(broadcast)", "", ""}});
  all.push_back({row,
                 "duplicate address detection",
                 at(A, to("33:33:ff:00:02:00"), IPv6{.src = "::", .dst = "ff02::1:ff00:200"},
                    NeighborSolicitation{.target = kB.v6}),
                 {"B(multicast)", "", ""}});
  row = "xmit_group";
  all.push_back(
      {row, "IPv4 broadcast", at(A, to("ff:ff:ff:ff:ff:ff"), ip("255.255.255.255"), Udp{}), ""});
  all.push_back(
      {row, "IPv4 multicast", at(A, to("01:00:5e:00:00:01"), ip("224.0.0.1"), Udp{}), ""});
  all.push_back({row, "IPv6 multicast", at(A, to("33:33:00:00:00:01"), ip6("ff02::1"), Udp{}), ""});
  all.push_back({row, "a group's MAC address, X's IPv4 address",
                 at(A, to("01:00:5e:00:00:01"), ip(kX.v4), Udp{}), ""});
  all.push_back(
      {row, "an IPv4 group by a unicast MAC address", at(A, kOut, ip("224.0.0.1"), Udp{}), ""});
  row = "xmit_not_ip";
  all.push_back({row, "ARP for X",
                 at(A, to("ff:ff:ff:ff:ff:ff"),
                    Arp{.sender_mac = kMacP, .sender_ip = kA.v4, .target_ip = kX.v4}),
                 ""});
  all.push_back({row, "LLDP", at(A, to("01:80:c2:00:00:0e"), Lldp{}), ""});
  all.push_back({row, "unknown", at(A, kOut), ""});
  all.push_back({row, "in a VLAN, to a sibling", at(A, kOut, Vlan{.id = 7}, ip(kB.v4), Udp{}), ""});
  all.push_back(
      {row, "with a priority tag, to a sibling", at(A, kOut, Vlan{.id = 0}, ip(kB.v4), Udp{}), ""});
}

void add_routed_frames(FixedFrames& all) {
  const char* row = "xmit_wire";
  all.push_back({row, "IPv4 to X", at(A, kOut, ip(kX.v4), Udp{}), "wire"});
  all.push_back({row, "IPv6 to X", at(A, kOut, ip6(kX.v6), Udp{}), "wire"});
  all.push_back({row, "IPv4 by a gateway", at(A, kOut, ip("10.66.1.2"), Udp{}), "wire"});
  all.push_back({row, "IPv6 by a gateway", at(A, kOut, ip6("fd00:66::2"), Udp{}), "wire"});
  all.push_back(
      {row, "any source", at(A, kOut, IPv4{.src = "198.51.100.9", .dst = kX.v4}, Udp{}), "wire"});
  all.push_back({row, "time to live 1",
                 at(A, kOut, IPv4{.src = kA.v4, .dst = kX.v4, .ttl = 1}, Udp{}), "wire"});
  all.push_back({row, "hop limit 0",
                 at(A, kOut, IPv6{.src = kA.v6, .dst = kX.v6, .hop_limit = 0}, Udp{}), "wire"});
  all.push_back(
      {row, "from H", at(Place::H, kOut, IPv4{.src = kH.v4, .dst = kX.v4}, Udp{}), "wire"});
  all.push_back(
      {row, "any MAC address",
       at(A, Ethernet{.dst = "02:00:00:00:99:99", .src = "02:00:00:00:88:88"}, ip(kX.v4), Udp{}),
       "wire"});
  row = "xmit_host";
  all.push_back({row, "IPv4 to the parent", at(A, kOut, ip(kP.v4), Udp{}), "host"});
  all.push_back({row, "IPv6 to the parent", at(A, kOut, ip6(kP.v6), Udp{}), "host"});
  all.push_back({row, "another host's MAC address",
                 at(A, Ethernet{.dst = kMacX, .src = kMacP}, ip(kP.v4), Udp{}), "host"});
  all.push_back({row, "IPv6, another host's MAC address",
                 at(A, Ethernet{.dst = kMacX, .src = kMacP}, ip6(kP.v6), Udp{}), "host"});
  row = "xmit_ipv4_no_route";
  all.push_back({row, "none", at(A, kOut, ip("192.0.2.9"), Udp{}), "wire"});
  all.push_back({row, "blackhole", at(A, kOut, ip("198.51.100.5"), Udp{}), "wire"});
  all.push_back({row, "unreachable", at(A, kOut, ip("198.51.100.130"), Udp{}), "wire"});
  all.push_back({row, "by another interface", at(A, kOut, ip("10.78.1.2"), Udp{}), "wire"});
  all.push_back({row, "an address of the host's on another interface",
                 at(A, kOut, ip("10.77.0.25"), Udp{}), "wire"});
  row = "xmit_ipv6_no_route";
  all.push_back({row, "none", at(A, kOut, ip6("2001:db8:7::7"), Udp{}), ""});
  all.push_back({row, "blackhole", at(A, kOut, ip6("2001:db8:b::1"), Udp{}), ""});
  all.push_back({row, "unreachable", at(A, kOut, ip6("2001:db8:c::1"), Udp{}), ""});
  all.push_back({row, "prohibit", at(A, kOut, ip6("2001:db8:d::1"), Udp{}), ""});
  row = "xmit_route_types";
  all.push_back({row, "the subnet's broadcast", at(A, kOut, ip("10.211.55.255"), Udp{}), ""});
  all.push_back({row, "a broadcast route", at(A, kOut, ip("10.79.0.255"), Udp{}), ""});
  all.push_back({row, "a multicast route", at(A, kOut, ip("10.81.0.9"), Udp{}), ""});
  row = "xmit_loopback";
  all.push_back({row, "127.0.0.1", at(A, kOut, ip("127.0.0.1"), Udp{}), "wire"});
  all.push_back({row, "::1", at(A, kOut, ip6("::1"), Udp{}), ""});
  all.push_back({"parent_sends", "IPv4 to X",
                 at(Place::P, from(Place::P), IPv4{.src = kP.v4, .dst = kX.v4}, Udp{}), "wire"});
  all.push_back({"parent_sends", "IPv6 to A",
                 at(Place::P, from(Place::P), IPv6{.src = kP.v6, .dst = kA.v6}, Udp{}), "wire"});
  all.push_back({"xmit_ipv6_other_interface", "by a gateway there",
                 at(A, kOut, ip6(kOtherInterface6), Udp{}), "other-interface"});
  all.push_back(
      {"xmit_ipv6_link_local", "the parent's", at(A, kOut, ip6(kLinkLocalP), Udp{}), "host"});
  all.push_back({"xmit_path_mtu", "IPv4",
                 FrameCase{A, frame(kOut, ip(kSmallMtu4), Udp{}, payload(2000)), {}}, "wire wire"});
  all.push_back({"xmit_path_mtu", "IPv6",
                 FrameCase{A, frame(kOut, ip6(kSmallMtu6), Udp{}, payload(2000)), {}}, ""});
}

void add_broken_frames(FixedFrames& all) {
  const char* row = "xmit_malformed";
  all.push_back({row, "version 5, to a sibling",
                 at(A, kOut, IPv4{.src = kA.v4, .dst = kB.v4, .version = 5}, Udp{}), "wire"});
  all.push_back({row, "IPv6 with version 4, to X",
                 at(A, kOut, IPv6{.src = kA.v6, .dst = kX.v6, .version = 4}, Udp{}), "wire"});
  all.push_back({"xmit_lying_segments",
                 "no next header",
                 segmented(kOut, IPv6{.src = kA.v6, .dst = kB.v6, .next_header = 59}),
                 {"B", "", ""}});
  row = "xmit_mended_header";
  all.push_back({row, "total length beyond the frame, to a sibling",
                 at(A, kOut, IPv4{.src = kA.v4, .dst = kB.v4, .total_length = 1000}, Udp{}),
                 "wire"});
  all.push_back({row, "a wrong checksum",
                 at(A, kOut, IPv4{.src = kA.v4, .dst = kX.v4, .checksum = 0x1234}, Udp{}), "wire"});
  all.push_back({row, "an IPv6 payload length too small",
                 at(A, kOut, IPv6{.src = kA.v6, .dst = kX.v6, .payload_length = 8}, Udp{}),
                 "wire"});
  all.push_back({row,
                 "an IPv6 payload length too large, to an endpoint in the host",
                 at(A, kOut, IPv6{.src = kA.v6, .dst = kH.v6, .payload_length = 600}, Udp{}),
                 {"H", "", "host"}});
  all.push_back({"xmit_group_by_unicast", "all nodes", at(A, kOut, ip6("ff02::1"), Udp{}), "wire"});
  all.push_back(
      {"xmit_igmp", "to X", at(A, kOut, IPv4{.src = kA.v4, .dst = kX.v4, .protocol = 2}), "wire"});
  all.push_back({"xmit_ipv6_from_mapped", "to X",
                 at(A, kOut, IPv6{.src = "::ffff:192.168.10.100", .dst = kX.v6}, Udp{}), "wire"});
  all.push_back({"xmit_ipv6_from_mapped_elsewhere", "to the parent",
                 at(A, kOut, IPv6{.src = "::ffff:192.168.10.100", .dst = kP.v6}, Udp{}), "host"});
  all.push_back({"xmit_ipv6_from_nobody", "to the parent",
                 at(A, kOut, IPv6{.src = "::", .dst = kP.v6}, Udp{}), "host"});
}

}  // namespace bpfvlan::test
