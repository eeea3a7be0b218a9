// SPDX-License-Identifier: MIT
// What nf_conntrack makes of TCP: tcp_conntracks[], nf_conntrack_tcp_packet() and tcp_in_window()
// of net/netfilter/nf_conntrack_proto_tcp.c.
#include "conversation.hpp"

namespace bpfvlan::test {
namespace {

const std::string kOpen = R"(
  > S 0                  : NEW SYN_SENT for TCP_SYN_SENT
  < SA 0 ack 1           : ESTABLISHED SYN_RECV reply for TCP_SYN_RECV
  > A 1 ack 1            : ESTABLISHED ESTABLISHED reply assured for TCP_ESTABLISHED
)";

const std::string kClose = R"(
  > FA 1 ack 1           : ESTABLISHED FIN_WAIT reply assured for TCP_FIN_WAIT
  < A 1 ack 2            : ESTABLISHED CLOSE_WAIT reply assured for TCP_CLOSE_WAIT
  < FA 1 ack 2           : ESTABLISHED LAST_ACK reply assured for TCP_LAST_ACK
  > A 2 ack 2            : ESTABLISHED TIME_WAIT reply assured for TCP_TIME_WAIT
)";

const std::string kOpenScaled = R"(
  > S 0 ws 7             : NEW SYN_SENT
  < SA 0 ack 1 ws 7      : ESTABLISHED SYN_RECV reply
  > A 1 ack 1 win 1000   : ESTABLISHED ESTABLISHED reply assured
)";

std::vector<Conversation> opening() {
  return {
      {"data", kOpen + R"(
  > PA 1 ack 1 len 100   : ESTABLISHED ESTABLISHED reply assured for TCP_UNACKNOWLEDGED
  < A 1 ack 101          : ESTABLISHED ESTABLISHED reply assured for TCP_ESTABLISHED packets 3/2
)"},
      {"refused", R"(
  > S 0                  : NEW SYN_SENT
  < RA 0 ack 1           : ESTABLISHED gone
)"},
      {"half_open", R"(
  > S 0                  : NEW SYN_SENT
  < SA 0 ack 1           : ESTABLISHED SYN_RECV reply
  wait 61                : gone
)"},
      // Or the same SYN again and again would keep it for ever.
      {"syn_again", R"(
  > S 0                  : NEW SYN_SENT packets 1/0
  wait 100               : SYN_SENT
  > S 0                  : NEW SYN_SENT packets 1/0
  wait 21                : gone
)"},
      {"syn_with_other_sequence", R"(
  > S 0                  : NEW SYN_SENT
  > S 1000               : NEW SYN_SENT
  < SA 0 ack 1001        : ESTABLISHED SYN_RECV reply
  > A 1001 ack 1         : ESTABLISHED ESTABLISHED reply assured
)"},
      {"syn_ack_again", R"(
  > S 0                  : NEW SYN_SENT
  < SA 0 ack 1           : ESTABLISHED SYN_RECV reply packets 1/1
  < SA 0 ack 1           : ESTABLISHED SYN_RECV reply packets 1/1
  > A 1 ack 1            : ESTABLISHED ESTABLISHED reply assured
)"},
      {"syn_ack_alone", R"(
  > SA 0 ack 1           : INVALID gone
)"},
      // The second SYN counts and prolongs as little as a repeated one.
      {"simultaneous", R"(
  > S 0                  : NEW SYN_SENT
  < S 0                  : ESTABLISHED SYN_SENT2 reply packets 1/0
  > SA 0 ack 1           : ESTABLISHED SYN_RECV reply
  < SA 0 ack 1           : ESTABLISHED SYN_RECV reply
  > A 1 ack 1            : ESTABLISHED ESTABLISHED reply assured
)"},
      {"simultaneous_other_end_first", R"(
  > S 0                  : NEW SYN_SENT
  < S 0                  : ESTABLISHED SYN_SENT2 reply
  > SA 0 ack 1           : ESTABLISHED SYN_RECV reply
  < A 1 ack 1            : ESTABLISHED ESTABLISHED reply assured
)"},
      // Its entry is of days ago; RFC 5961, 4: the answer to the SYN is an ACK, to that a reset.
      {"challenged", R"(
  > S 0                  : NEW SYN_SENT
  < A 100 ack 555        : ESTABLISHED SYN_SENT reply
  > R 555                : ESTABLISHED CLOSE reply for TCP_CLOSE
)"},
      {"picked_up", R"(
  > A 1000 ack 2000 len 10 : NEW ESTABLISHED for TCP_UNACKNOWLEDGED
  < A 2000 ack 1010      : ESTABLISHED ESTABLISHED reply for TCP_UNACKNOWLEDGED
  > A 1010 ack 2000      : ESTABLISHED ESTABLISHED reply assured for TCP_ESTABLISHED
)"},
      {"not_picked_up", R"(
  set tcp_loose 0
  > A 1000 ack 2000      : INVALID gone
)"},
      {"not_picked_up_by_fin", "> FA 1000 ack 2000 : INVALID gone"},
      {"not_picked_up_by_reset", "> R 1000 : INVALID gone"},
      {"impossible_flags", R"(
  > SF 0                 : INVALID gone
  > SR 0                 : INVALID gone
  > F 0                  : INVALID gone
  > - 0                  : INVALID gone
  > FSRPA 0              : INVALID gone
)"},
  };
}

