// SPDX-License-Identifier: MIT
#include "rows/rows_list.hpp"

namespace bpfvlan::test {

void add_rx_rows(Rows& all) {
  const char* s = "rx: from the wire";
  const char* l3s = "enters the parent's stack: PREROUTING, INPUT; then to the endpoint's sockets";
  const char* host = "the parent's stack";
  const char* martian =
      "delivered; its stack drops it, of IPv4 unless `accept_local` or `route_localnet` is on "
      "there";
  const char* spoofed =
      "dropped at the parent whatever is on there: no other host has such an address";
  const Rows rows{
      {"rx_unicast", s, "unicast, the IP destination is an endpoint's",
       same("delivered, no byte changed"), same("delivered, no byte changed"), same(l3s)},
      {"rx_captured", s, "a capture on the endpoint's interface", none, none,
       differs("does not see what arrives from outside: it is handed in behind the interface",
               "sees it: it comes in by the interface, as in l3", "judge: rx_captured")},
      {"rx_other_destination", s, "unicast, another IP destination", same(host), same(host),
       same(host)},
      {"rx_malformed", s,
       "malformed: wrong version, IPv4 header length below 20, total length below the header's or "
       "beyond the frame, header cut",
       same(host), same(host), same(host)},
      {"rx_ipv6_length", s, "IPv6 with a payload length beyond the frame", same("delivered"),
       same("delivered: the driver does not look at it"),
       same("the parent's stack, which drops it")},
      {"rx_arp", s, "ARP whose target is an endpoint's", same("unicast: delivered to it"),
       same("delivered to it (a NOARP device ignores it)"), same(host)},
      {"rx_arp_other", s, "ARP for others, or cut",
       same("unicast: the parent's stack; broadcast: as any"), same(host), same(host)},
      {"rx_dad", s, "neighbour solicitation from `::` (duplicate address detection)",
       same("unicast: matched by its target; multicast: as any, and the address's owner has joined "
            "its group"),
       same("matched by its target"), same(host)},
      {"rx_probe", s, "duplicate address detection sent to an endpoint's address", none, none,
       differs("reaches its sockets only if it is about that address",
               "the parent's stack: nobody sends it so", "judge: rx_probe")},
      {"rx_neighbour_discovery", s, "other neighbour discovery",
       same("unicast: matched by the IPv6 destination; multicast: as any"),
       same("matched by the IPv6 destination"), same(host)},
      {"rx_group", s, "broadcast, multicast",
       same("the parent's stack, and a copy to every endpoint that is up and has joined"),
       same("the parent's stack only"), as_l3},
      {"rx_group_filter", s, "a group that an endpoint has not joined, here or from a sibling",
       differs("a copy too, if the hash of its MAC address is that of a group that the "
               "endpoint has joined: 256 values, others each time the machine starts",
               "the groups themselves decide", "judge: rx_group_filter"),
       none, none},
      {"rx_solicited", s,
       "broadcast or multicast ARP request or neighbour solicitation for an endpoint's address",
       differs("as any: the parent's stack, and a copy to every endpoint that has joined",
               "the parent's stack and that endpoint: the others have nothing to say to it",
               "judge: rx_solicited"),
       none, none},
      {"rx_group_mac", s, "a group's MAC address, but an endpoint's IP address",
       same("as any broadcast or multicast"), same("delivered, as broadcast or multicast"),
       same(l3s)},
      {"rx_echo", s, "multicast with our MAC address and an endpoint's source address",
       same("our own echo: the parent's stack only").with({BV_POLICY_BRIDGE, BV_POLICY_PRIVATE}),
       none, none},
      {"rx_reflected", s, "the same with vepa",
       differs(
           "our own echo: the parent's stack only",
           "the siblings of who sent it hear it now, and only now: policy vepa leaves it to the "
           "switch outside; the sender does not",
           "judge: rx_reflected")
           .with({BV_POLICY_VEPA}),
       none, none},
      {"rx_reflected_unknown", s,
       "with private: multicast with our MAC address, and a source address that is no endpoint's",
       differs("as any: a copy to every endpoint that has joined",
               "the parent's stack only: who lies about its address does not pass the policy",
               "judge: rx_reflected_unknown")
           .with({BV_POLICY_PRIVATE}),
       none, none},
      {"rx_group_source", s, "broadcast, multicast, from a group's MAC address",
       differs(
           "as any: a copy to every endpoint that has joined",
           "the parent's stack only: no host has such an address, and endpoints could send past "
           "the policies by one",
           "judge: rx_group_source"),
       none, none},
      {"rx_not_ip", s, "PAUSE, LLDP, MPLS, unknown", same(host), same(host), same(host)},
      {"rx_priority_tag", s, "VLAN id 0, a priority only", same("as untagged"), same("as untagged"),
       as_l3},
      {"rx_two_tags", s, "two tags of VLAN 0, one behind the other", none, none,
       differs("as untagged: the kernel takes both off",
               "the parent's stack: only one is looked behind, as in l3", "judge: rx_two_tags")},
      {"rx_vlan_other", s, "in a VLAN that the parent has no interface for",
       same("the parent's stack, as another host's"), same("the parent's stack, as another host's"),
       same(host)},
      {"rx_vlan", s, "the same, and the IP destination is an endpoint's",
       differs("delivered with its tag, of groups to all that have joined; the endpoint's stack "
               "drops it",
               "a tagged frame is not ours: the parent's stack drops it instead", "judge: rx_vlan"),
       differs("delivered with its tag; the endpoint's stack drops it",
               "a tagged frame is not ours: the parent's stack drops it instead",
               "netns: RxRealFrames.vlan_tagged"),
       same(host)},
      {"rx_other_host", s, "for another host's MAC address, but an endpoint's IP address",
       differs("delivered as another host's; the endpoint's stack drops it",
               "it is not ours: the parent's stack drops it instead", "judge: rx_other_host"),
       differs("delivered as another host's; the endpoint's stack drops it",
               "it is not ours: the parent's stack drops it instead",
               "netns: RxRealFrames.other_host"),
       same(host)},
      {"rx_xdp_source", s,
       "with XDP in front, to an endpoint: from a group's address, the loopback's, 0.0.0.0, or by "
       "IPv4 its own",
       differs_unplayed(martian, spoofed, "prog: xdp_source_nobodys_unfiltered_bridge_l2"),
       differs_unplayed(martian, spoofed, "prog: xdp_source_nobodys_unfiltered_bridge_l3"),
       differs_unplayed("dropped by the parent's stack, likewise", spoofed,
                        "prog: xdp_source_nobodys_filtered_bridge_l3s")},
      {"rx_xdp_batch", s,
       "with XDP in front, filtered: right behind the first packet of its connection, and none "
       "that "
       "could be that itself",
       none, none,
       differs_unplayed("belongs to the connection",
                        "INVALID to the rules, which XDP asks before the first packet has got "
                        "to them: devices hand packets up in batches",
                        "prog: xdp_rules_policy_bridge_l3s")},
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

}  // namespace bpfvlan::test
