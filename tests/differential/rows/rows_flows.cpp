// SPDX-License-Identifier: MIT
#include "rows/rows_list.hpp"

namespace bpfvlan::test {

void add_flow_rows(Rows& all) {
  const char* s = "Flows: TCP, UDP, ICMP echo, and the interfaces they take";
  const char* relay = "host routes for endpoints by an endpoint of the host's (scenario L3-relay)";
  const Rows rows{
      {"flow_siblings", s, "between siblings (that know each other's MAC address)",
       same("bridge: directly; private: none; vepa: out by the wire, and back if somebody there "
            "sends them back"),
       same("bridge: directly, seen on no interface but theirs; private: none; vepa: out by the "
            "wire, "
            "and back if somebody there sends them back"),
       as_l3},
      {"flow_endpoint_to_outside", s, "from an endpoint to a host on the wire", same("works"),
       same("works"), as_l3},
      {"flow_outside_to_endpoint", s, "from a host on the wire to an endpoint", same("works"),
       same("works"), as_l3},
      {"flow_endpoint_to_parent", s, "from an endpoint to the parent's addresses",
       same("none: the host does not hear its ARP request"),
       same("requests reach the host through its loopback; the answers leave by the wire and are "
            "lost"),
       as_l3},
      {"flow_parent_to_endpoint", s, "from the host to an endpoint",
       same("none: requests leave by the wire"), same("none: requests leave by the wire"), as_l3},
      {"flow_outside_parent", s, "between the host and a host on the wire", same("as ever"),
       same("as if there were no endpoints"), as_l3},
      {"flow_endpoint_in_host", s, "an endpoint in the parent's own namespace",
       same("as any; the host answers by its routes"),
       same("what is sent by its interface is an endpoint's; what arrives for it does so on its "
            "interface, and the host answers by its routes"),
       as_l3},
      {"flow_host_itself", s, "between the host and its own endpoint",
       same("through the loopback; what is sent by the endpoint's interface finds nobody"),
       same("through the loopback; what is sent by the endpoint's interface gets there by its way"),
       as_l3},
      {"flow_ttl_untouched", s, "a time to live, or hop limit, of 1", same("arrives"),
       same("arrives where any would: nothing is taken from it"), as_l3},
      {"flow_port_unreachable", s, "UDP to a port that nobody listens at",
       same("the error comes back if an answer would"),
       same("the error comes back if an answer would"), as_l3},
      {"flow_relay", s, relay, same("endpoint and host reach each other"),
       same("bridge: endpoint and host reach each other, the host's packets by its own endpoint; "
            "private and vepa: no"),
       as_l3},
      {"flow_router", s, "a router on the wire that sends back by it (scenario L3-vepa)",
       same("what goes to it, or by it, comes back by it; siblings do not ask it for each other"),
       same("every pair that goes by the wire reaches each other, siblings too with vepa; the "
            "router takes one from the time to live"),
       as_l3},
      {"flow_errors_on_the_way", s, "a router's errors: time exceeded, packet too big, no route",
       same("reach the endpoint, whose gateway it is"),
       same("reach the endpoint that sent the packet, and its socket"), as_l3},
      {"flow_ipv4_route_elsewhere", s, "IPv4 whose best route leads by another interface",
       same("the wire"), same("routes by the parent alone count"), as_l3},
      {"flow_ipv6_route_elsewhere", s, "IPv6 whose best route leads by another interface",
       same("the wire"),
       differs("leaves by that interface: the look-up only prefers the parent",
               "the parent is the output interface, as with IPv4",
               "judge: flow_ipv6_route_elsewhere"),
       as_l3},
      {"flow_route_mtu", s, "larger than the MTU of its route in the parent's namespace",
       same("the wire"),
       differs("fragmented, or answered with an error that leaves by the wire",
               "leaves as it is: `bpf_redirect_neigh` does not look at it",
               "judge: flow_route_mtu"),
       as_l3},
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

void add_event_rows(Rows& all) {
  const char* s = "Events while traffic runs";
  const Rows rows{
      {"event_mtu", s, "the parent's MTU changes", same("flows go on"),
       same("flows go on; the endpoint's MTU is the parent's, and its larger IPv4 datagrams are "
            "fragmented"),
       as_l3},
      {"event_mtu_follows", s, "how soon an endpoint has its parent's MTU",
       differs("at once", "with our next command: nothing runs in the background",
               "judge: event_mtu_follows"),
       differs("at once", "with our next command: nothing runs in the background",
               "judge: event_mtu_follows"),
       as_l3},
      {"event_mtu_ipv6", s, "IPv6 of an endpoint whose parent's MTU has become smaller",
       differs("its stack is not told: it goes on sending packets of the old size",
               "its stack is told, and sends smaller ones", "judge: event_mtu_ipv6"),
       differs("its stack is not told: it goes on sending packets of the old size, which are lost",
               "its stack is told, and sends smaller ones", "judge: event_mtu_ipv6"),
       as_l3},
      {"event_mac", s, "the parent's MAC address changes", same("flows go on"),
       same("flows go on; the endpoint's MAC address is the parent's"), as_l3},
      {"event_mac_follows", s, "how soon an endpoint has its parent's MAC address",
       differs("at once", "with our next command: nothing runs in the background",
               "judge: event_mac_follows"),
       differs("at once", "with our next command: nothing runs in the background",
               "judge: event_mac_follows"),
       as_l3},
      {"event_mac_endpoint_in_host", s,
       "the same, from the wire to an endpoint in the parent's own namespace",
       differs("goes on",
               "stops until our next command: the device pair takes the frames for another host's",
               "judge: event_mac_endpoint_in_host"),
       differs("goes on",
               "stops until our next command: the device pair takes the frames for another host's",
               "judge: event_mac_endpoint_in_host"),
       as_l3},
      {"event_address_moves", s, "an address moves from one endpoint to another", same("as l3"),
       same("refused while the other has it; flows end where the address is, at once; while it is "
            "nobody's, with the host"),
       as_l3},
      {"event_address_secondary", s, "the first of two addresses in a subnet is deleted",
       differs("the kernel deletes the second with it, and it is nobody's",
               "only the address that was named goes", "judge: event_address_secondary"),
       differs("the kernel deletes the second with it, and it is nobody's",
               "only the address that was named goes", "judge: event_address_secondary"),
       as_l3},
      {"event_endpoint_down", s, "an endpoint's interface is set down and up again", same("as l3"),
       same("its flows stop and go on, others go on all the time"), as_l3},
      {"event_endpoint_down_address", s, "addresses of an endpoint whose interface is down",
       differs("are the host's to deal with, and so are siblings' packets for them",
               "are the endpoint's still, and packets for them dropped: the program cannot see the "
               "inner side's state",
               "judge: event_endpoint_down_address"),
       differs("are the host's to deal with; siblings' packets for them are routed",
               "are the endpoint's still, and packets for them dropped: the program cannot see the "
               "inner side's state",
               "judge: event_endpoint_down_address"),
       as_l3},
      {"event_endpoint_deleted", s, "an endpoint is deleted, and made again", same("as l3"),
       same("its address is nobody's: siblings' packets for it are routed, the wire's are the "
            "host's; others' flows go on"),
       as_l3},
      {"event_parent_down", s, "the parent is set down and up again",
       same("flows by the wire stop and go on"), same("flows by the wire stop and go on"), as_l3},
      {"event_cable", s, "the parent loses its carrier and has it again",
       same("flows by the wire stop and go on"), same("flows by the wire stop and go on"), as_l3},
      {"event_carrier_follows", s, "an endpoint's carrier while its parent has none",
       differs("off, so that siblings cannot talk either",
               "on, and they can: nothing runs in the background", "judge: event_carrier_follows"),
       differs("off, so that siblings cannot talk either",
               "on, and they can: nothing runs in the background", "judge: event_carrier_follows"),
       as_l3},
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

}  // namespace bpfvlan::test