std::vector<Conversation> closing() {
  return {
      {"by_who_began", kOpen + kClose},
      {"by_other_end", kOpen + R"(
  < FA 1 ack 1           : ESTABLISHED FIN_WAIT reply assured
  > A 1 ack 2            : ESTABLISHED CLOSE_WAIT reply assured
  > FA 1 ack 2           : ESTABLISHED LAST_ACK reply assured
  < A 2 ack 2            : ESTABLISHED TIME_WAIT reply assured
)"},
      {"by_both", kOpen + R"(
  > FA 1 ack 1           : ESTABLISHED FIN_WAIT reply assured
  < FA 1 ack 1           : ESTABLISHED LAST_ACK reply assured
  > A 2 ack 2            : ESTABLISHED TIME_WAIT reply assured
  < A 2 ack 2            : ESTABLISHED TIME_WAIT reply assured
)"},
      {"time_wait_over", kOpen + kClose + "wait 121 : gone"},
      {"reopened", kOpen + kClose + R"(
  > S 5000               : NEW SYN_SENT packets 1/0
)"},
      {"reopened_by_other_end", kOpen + kClose + R"(
  < S 5000               : NEW SYN_SENT packets 1/0
)"},
      {"reset", kOpen + R"(
  > RA 1 ack 1           : ESTABLISHED CLOSE reply assured for TCP_CLOSE
  wait 11                : gone
)"},
      {"reset_by_other_end", kOpen + R"(
  < R 1                  : ESTABLISHED CLOSE reply assured for TCP_CLOSE
)"},
      {"reopened_after_reset", kOpen + R"(
  > R 1                  : ESTABLISHED CLOSE reply assured
  > S 5000               : NEW SYN_SENT
)"},
      // In the window, not at its edge: its receiver will challenge it (RFC 5961, 3.2). What it
      // seemed to have sent stays unacknowledged.
      {"blind_reset_in_window", kOpen + R"(
  > R 50                 : ESTABLISHED ESTABLISHED reply assured for TCP_UNACKNOWLEDGED
  < A 1 ack 1            : ESTABLISHED ESTABLISHED reply assured for TCP_UNACKNOWLEDGED
)"},
      {"blind_reset_before_window", kOpen + R"(
  > R 4294963200         : INVALID ESTABLISHED reply assured
  < R 4294963200         : INVALID ESTABLISHED reply assured
)"},
      {"blind_reset_behind_window", kOpen + R"(
  > R 200000             : INVALID ESTABLISHED reply assured
  < R 200000             : INVALID ESTABLISHED reply assured
)"},
      {"invalid_reset_let_through", R"(
  set tcp_ignore_invalid_rst 1
)" + kOpen + R"(
  > R 4294963200         : ESTABLISHED ESTABLISHED reply assured
)"},
      // 300 s instead of five days for a connection that both ends say is over.
      {"invalid_resets_of_both", kOpen + R"(
  > R 200000             : INVALID ESTABLISHED reply assured
  < R 200000             : INVALID ESTABLISHED reply assured for TCP_UNACKNOWLEDGED
)"},
      // As one whose entry is older than the connection: both ends agree, and so do we then.
      {"other_connection_answered", kOpen + R"(
  > S 9000               : ESTABLISHED ESTABLISHED reply assured
  < SA 7000 ack 9001     : ESTABLISHED SYN_RECV reply assured
  > A 9001 ack 7001      : ESTABLISHED ESTABLISHED reply assured
)"},
      {"other_connection_reset", kOpen + R"(
  > S 9000               : ESTABLISHED ESTABLISHED reply assured
  < RA 0 ack 9001        : ESTABLISHED CLOSE reply assured
)"},
      // The challenge acknowledges no FIN (RFC 5961, 4).
      {"challenge_in_last_ack", kOpen + R"(
  < FA 1 ack 1           : ESTABLISHED FIN_WAIT reply assured
  > A 1 ack 2            : ESTABLISHED CLOSE_WAIT reply assured
  > FA 1 ack 2           : ESTABLISHED LAST_ACK reply assured
  > S 9000               : ESTABLISHED LAST_ACK reply assured
  < A 2 ack 1            : ESTABLISHED LAST_ACK reply assured
  < A 2 ack 2            : ESTABLISHED TIME_WAIT reply assured
)"},
  };
}

