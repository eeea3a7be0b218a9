// SPDX-License-Identifier: MIT
#include "rows/rows_list.hpp"

namespace bpfvlan::test {

void add_rx_rows(Rows& all) {
  const char* s = "rx: from the wire";
  const char* l3s = "enters the parent's stack: PREROUTING, conntrack, INPUT; then delivered";
  const char* host = "the parent's stack";
  const Rows rows{
      {"rx_unicast", s, "unicast, the IP destination is an endpoint's", later("delivered"),
       same("delivered, no byte changed"), later(l3s)},
      {"rx_other_destination", s, "unicast, another IP destination", later(host), same(host),
       later(host)},
      {"rx_malformed", s,
       "malformed: wrong version, IPv4 header length below 20, total length below the header's or "
       "beyond the frame, header cut",
       later(host), same(host), later(host)},
      {"rx_ipv6_length", s, "IPv6 with a payload length beyond the frame", later("delivered"),
       same("delivered: the driver does not look at it"), later(l3s)},
      {"rx_arp", s, "ARP whose target is an endpoint's", later("delivered to it"),
       same("delivered to it (a NOARP device ignores it)"), later(host)},
      {"rx_arp_other", s, "ARP for others, or cut", later(host), same(host), later(host)},
      {"rx_dad", s, "neighbour solicitation from `::` (duplicate address detection)",
       later("matched by its target"), same("matched by its target"), later(host)},
      {"rx_neighbour_discovery", s, "other neighbour discovery",
       later("matched by the IPv6 destination"), same("matched by the IPv6 destination"),
       later(host)},
      {"rx_group", s, "broadcast, multicast",
       later("the parent's stack, and a copy to every endpoint that has joined"),
       same("the parent's stack only"), later("the parent's stack only")},
      {"rx_group_mac", s, "a group's MAC address, but an endpoint's IP address",
       later("as multicast"), same("delivered, as broadcast or multicast"), later(l3s)},
      {"rx_echo", s, "multicast with our MAC address and an endpoint's source address",
       later("our own echo: the parent's stack only"), none, none},
      {"rx_not_ip", s, "PAUSE, LLDP, MPLS, unknown", later(host), same(host), later(host)},
      {"rx_priority_tag", s, "VLAN id 0, a priority only", later("as untagged"),
       same("as untagged"), later("as untagged")},
      {"rx_vlan_other", s, "in a VLAN that the parent has no interface for", later(host),
       same("the parent's stack, as another host's"), later(host)},
      {"rx_vlan", s, "the same, and the IP destination is an endpoint's",
       later("delivered with its tag"),
       differs("delivered with its tag; the endpoint's stack drops it",
               "a tagged frame is not ours: the parent's stack drops it instead",
               "netns: RxRealFrames.vlan_tagged"),
       later(host)},
      {"rx_other_host", s, "for another host's MAC address, but an endpoint's IP address",
       later("delivered as another host's"),
       differs("delivered as another host's; the endpoint's stack drops it",
               "it is not ours: the parent's stack drops it instead",
               "netns: RxRealFrames.other_host"),
       later(host)},
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

}  // namespace bpfvlan::test
