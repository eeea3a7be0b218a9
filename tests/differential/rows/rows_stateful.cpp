// SPDX-License-Identifier: MIT
#include "rows/rows_list.hpp"

namespace bpfvlan::test {
namespace {

// Of no policy, as these are between siblings, whose traffic is not filtered: what plays them is
// `bv_judge conntrack`.
constexpr Cell same_l3s(const char* driver) {
  return same(driver).with({});
}
constexpr Cell differs_l3s(const char* driver, const char* why, const char* test) {
  return differs(driver, why, test).with({});
}

}  // namespace

void add_stateful_rows(Rows& all) {
  const char* s =
      "Connection tracking and rules: nf_conntrack and iptables in the parent's namespace";
  const Rows rows{
      {"filter_unreadable", s,
       "what hides its transport header: TCP fragments that cut it or lie in it, IPv6 extension "
       "headers that are cut or more than 12",
       none, none,
       differs("passes rules that do not ask for ports or flags",
               "dropped: what rules cannot look into must not pass them",
               "judge: filter_unreadable")},
      {"ct_tcp", s, "TCP: opened, closed and reset in every way; flags that make no sense", none,
       none, same_l3s("nf_conntrack's states, time-outs, marks and counts, packet by packet")},
      {"ct_tcp_window", s,
       "TCP: windows, blind resets, retransmissions, time-outs, the same ends again, in the middle",
       none, none, same_l3s("as nf_conntrack_proto_tcp.c has it")},
      {"ct_udp", s, "UDP: one way, answered, a stream; lengths that lie", none, none,
       same_l3s("ASSURED when it goes on for more than 2 seconds")},
      {"ct_icmp", s, "ICMP's queries, and types that are neither query nor error", none, none,
       same_l3s("by who asks whom with which identifier; others are INVALID")},
      {"ct_generic", s, "other protocols", none, none, same_l3s("by their addresses")},
      {"ct_related", s, "ICMP's errors", none, none,
       same_l3s("RELATED, if what they quote belongs to a connection and they go to who sent it; "
                "else INVALID")},
      {"ct_fragments", s, "fragments, the first one first", none, none,
       same_l3s("follow their first one; without it they do not pass")},
      {"ct_fragment_order", s, "fragments, the first one later", none, none,
       differs_l3s("are kept until all are there",
                   "those that come before the first are INVALID: a program cannot keep packets",
                   "judge: ct_fragment_order")},
      {"ct_fragment_counts", s, "packets and bytes of what comes in fragments", none, none,
       differs_l3s("one packet with all its bytes", "the first fragment alone",
                   "judge: ct_fragment_counts")},
      {"ct_checksum", s, "a wrong TCP, UDP or ICMP checksum", none, none,
       differs_l3s("INVALID",
                   "not looked at: who gets the packet drops it, and the sum over all of it would "
                   "cost more than all else",
                   "judge: ct_checksum")},
      {"ct_trackers", s, "SCTP, DCCP, GRE", none, none,
       differs_l3s("have trackers of their own, with states or keys",
                   "are tracked by their addresses, SCTP and DCCP by their ports too",
                   "judge: ct_trackers")},
      {"ct_udplite", s, "UDP-Lite", none, none,
       differs_l3s("its checksum's coverage must make sense", "as UDP: by its ports",
                   "judge: ct_udplite")},
      {"ct_discovery", s, "neighbour discovery for an endpoint's address", none, none,
       differs_l3s("passes the rules as any packet",
                   "is never filtered: an endpoint that cannot be found would be of no use",
                   "judge: ct_discovery")},
      {"rule_counters", s, "packets and bytes of rules and policies", none, none,
       same_l3s("what matched, what none matched")},
      {"rule_reject", s, "REJECT in INPUT", none, none,
       same_l3s("a TCP reset or an ICMP error comes back")},
      {"rule_reject_source", s, "where its ICMPv6 errors come from", none, none,
       differs_l3s("the parent's address", "the address that was asked, as with IPv4",
                   "judge: rule_reject_source")},
      {"rule_reject_filtered", s, "the same, where OUTPUT drops", none, none,
       differs_l3s("the answer passes OUTPUT, and is dropped",
                   "the answer is not filtered: the rule that makes it has decided",
                   "judge: rule_reject_filtered")},
      {"rule_reject_output", s, "REJECT in OUTPUT", none, none,
       differs_l3s("the answer leaves by the parent, and is lost", "reaches the endpoint",
                   "judge: rule_reject_output")},
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

}  // namespace bpfvlan::test
