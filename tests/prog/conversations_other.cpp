// SPDX-License-Identifier: MIT
// Everything but TCP: nf_conntrack_proto_udp.c, _icmp.c, _icmpv6.c, _generic.c.
#include "conversation.hpp"

namespace bpfvlan::test {

const std::vector<Conversation>& other_conversations() {
  static const std::vector<Conversation> all = {
      {"udp_unanswered", R"(
  > udp                  : NEW entry for UDP
  > udp                  : NEW entry for UDP packets 2/0
  wait 31                : gone
)"},
      {"udp_stream", R"(
  > udp                  : NEW entry for UDP
  < udp                  : ESTABLISHED entry reply for UDP
  > udp                  : ESTABLISHED entry reply for UDP
  wait 3                 : entry reply
  < udp                  : ESTABLISHED entry reply assured for UDP_STREAM packets 2/2
  wait 121               : gone
)"},
      {"udp_begins_anew", R"(
  > udp                  : NEW entry
  wait 31                : gone
  < udp                  : NEW entry packets 1/0
)"},
      {"echo", R"(
  > echo 7               : NEW entry for ICMP
  < echo-reply 7         : ESTABLISHED entry reply for ICMP packets 1/1
  > echo 7               : ESTABLISHED entry reply for ICMP packets 2/1
  wait 31                : gone
)"},
      {"echo_of_another_identifier", R"(
  > echo 7               : NEW entry
  < echo-reply 8         : INVALID entry packets 1/0
)"},
      {"echo_reply_alone", "> echo-reply 7 : INVALID gone"},
      // The same identifier from the other end is another query.
      {"echo_reply_from_who_asked", R"(
  > echo 7               : NEW entry
  > echo-reply 7         : INVALID entry packets 1/0
)"},
      {"other", R"(
  > other                : NEW entry for GENERIC
  < other                : ESTABLISHED entry reply for GENERIC packets 1/1
  wait 601               : gone
)"},
  };
  return all;
}

}  // namespace bpfvlan::test
