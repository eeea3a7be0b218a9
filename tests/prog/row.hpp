// SPDX-License-Identifier: MIT
// A test is a row: frames, and the one reason that each of them must end with. Everything else
// that is checked (row_test.cpp) follows from the row.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "bpfvlan/schema.h"
#include "bpfvlan/test/frame.hpp"
#include "programs.hpp"
#include "world.hpp"

namespace bpfvlan::test {

// What a row at kXdp ends with whose frames pass.
inline constexpr auto kLeftToRx = BV_REASON_MAX;

struct Row {
  std::string name;
  std::vector<Bytes> frames{};  // each by itself
  bv_reason reason{};
  Hook hook = Hook::kRx;  // set by add_rows
  World world{};
  Who to = Who::kReceiver;  // if it is delivered
  bool from_other = false;  // the program runs at a device that is another parent
  bool forwarding = true;   // of the sender's host side
  std::uint32_t gso_size = 0;
  std::optional<Tag> tag{};
  std::vector<Who> copies{};                 // who gets one
  std::vector<bv_reason> notes{};            // what counts beside the reason
  std::optional<Bytes> answer{};             // what the frame becomes
  std::optional<std::size_t> connections{};  // in the table, in the end
};

// How GoogleTest names a row in its messages.
void PrintTo(const Row& row, std::ostream* out);

// What the frame does at the parent, and what if the sender's policy and the receiver's are bridge.
struct BothWays {
  std::string name;
  std::vector<Bytes> frames;
  bv_reason rx;
  bv_reason xmit;
  std::uint32_t gso_size = 0;
  std::optional<Tag> tag{};
};

// For static initialisation in the rows_*.cpp; `table` and the row's name make the test's name.
bool add_rows(Hook hook, const std::string& table, std::vector<Row> rows);
bool add_rows(const std::string& table, const std::vector<BothWays>& rows);

// Those of mode l3 in mode l3s too: without rules, all but a few are the same there.
const std::vector<Row>& all_rows();

// Once for each policy, the same for sender and receiver.
std::vector<Row> with_each_policy(const std::vector<Row>& rows);

// Once for each mode and policy.
std::vector<Row> with_each_mode_and_policy(const std::vector<Row>& rows);

struct NamedPolicy {
  bv_policy policy;
  const char* name;
};
inline constexpr NamedPolicy kPolicies[] = {
    {BV_POLICY_BRIDGE, "bridge"}, {BV_POLICY_VEPA, "vepa"}, {BV_POLICY_PRIVATE, "private"}};

// The stricter of two.
bv_policy stricter(bv_policy a, bv_policy b);

// The frame cut to every size from `from` up to but not including `to`.
std::vector<Bytes> cut(const Bytes& frame, std::size_t from, std::size_t to);

Bytes udp4(const IPv4& ip);
Bytes udp6(const IPv6& ip);

}  // namespace bpfvlan::test
