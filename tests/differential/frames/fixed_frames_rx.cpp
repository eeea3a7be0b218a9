// SPDX-License-Identifier: MIT
#include "frames/fixed_frames_list.hpp"

namespace bpfvlan::test {
namespace {

constexpr auto X = Place::X;
const Ethernet kToUs{.dst = kMacP, .src = kMacX};

IPv4 ip(const char* to) {
  return {.src = kX.v4, .dst = to};
}
IPv6 ip6(const char* to) {
  return {.src = kX.v6, .dst = to};
}

void add_unicast(FixedFrames& all) {
  const char* row = "rx_unicast";
  all.push_back({row, "IPv4 to A", at(X, kToUs, ip(kA.v4), Udp{}), "A"});
  all.push_back({row, "IPv6 to A", at(X, kToUs, ip6(kA.v6), Udp{}), "A"});
  all.push_back({row, "IPv4 to B, TCP", at(X, kToUs, ip(kB.v4), Tcp{}), "B"});
  all.push_back({row, "IPv4 to H", at(X, kToUs, ip(kH.v4), Udp{}), "H"});
  all.push_back({row, "IPv6 to H", at(X, kToUs, ip6(kH.v6), Udp{}), "H"});
  auto dying = ip(kA.v4);
  dying.ttl = 0;
  all.push_back({row, "time to live 0", at(X, kToUs, dying, Udp{}), "A"});
  auto fragment = ip(kA.v4);
  fragment.fragment_offset = 100;
  fragment.protocol = 17;
  all.push_back({row, "a later fragment", at(X, kToUs, fragment), "A", "host"});
  auto options = ip(kA.v4);
  options.options = Bytes(40, 1);
  all.push_back({row, "IPv4 options", at(X, kToUs, options, Udp{}), "A"});
  all.push_back({row, "IPv6 extension headers",
                 at(X, kToUs, ip6(kA.v6), HopByHop{}, Fragment{.more = true}, Udp{}), "A"});
  auto checksum = ip(kA.v4);
  checksum.checksum = 0x1234;
  all.push_back({row, "a wrong checksum", at(X, kToUs, checksum, Udp{}), "A", "host"});
  all.push_back({row, "our own source MAC address",
                 at(X, Ethernet{.dst = kMacP, .src = kMacP}, ip(kA.v4), Udp{}), "A"});
  all.push_back({row, "from A's address", at(X, kToUs, IPv4{.src = kA.v4, .dst = kA.v4}, Udp{}),
                 "A", "host"});
  all.push_back(
      {row, "jumbo", FrameCase{X, frame(kToUs, ip(kA.v4), Udp{}, payload(8900)), {}}, "A"});
}

void add_others(FixedFrames& all) {
  const char* row = "rx_other_destination";
  all.push_back({row, "the parent's IPv4 address", at(X, kToUs, ip(kP.v4), Udp{}), "host"});
  all.push_back({row, "the parent's IPv6 address", at(X, kToUs, ip6(kP.v6), Udp{}), "host"});
  all.push_back({row, "nobody's", at(X, kToUs, ip("192.0.2.9"), Udp{}), "host"});
  row = "rx_not_ip";
  const Ethernet slow{.dst = "01:80:c2:00:00:01", .src = kMacX};
  all.push_back({row, "PAUSE", at(X, slow, Pause{}), "host(multicast)"});
  all.push_back({row, "LLDP", at(X, Ethernet{.dst = "01:80:c2:00:00:0e", .src = kMacX}, Lldp{}),
                 "host(multicast)"});
  all.push_back({row, "MPLS", at(X, kToUs, Mpls{}, ip(kA.v4)), "host"});
  all.push_back({row, "unknown", at(X, kToUs), "host"});
}

void add_tagged(FixedFrames& all) {
  all.push_back({"rx_priority_tag", "IPv4",
                 at(X, kToUs, Vlan{.id = 0, .priority = 5}, ip(kA.v4), Udp{}), "A"});
  all.push_back({"rx_priority_tag", "IPv6", at(X, kToUs, Vlan{.id = 0}, ip6(kA.v6), Udp{}), "A"});
  all.push_back({"rx_vlan", "802.1Q", at(X, kToUs, Vlan{.id = 7}, ip(kA.v4), Udp{}), "A",
                 "host(other host)"});
  all.push_back({"rx_vlan", "802.1ad",
                 at(X, kToUs, Vlan{.id = 7, .tpid = 0x88a8}, ip6(kA.v6), Udp{}), "A",
                 "host(other host)"});
  all.push_back({"rx_vlan_other", "to nobody", at(X, kToUs, Vlan{.id = 7}, ip("192.0.2.9"), Udp{}),
                 "host(other host)"});
  all.push_back({"rx_vlan_other", "two tags",
                 at(X, kToUs, Vlan{.id = 7, .tpid = 0x88a8}, Vlan{.id = 8}, ip(kA.v4), Udp{}),
                 "host(other host)"});
  const Ethernet other{.dst = "02:00:00:00:99:99", .src = kMacX};
  all.push_back({"rx_other_host", "IPv4", at(X, other, ip(kA.v4), Udp{}), "A(other host)",
                 "host(other host)"});
  all.push_back({"rx_other_host", "IPv6", at(X, other, ip6(kB.v6), Udp{}), "B(other host)",
                 "host(other host)"});
}

void add_malformed(FixedFrames& all) {
  const char* row = "rx_malformed";
  const auto wrong = [&](const char* what, auto change) {
    auto header = ip(kA.v4);
    change(header);
    all.push_back({row, what, at(X, kToUs, header, Udp{}), "host"});
  };
  wrong("version 5", [](IPv4& h) { h.version = 5; });
  wrong("header of 16 bytes", [](IPv4& h) { h.ihl = 4; });
  wrong("total length below the header's", [](IPv4& h) { h.total_length = 19; });
  wrong("total length beyond the frame", [](IPv4& h) { h.total_length = 61; });
  auto version = ip6(kA.v6);
  version.version = 4;
  all.push_back({row, "IPv6 with version 4", at(X, kToUs, version, Udp{}), "host"});
  for (const std::size_t size : {14U, 33U})
    all.push_back({row, size == 14 ? "no IPv4 header" : "IPv4 header cut",
                   FrameCase{X, resized(frame(kToUs, ip(kA.v4)), size), {}}, "host"});
  all.push_back(
      {row, "IPv6 header cut", FrameCase{X, resized(frame(kToUs, ip6(kA.v6)), 53), {}}, "host"});
  auto long6 = ip6(kA.v6);
  long6.payload_length = 9999;
  all.push_back({"rx_ipv6_length", "beyond the frame", at(X, kToUs, long6, Udp{}), "A", "host"});
}

}  // namespace

void add_rx_frames(FixedFrames& all) {
  add_unicast(all);
  add_others(all);
  add_tagged(all);
  add_malformed(all);
}

void add_rx_group_frames(FixedFrames& all) {
  const char* row = "rx_group";
  const Ethernet broadcast{.dst = "ff:ff:ff:ff:ff:ff", .src = kMacX};
  all.push_back(
      {row, "IPv4 broadcast", at(X, broadcast, ip("255.255.255.255"), Udp{}), "host(broadcast)"});
  all.push_back({row, "IPv4 multicast",
                 at(X, Ethernet{.dst = "01:00:5e:00:00:01", .src = kMacX}, ip("224.0.0.1"), Udp{}),
                 "host(multicast)"});
  all.push_back({row, "IPv6 multicast",
                 at(X, Ethernet{.dst = "33:33:00:00:00:01", .src = kMacX}, ip6("ff02::1"), Udp{}),
                 "host(multicast)"});
  all.push_back({"rx_group_mac", "broadcast, to A's IPv4 address",
                 at(X, Ethernet{.dst = "ff:ff:ff:ff:ff:ff", .src = kMacX}, ip(kA.v4), Udp{}),
                 "A(broadcast)", "A"});
  all.push_back({"rx_group_mac", "multicast, to A's IPv6 address",
                 at(X, Ethernet{.dst = "33:33:00:00:00:01", .src = kMacX}, ip6(kA.v6), Udp{}),
                 "A(multicast)", "A"});
}

void add_rx_discovery_frames(FixedFrames& all) {
  const Ethernet broadcast{.dst = "ff:ff:ff:ff:ff:ff", .src = kMacX};
  const auto arp = [](const char* target) {
    return Arp{.sender_mac = kMacX, .sender_ip = kX.v4, .target_ip = target};
  };
  all.push_back(
      {"rx_arp", "request for A", at(X, broadcast, arp(kA.v4)), "A(broadcast)", "host(broadcast)"});
  all.push_back({"rx_arp", "reply to B", at(X, kToUs, arp(kB.v4)), "B", "host"});
  all.push_back(
      {"rx_arp_other", "request for the parent", at(X, broadcast, arp(kP.v4)), "host(broadcast)"});
  all.push_back({"rx_arp_other", "cut", FrameCase{X, resized(frame(broadcast, arp(kA.v4)), 41), {}},
                 "host(broadcast)"});
  const Ethernet group{.dst = "33:33:ff:00:01:00", .src = kMacX};
  const IPv6 probe{.src = "::", .dst = "ff02::1:ff00:100", .hop_limit = 255};
  const NeighborSolicitation solicitation{.target = kA.v6};
  all.push_back({"rx_dad", "for A's address", at(X, group, probe, solicitation), "A(multicast)",
                 "host(multicast)"});
  all.push_back({"rx_dad", "for nobody's address",
                 at(X, group, probe, NeighborSolicitation{.target = "fd00:10::101"}),
                 "host(multicast)"});
  all.push_back({"rx_dad", "cut",
                 FrameCase{X, resized(frame(group, probe, solicitation), 14 + 40 + 23), {}},
                 "host(multicast)"});
  all.push_back(
      {"rx_neighbour_discovery", "solicitation to A", at(X, kToUs, ip6(kA.v6), solicitation), "A"});
  all.push_back({"rx_neighbour_discovery", "advertisement to B",
                 at(X, kToUs, ip6(kB.v6), NeighborAdvertisement{.target = kX.v6}), "B"});
  all.push_back({"rx_neighbour_discovery", "solicitation for A to its group",
                 at(X, group, IPv6{.src = kX.v6, .dst = "ff02::1:ff00:100"}, solicitation),
                 "host(multicast)"});
}

void add_l3s_frames(FixedFrames& all) {
  const char* row = "rx_captured";
  all.push_back({row, "IPv4 to A", at(X, kToUs, ip(kA.v4), Udp{}), "A"});
  all.push_back({row, "IPv6 to B", at(X, kToUs, ip6(kB.v6), Udp{}), "B"});
  row = "filter_unreadable";
  auto hides = ip6(kA.v6);
  all.push_back({row, "a TCP fragment that lies in the first one's header",
                 at(X, kToUs, hides, Fragment{.offset = 1, .next_header = 6}), "A"});
  const HopByHop h;
  const DestinationOptions d;
  all.push_back({row, "13 extension headers",
                 at(X, kToUs, ip6(kA.v6), h, d, d, d, d, d, d, d, d, d, d, d, d, Udp{}), "A"});
  auto cut = DestinationOptions{.next_header = 60};
  all.push_back({row, "an extension header that is cut",
                 FrameCase{X, frame(kToUs, ip6(kA.v6), cut), {}}, "A"});
  all.push_back({"rx_probe", "to H about A",
                 at(X, kToUs, IPv6{.src = "::", .dst = kH.v6, .hop_limit = 255},
                    NeighborSolicitation{.target = kA.v6}),
                 "host"});
  all.push_back({"rx_two_tags", "IPv4",
                 at(X, kToUs, Vlan{.id = 0, .tpid = 0x88a8}, Vlan{.id = 0}, ip(kA.v4), Udp{}),
                 "A"});
  all.push_back({"rx_two_tags", "IPv6, which the host may answer",
                 at(X, kToUs, Vlan{.id = 0}, Vlan{.id = 0}, ip6(kA.v6), Udp{}), "A"});
}

}  // namespace bpfvlan::test
