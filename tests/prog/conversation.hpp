// SPDX-License-Identifier: MIT
// Conversations as text, a packet a line, and what connection tracking makes of each:
//
//     > S 0                        : NEW SYN_SENT
//     < SA 0 ack 1                 : ESTABLISHED SYN_RECV reply
//     > PA 1 ack 1 len 100         : ESTABLISHED ESTABLISHED reply assured for TCP_UNACKNOWLEDGED
//     wait 301                     : gone
//
// >, <: by who began it, by the other end. Then a TCP segment: its flags (FSRPAU, - for none), its
// sequence number, and ack, len, win, ws (window scale) and sackok as they are needed; or `udp`,
// `echo ID`, `echo-reply ID`, `other` (a protocol without ports). Behind the colon: what rules take
// the packet for, then its entry: TCP's state (`entry` for others, `gone` if there is none), marks,
// and where it is said `for` (which time-out this packet set) and `packets` (of each direction).
// `wait`: that many seconds. `set NAME VALUE`: a switch of the settings.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "bpfvlan/test/layers.hpp"
#include "row.hpp"

namespace bpfvlan::test {

struct Conversation {
  std::string name;
  std::string text;
};

// How GoogleTest names a conversation in its messages.
void PrintTo(const Conversation& conversation, std::ostream* out);

struct Step {
  enum class Kind { kPacket, kWait, kSet };
  Kind kind = Kind::kPacket;
  bool back = false;
  std::string what{};        // "tcp", "udp", …; the name of a switch
  std::uint32_t number = 0;  // identifier, seconds, value
  Tcp tcp{};
  std::size_t length = 0;
  std::string expected{};
  std::string line{};  // as written
};

// Throws std::invalid_argument with the line.
std::vector<Step> parse(const std::string& text);

const std::vector<Conversation>& tcp_conversations();
const std::vector<Conversation>& other_conversations();

}  // namespace bpfvlan::test