std::vector<Conversation> windows() {
  return {
      {"beyond", kOpen + R"(
  < PA 200001 ack 1 len 10 : INVALID ESTABLISHED reply assured packets 2/1
)"},
      // "Work around TCPs that send more bytes than allowed": not counted, and not invalid.
      {"beyond_by_less_than_itself", kOpen + R"(
  < PA 100001 ack 1 len 10 : ESTABLISHED ESTABLISHED reply assured packets 2/1
)"},
      {"beyond_and_liberal", R"(
  set tcp_be_liberal 1
)" + kOpen + R"(
  < PA 200001 ack 1 len 10 : ESTABLISHED ESTABLISHED reply assured packets 2/2
)"},
      {"scaled", kOpenScaled + R"(
  < PA 100001 ack 1 len 10 : ESTABLISHED ESTABLISHED reply assured
  < PA 128002 ack 1 len 10 : ESTABLISHED ESTABLISHED reply assured packets 2/2
)"},
      // Both ends or none (RFC 7323, 1.3).
      {"scaled_by_one", R"(
  > S 0 ws 7             : NEW SYN_SENT
  < SA 0 ack 1           : ESTABLISHED SYN_RECV reply
  > A 1 ack 1 win 1000   : ESTABLISHED ESTABLISHED reply assured
  < PA 100001 ack 1 len 10 : INVALID ESTABLISHED reply assured
)"},
      {"acknowledges_what_was_not_sent", kOpen + R"(
  < A 1 ack 5000         : INVALID ESTABLISHED reply assured
)"},
      {"old_segment", kOpen + R"(
  > PA 4294867296 ack 1 len 10 : ESTABLISHED ESTABLISHED reply assured packets 2/1
)"},
      {"retransmitted", kOpen + R"(
  > PA 1 ack 1 len 10    : ESTABLISHED ESTABLISHED reply assured for TCP_UNACKNOWLEDGED
  > PA 1 ack 1 len 10    : ESTABLISHED ESTABLISHED reply assured for TCP_UNACKNOWLEDGED
  < A 1 ack 11           : ESTABLISHED ESTABLISHED reply assured for TCP_ESTABLISHED
)"},
      {"retransmitted_too_often", kOpen + R"(
  < A 1 ack 1            : ESTABLISHED ESTABLISHED reply assured for TCP_ESTABLISHED
  < A 1 ack 1            : ESTABLISHED ESTABLISHED reply assured for TCP_ESTABLISHED
  < A 1 ack 1            : ESTABLISHED ESTABLISHED reply assured for TCP_ESTABLISHED
  < A 1 ack 1            : ESTABLISHED ESTABLISHED reply assured for TCP_MAX_RETRANS
  > A 1 ack 1            : ESTABLISHED ESTABLISHED reply assured for TCP_ESTABLISHED
)"},
      {"closed", kOpen + R"(
  < A 1 ack 1 win 0      : ESTABLISHED ESTABLISHED reply assured for TCP_MAX_RETRANS
  < A 1 ack 1 win 100    : ESTABLISHED ESTABLISHED reply assured for TCP_ESTABLISHED
)"},
      {"numbers_wrap", R"(
  > S 4294967290         : NEW SYN_SENT
  < SA 4294967295 ack 4294967291 : ESTABLISHED SYN_RECV reply
  > A 4294967291 ack 0   : ESTABLISHED ESTABLISHED reply assured
  > PA 4294967291 ack 0 len 20 : ESTABLISHED ESTABLISHED reply assured
  < A 0 ack 15           : ESTABLISHED ESTABLISHED reply assured for TCP_ESTABLISHED
  > FA 15 ack 0          : ESTABLISHED FIN_WAIT reply assured
)"},
  };
}

std::vector<Conversation> named(const std::string& prefix, std::vector<Conversation> list) {
  for (Conversation& c : list) c.name = prefix + c.name;
  return list;
}

}  // namespace

const std::vector<Conversation>& tcp_conversations() {
  static const std::vector<Conversation> all = [] {
    std::vector<Conversation> out;
    for (auto& list : {named("tcp_opening_", opening()), named("tcp_closing_", closing()),
                       named("tcp_window_", windows())})
      out.insert(out.end(), list.begin(), list.end());
    return out;
  }();
  return all;
}

}  // namespace bpfvlan::test
