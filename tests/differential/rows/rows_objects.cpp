// SPDX-License-Identifier: MIT
#include "rows/rows_list.hpp"

namespace bpfvlan::test {

void add_object_rows(Rows& all) {
  const char* s = "Parents and endpoints";
  const char* p = "The parent's netfilter";
  const Rows rows{
      {"obj_defaults", s, "mode and policy if none is told", same("l3, bridge"), same("l3, bridge"),
       as_l3},
      {"obj_last_writer", s, "mode and policy of one endpoint",
       differs("belong to the parent: the last writer sets them for all",
               "they are the endpoint's own; between two the stricter policy holds",
               "judge: obj_last_writer"),
       differs("belong to the parent: the last writer sets them for all",
               "they are the endpoint's own; between two the stricter policy holds",
               "netns: L3Differences.policy_of_one_endpoint"),
       as_l3},
      {"obj_link", s, "an endpoint's MAC address, MTU and ARP flag", same("the parent's; ARP"),
       same("the parent's; NOARP"), as_l3},
      {"obj_link_local", s, "link-local addresses that an endpoint's stack makes",
       differs("count as the endpoint's, as every address on its interface does",
               "the one that it has from the beginning is listed; another counts with our next "
               "command",
               "judge: obj_link_local"),
       differs("count as the endpoint's, as every address on its interface does",
               "only listed addresses count: what an endpoint may use is the host's to say",
               "netns: Lifecycle.addresses_come_and_go"),
       differs_unplayed(
           "count as the endpoint's, as every address on its interface does",
           "only listed addresses count: what an endpoint may use is the host's to say",
           "netns: Lifecycle.addresses_come_and_go")},
      {"obj_address_once", s, "an address that another endpoint of the parent has",
       same("refused (EADDRINUSE)"), same("refused (EADDRINUSE)"), as_l3},
      {"obj_parent_address", s, "an address of the parent itself",
       differs("taken", "refused: it would cut the host off", "judge: obj_parent_address"),
       differs("taken", "refused: it would cut the host off", "netns: BadInput.address"), as_l3},
      {"obj_loopback", s, "the loopback interface as a parent", same("refused"), same("refused"),
       as_l3},
      {"obj_mark", s, "the mark of what one endpoint sends to another",
       same("stays in its namespace").with({BV_POLICY_BRIDGE}),
       same("stays in its namespace").with({BV_POLICY_BRIDGE}), as_l3},
      {"obj_mark_rx", s, "mark and priority that the parent's namespace gave to what arrives",
       differs_unplayed("pass into the endpoint's namespace", "cleared: they mean nothing there",
                        "prog: rx_ipv4_dont_fragment"),
       differs_unplayed("pass into the endpoint's namespace", "cleared: they mean nothing there",
                        "prog: rx_ipv4_dont_fragment"),
       as_l3},
      {"obj_bridge_port", s, "a parent that is a bridge's port",
       differs("refused: one receive handler for each interface", "works beside it",
               "judge: obj_bridge_port"),
       differs("refused: one receive handler for each interface", "works beside it",
               "judge: obj_bridge_port"),
       as_l3},
      {"obj_both_policies", s, "private and vepa at once",
       same("refused (EINVAL; ours cannot even be told so)"),
       same("refused (EINVAL; ours cannot even be told so)"), as_l3},
      {"obj_not_ethernet", s, "a parent that is not Ethernet, such as a tun device",
       same("refused (EINVAL)"), same("refused (EINVAL)"), as_l3},
      {"obj_macvlan", s, "a parent with a macvlan on it",
       differs("refused (EBUSY): one receive handler for each interface", "works beside it",
               "judge: obj_macvlan"),
       differs("refused (EBUSY): one receive handler for each interface", "works beside it",
               "judge: obj_macvlan"),
       as_l3},
      {"obj_memberships", s, "endpoints' multicast memberships",
       differs("pushed down to the parent's filter; never promiscuous",
               "the parent receives all multicast: endpoints join without a process of ours that "
               "could tell its filter. Never promiscuous either",
               "judge: obj_memberships"),
       none, none},
      {"filter_xmit", p, "what an endpoint sends to the wire", same("not seen"),
       differs("seen in OUTPUT and POSTROUTING, though answers are not seen in INPUT",
               "not seen: `bpf_redirect_neigh` leaves below them, and half-seen flows are no use "
               "to stateful rules",
               "judge: filter_xmit"),
       differs("seen in OUTPUT and POSTROUTING",
               "not seen: it passes our own rules instead, and `bpf_redirect_neigh` leaves below "
               "the hooks",
               "judge: filter_xmit")},
      {"filter_rx", p, "what arrives for an endpoint", same("not seen"), same("not seen"),
       differs("seen in PREROUTING and INPUT", "not seen: it passes our own rules instead",
               "judge: filter_rx")},
      {"filter_siblings", p, "what passes between endpoints",
       same("not seen").with({BV_POLICY_BRIDGE, BV_POLICY_PRIVATE}),
       // With vepa it goes to the wire: then it belongs to filter_xmit.
       same("not seen (with vepa it goes to the wire)").with({BV_POLICY_BRIDGE, BV_POLICY_PRIVATE}),
       as_l3},
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

}  // namespace bpfvlan::test
