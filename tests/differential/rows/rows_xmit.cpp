// SPDX-License-Identifier: MIT
#include "rows/rows_list.hpp"

namespace bpfvlan::test {

void add_xmit_rows(Rows& all) {
  const char* s = "xmit: from an endpoint";
  const char* l2 =
      "if its MAC address is the shared one: bridge delivers, private drops, vepa hands it to the "
      "wire";
  const char* unchanged = "the wire, unchanged, whatever the IP address says";
  const Rows rows{
      {"xmit_sibling", s, "the IP address is a sibling's (or its own)", same(l2),
       same("bridge delivers, private drops, vepa routes"), as_l3},
      {"xmit_priority_tag", s, "private: the same with a tag of VLAN 0, a priority only",
       differs(
           "delivered: only the parent's receive handler looks behind the tag, where there is no "
           "policy",
           "dropped, as without it", "judge: xmit_priority_tag")
           .with({BV_POLICY_PRIVATE}),
       none, none},
      {"xmit_sibling_mac", s, "a sibling's IP address by any MAC address",
       same("as the MAC address says: another host's leaves by the wire"),
       same("delivered as bridge does; the MAC address tells the sibling's stack whether it is "
            "meant"),
       as_l3},
      {"xmit_sibling_discovery", s, "ARP and duplicate address detection for a sibling's address",
       differs("by broadcast or multicast: as any, to all that have joined and to the wire",
               "bridge: to that sibling alone; private: dropped; vepa: to the wire alone",
               "judge: xmit_sibling_discovery"),
       same("delivered to it, though a NOARP device ignores it"), as_l3},
      {"xmit_own_mac", s, "the shared MAC address, no sibling's IP address",
       same("the parent's stack, as received on the parent; vepa: the wire"), none, none},
      {"xmit_group", s, "broadcast, multicast",
       same("the wire and the other endpoints that are up and have joined; not the host, not the "
            "sender")
           .with({BV_POLICY_BRIDGE}),
       same("dropped"), as_l3},
      {"xmit_group_policy", s, "the same with private and vepa",
       differs("as with bridge: siblings hear it",
               "the policy holds: the wire alone, and with vepa siblings by the wire (rx)",
               "judge: xmit_group_policy")
           .with({BV_POLICY_PRIVATE, BV_POLICY_VEPA}),
       none, none},
      {"xmit_not_ip", s, "neither IPv4 nor IPv6, or tagged",
       same("as its MAC address says; PAUSE to a group is dropped"), same("dropped"), as_l3},
      {"xmit_wire", s, "other unicast", same(unchanged),
       same("routed in the parent's namespace with the parent as output interface, any source, "
            "time to live untouched, no forwarding sysctl"),
       as_l3},
      {"xmit_host", s, "the parent's own addresses", same(unchanged),
       same("the parent's stack, through its loopback interface"), as_l3},
      {"xmit_ipv4_no_route", s, "IPv4 without a route by the parent", same(unchanged),
       same("on-link; blackhole, unreachable and other interfaces' routes do not apply"), as_l3},
      {"xmit_ipv6_no_route", s, "IPv6 without a route, or with a blackhole or unreachable one",
       same(unchanged), same("dropped"), as_l3},
      {"xmit_route_types", s, "routes of type broadcast or multicast", same(unchanged),
       same("dropped"), as_l3},
      {"xmit_loopback", s, "127.0.0.0/8 and ::1", same(unchanged),
       same("never the host's loopback: IPv4 on-link, IPv6 dropped"), as_l3},
      {"xmit_drop_told", s, "a drop, told to the sender",
       differs("the socket gets ENOBUFS (UDP: if it asks for errors)",
               "it is sent, and vanishes: a veth pair cannot tell what becomes of it, a netkit "
               "pair does",
               "judge: xmit_drop_told")
           .with({BV_POLICY_PRIVATE})
           .may_be_alike_by_netkit(),
       differs(
           "the socket gets ENOBUFS (UDP: if it asks for errors), or the error of its IPv6 route",
           "it is sent, and vanishes: a veth pair cannot tell what becomes of it, a netkit pair "
           "tells of drops by policy",
           "judge: xmit_drop_told"),
       as_l3},
      {"parent_sends", s, "what the parent's own stack sends",
       same("the wire, endpoints' addresses too"), same("the wire, endpoints' addresses too"),
       as_l3},
      {"xmit_ipv6_other_interface", s, "IPv6 with a route by another interface alone",
       same(unchanged),
       differs("leaves by that interface: the look-up only prefers the parent",
               "the parent is the output interface, as with IPv4; the packet takes the route's "
               "next hop there",
               "judge: xmit_ipv6_other_interface"),
       as_l3},
      {"xmit_ipv6_link_local", s, "the parent's link-local IPv6 address", same(unchanged),
       differs("the parent's stack", "goes out by the wire: no look-up of a program tells it apart",
               "judge: xmit_ipv6_link_local"),
       as_l3},
      {"xmit_path_mtu", s, "longer than the MTU of its route (the endpoint has the parent's)",
       same(unchanged),
       differs("IPv4 is fragmented, or answered with an error; IPv6 is answered",
               "sent whole: a program can neither fragment nor answer", "judge: xmit_path_mtu"),
       as_l3},
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

void add_broken_rows(Rows& all) {
  const char* s = "xmit: frames that no stack would send";
  const char* likewise = "the kernel's helper finds no route for it; it is dropped";
  const Rows rows{
      {"xmit_malformed", s, "malformed, but with a readable header",
       same("as its MAC address says"), same("no sibling's: routed by its destination"), as_l3},
      {"xmit_mended_header", s,
       "a wrong IPv4 checksum or total length, a wrong IPv6 payload length", same("unchanged"),
       differs("what is routed leaves with these written anew",
               "what an endpoint sends leaves as it sent it; padding does not become payload",
               "judge: xmit_mended_header"),
       as_l3},
      {"xmit_cut_tag", s, "cut within its VLAN tag",
       differs("as its MAC address says; who receives it drops it",
               "dropped by the endpoint's device pair, which takes tags off",
               "judge: xmit_cut_tag"),
       none, none},
      {"xmit_cut_header", s, "cut within its IP header",
       differs_unplayed(
           "to the shared MAC address: up to 14 bytes behind the frame's end are taken for the "
           "rest of the header, and so perhaps for a sibling's address",
           "no sibling's: to the parent's stack", "prog: xmit_ipv4_cut_in_header"),
       // What lies behind the end of a frame nobody can arrange.
       differs_unplayed(
           "up to 14 bytes behind the frame's end are taken for the rest of the header",
           "dropped: a length counts from the IP header", "prog: xmit_ipv4_cut_in_header"),
       as_l3},
      {"xmit_lying_segments", s, "to be segmented as TCP, by headers that are not TCP's",
       differs("delivered to a sibling, or to the parent's stack, whole; not to the wire",
               "refused where the endpoint sends it (ENOMEM), as by any device that does not check "
               "the headers itself",
               "judge: xmit_lying_segments")
           .with({BV_POLICY_BRIDGE}),
       differs("delivered to a sibling whole",
               "refused where the endpoint sends it (ENOMEM), as by any device that does not check "
               "the headers itself",
               "judge: xmit_lying_segments")
           .with({BV_POLICY_BRIDGE}),
       as_l3},
      {"xmit_group_by_unicast", s, "IPv6 to a group by a unicast MAC address",
       same("the wire, unchanged"),
       differs("routed",
               "dropped: no multicast that an endpoint sends leaves (scenario L3-nomcast)",
               "judge: xmit_group_by_unicast"),
       as_l3},
      {"xmit_igmp", s, "IGMP to a unicast address", same("the wire, unchanged"),
       differs("routed", likewise, "judge: xmit_igmp"), as_l3},
      {"xmit_ipv6_from_mapped", s, "IPv6 from an IPv4-mapped address (`::ffff:0:0/96`)",
       same("the wire, unchanged"), same("routed"),
       differs("routed", likewise, "judge: xmit_ipv6_from_mapped")},
      {"xmit_ipv6_from_mapped_elsewhere", s,
       "the same to the parent's own address, a link-local one, or by another interface",
       same("the wire, unchanged"),
       differs("routed", likewise, "judge: xmit_ipv6_from_mapped_elsewhere"), as_l3},
      {"xmit_ipv6_from_nobody", s, "IPv6 from `::` to the parent's own address",
       same("the wire, unchanged"),
       differs("the parent's stack", "goes out by the wire, as to its link-local address",
               "judge: xmit_ipv6_from_nobody"),
       as_l3},
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

}  // namespace bpfvlan::test
