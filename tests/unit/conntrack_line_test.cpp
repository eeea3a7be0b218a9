// SPDX-License-Identifier: MIT
// The lines are those that conntrack 1.4.7 printed of the same packets between two namespaces.
#include "conntrack_line.hpp"

#include <gtest/gtest.h>

#include "conntrack_decode.hpp"
#include "conntrack_entries.hpp"

namespace bpfvlan::test {
namespace {

constexpr int kReplied = BV_CONN_SEEN_REPLY;
constexpr int kAssured = BV_CONN_SEEN_REPLY | BV_CONN_ASSURED;
constexpr auto kA = "192.0.2.1", kB = "192.0.2.2";
constexpr auto kA6 = "2001:db8::1", kB6 = "2001:db8::2";

std::string line(const Entry& e, bool extended = false) {
  fmt::memory_buffer out;
  cli::append_line(out, decode(conn(e), kNow, kTicks), extended);
  return fmt::to_string(out);
}

struct Golden {
  const char* name;
  Entry entry;
  const char* line;
};
class ConntrackLine : public ::testing::TestWithParam<Golden> {};

TEST_P(ConntrackLine, is_what_conntrack_prints) {
  EXPECT_EQ(line(GetParam().entry), std::string(GetParam().line) + "\n");
}

INSTANTIATE_TEST_SUITE_P(
    All, ConntrackLine,
    ::testing::Values(
        Golden{"tcp_established",
               {kA,
                kB,
                IPPROTO_TCP,
                40001,
                5201,
                BV_TCP_ESTABLISHED,
                kAssured,
                431996,
                {3, 2},
                {264, 112}},
               "tcp      6 431996 ESTABLISHED src=192.0.2.1 dst=192.0.2.2 sport=40001 dport=5201 "
               "packets=3 bytes=264 src=192.0.2.2 dst=192.0.2.1 sport=5201 dport=40001 packets=2 "
               "bytes=112 [ASSURED] mark=0 use=1"},
        Golden{"tcp_unreplied",
               {kA, "192.0.2.99", IPPROTO_TCP, 40009, 81, BV_TCP_SYN_SENT, 0, 116, {1, 0}, {60, 0}},
               "tcp      6 116 SYN_SENT src=192.0.2.1 dst=192.0.2.99 sport=40009 dport=81 "
               "packets=1 bytes=60 [UNREPLIED] src=192.0.2.99 dst=192.0.2.1 sport=81 dport=40009 "
               "packets=0 bytes=0 mark=0 use=1"},
        Golden{
            "tcp_close_wait",
            {kA, kB, IPPROTO_TCP, 40003, 5201, BV_TCP_CLOSE_WAIT, kAssured, 56, {3, 2}, {164, 112}},
            "tcp      6 56 CLOSE_WAIT src=192.0.2.1 dst=192.0.2.2 sport=40003 dport=5201 "
            "packets=3 bytes=164 src=192.0.2.2 dst=192.0.2.1 sport=5201 dport=40003 packets=2 "
            "bytes=112 [ASSURED] mark=0 use=1"},
        Golden{"udp_unreplied",
               {kA, "192.0.2.9", IPPROTO_UDP, 40055, 9, BV_TCP_NONE, 0, 29, {1, 0}, {29, 0}},
               "udp      17 29 src=192.0.2.1 dst=192.0.2.9 sport=40055 dport=9 packets=1 bytes=29 "
               "[UNREPLIED] src=192.0.2.9 dst=192.0.2.1 sport=9 dport=40055 packets=0 bytes=0 "
               "mark=0 use=1"},
        Golden{"udp_replied",
               {kA, kB, IPPROTO_UDP, 40054, 53, BV_TCP_NONE, kReplied, 29, {1, 1}, {29, 29}},
               "udp      17 29 src=192.0.2.1 dst=192.0.2.2 sport=40054 dport=53 packets=1 bytes=29 "
               "src=192.0.2.2 dst=192.0.2.1 sport=53 dport=40054 packets=1 bytes=29 mark=0 use=1"},
        Golden{"udp_stream",
               {kA, kB, IPPROTO_UDP, 40053, 53, BV_TCP_NONE, kAssured, 119, {4, 4}, {132, 132}},
               "udp      17 119 src=192.0.2.1 dst=192.0.2.2 sport=40053 dport=53 packets=4 "
               "bytes=132 src=192.0.2.2 dst=192.0.2.1 sport=53 dport=40053 packets=4 bytes=132 "
               "[ASSURED] mark=0 use=1"},
        Golden{"icmp_echo",
               {kA, kB, IPPROTO_ICMP, 8, 20869, BV_TCP_NONE, kReplied, 26, {1, 1}, {84, 84}},
               "icmp     1 26 src=192.0.2.1 dst=192.0.2.2 type=8 code=0 id=20869 packets=1 "
               "bytes=84 src=192.0.2.2 dst=192.0.2.1 type=0 code=0 id=20869 packets=1 bytes=84 "
               "mark=0 use=1"},
        Golden{"icmp_timestamp",
               {kA, kB, IPPROTO_ICMP, 13, 36177, BV_TCP_NONE, kReplied, 26, {1, 1}, {40, 40}},
               "icmp     1 26 src=192.0.2.1 dst=192.0.2.2 type=13 code=0 id=36177 packets=1 "
               "bytes=40 src=192.0.2.2 dst=192.0.2.1 type=14 code=0 id=36177 packets=1 bytes=40 "
               "mark=0 use=1"},
        Golden{"unknown",
               {kA, kB, 89, 0, 0, BV_TCP_NONE, 0, 596, {1, 0}, {40, 0}},
               "unknown  89 596 src=192.0.2.1 dst=192.0.2.2 packets=1 bytes=40 [UNREPLIED] "
               "src=192.0.2.2 dst=192.0.2.1 packets=0 bytes=0 mark=0 use=1"},
        Golden{"gre",
               {kA, kB, IPPROTO_GRE, 0, 0, BV_TCP_NONE, 0, 26, {1, 0}, {44, 0}},
               "gre      47 26 src=192.0.2.1 dst=192.0.2.2 srckey=0x0 dstkey=0x0 packets=1 "
               "bytes=44 [UNREPLIED] src=192.0.2.2 dst=192.0.2.1 srckey=0x0 dstkey=0x0 packets=0 "
               "bytes=0 mark=0 use=1"},
        Golden{"tcp_of_ipv6",
               {kA6,
                kB6,
                IPPROTO_TCP,
                40002,
                5202,
                BV_TCP_ESTABLISHED,
                kAssured,
                431996,
                {2, 1},
                {152, 80}},
               "tcp      6 431996 ESTABLISHED src=2001:db8::1 dst=2001:db8::2 sport=40002 "
               "dport=5202 packets=2 bytes=152 src=2001:db8::2 dst=2001:db8::1 sport=5202 "
               "dport=40002 packets=1 bytes=80 [ASSURED] mark=0 use=1"},
        Golden{
            "icmpv6_echo",
            {kA6, kB6, IPPROTO_ICMPV6, 128, 20872, BV_TCP_NONE, kReplied, 26, {1, 1}, {104, 104}},
            "icmpv6   58 26 src=2001:db8::1 dst=2001:db8::2 type=128 code=0 id=20872 packets=1 "
            "bytes=104 src=2001:db8::2 dst=2001:db8::1 type=129 code=0 id=20872 packets=1 "
            "bytes=104 mark=0 use=1"}),
    [](const auto& golden) { return golden.param.name; });

TEST(ConntrackLine, extended_begins_with_the_address_family) {
  EXPECT_TRUE(line({kA, kB, 89}, true).starts_with("ipv4     2 unknown  89 "));
  EXPECT_TRUE(line({kA6, kB6, 89}, true).starts_with("ipv6     10 unknown  89 "));
}

TEST(ConntrackLine, protocols_that_are_tracked_by_address_have_port_0) {
  EXPECT_TRUE(line({kA, kB, IPPROTO_SCTP, 0, 0, BV_TCP_NONE, 0, 600})
                  .starts_with("sctp     132 600 src=192.0.2.1 dst=192.0.2.2 sport=0 dport=0 "));
}

TEST(ConntrackLine, json_has_numbers_as_numbers_and_null_for_what_is_not) {
  auto c = decode(
      conn({kA, kB, IPPROTO_TCP, 40001, 5201, BV_TCP_LAST_ACK, kAssured, 30, {3, 2}, {264, 112}}),
      kNow, kTicks);
  EXPECT_EQ(cli::to_row(c).dump(),
            R"({"family":"ipv4","protocol":"tcp","protocol_number":6,"timeout":30,)"
            R"("state":"LAST_ACK","seen_reply":true,"assured":true,"parent":null,"endpoint":null,)"
            R"("original":{"src":"192.0.2.1","dst":"192.0.2.2","sport":40001,"dport":5201,)"
            R"("packets":3,"bytes":264},)"
            R"("reply":{"src":"192.0.2.2","dst":"192.0.2.1","sport":5201,"dport":40001,)"
            R"("packets":2,"bytes":112}})");
  c = decode(conn({kA6, kB6, IPPROTO_ICMPV6, 128, 7}), kNow - 1, kTicks);
  c.parent = "eth0";
  c.endpoint = "a";
  const auto row = cli::to_row(c);
  EXPECT_EQ(row["parent"], "eth0");
  EXPECT_EQ(row["endpoint"], "a");
  EXPECT_TRUE(row["state"].is_null());
  EXPECT_EQ(row["reply"]["type"], 129);
  EXPECT_EQ(row["reply"]["id"], 7);
  EXPECT_TRUE(cli::to_row(decode(conn({kA, kB, 89}), kNow - 1, kTicks))["protocol"].is_null());
}

}  // namespace
}  // namespace bpfvlan::test
