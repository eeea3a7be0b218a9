// SPDX-License-Identifier: MIT
#include "bpfvlan/conntrack.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "conntrack_decode.hpp"
#include "conntrack_entries.hpp"

namespace bpfvlan::test {
namespace {

using ::testing::HasSubstr;

Connection decoded(const Entry& e) {
  return decode(conn(e), kNow, kTicks);
}

TEST(ConntrackDecode, whoever_began_is_the_original_source) {
  for (const auto& [src, dst] : {std::pair{"192.0.2.1", "192.0.2.2"},
                                 {"192.0.2.2", "192.0.2.1"},
                                 {"2001:db8::1", "::2"},
                                 {"::2", "2001:db8::1"}}) {
    const auto c = decoded({src, dst, IPPROTO_UDP, 1000, 53});
    EXPECT_EQ(c.original.src, address(src));
    EXPECT_EQ(c.original.dst, address(dst));
    EXPECT_EQ(c.original.sport, 1000);
    EXPECT_EQ(c.original.dport, 53);
    EXPECT_EQ(c.reply.src, address(dst));
    EXPECT_EQ(c.reply.dst, address(src));
    EXPECT_EQ(c.reply.sport, 53);
    EXPECT_EQ(c.reply.dport, 1000);
  }
}

TEST(ConntrackDecode, between_equal_addresses_the_ports_decide) {
  for (const auto& [sport, dport] : {std::pair<std::uint16_t, std::uint16_t>{1, 256}, {256, 1}}) {
    const auto c = decoded({"192.0.2.1", "192.0.2.1", IPPROTO_TCP, sport, dport});
    EXPECT_EQ(c.original.sport, sport);
    EXPECT_EQ(c.original.dport, dport);
  }
}

TEST(ConntrackDecode, a_query_and_its_answer) {
  const std::pair<std::uint8_t, std::uint8_t> of_v4[] = {{8, 0}, {13, 14}, {15, 16}, {17, 18}};
  for (const auto& [query, answer] : of_v4) {
    for (const auto& [src, dst] : {std::pair{"10.0.0.1", "10.0.0.2"}, {"10.0.0.2", "10.0.0.1"}}) {
      const auto c = decoded({src, dst, IPPROTO_ICMP, query, 0xabcd});
      EXPECT_EQ(c.original.src, address(src));
      EXPECT_EQ(c.original.icmp_type, query);
      EXPECT_EQ(c.reply.icmp_type, answer);
      EXPECT_EQ(c.original.icmp_id, 0xabcd);
      EXPECT_EQ(c.reply.icmp_id, 0xabcd);
      EXPECT_EQ(c.original.sport, 0);
    }
  }
  EXPECT_EQ(decoded({"::1", "::2", IPPROTO_ICMPV6, 139, 1}).reply.icmp_type, 140);
}

TEST(ConntrackDecode, counters_are_wider_than_their_first_field) {
  const auto c = decoded({"::1",
                          "::2",
                          IPPROTO_TCP,
                          1,
                          2,
                          BV_TCP_ESTABLISHED,
                          0,
                          1,
                          {0xff'ffff'ffff, 0x1'0000'0000},
                          {0xffff'ffff'ffff, 0x1'0000'0001}});
  EXPECT_EQ(c.original.packets, 0xff'ffff'ffffU);
  EXPECT_EQ(c.reply.packets, 0x1'0000'0000U);
  EXPECT_EQ(c.original.bytes, 0xffff'ffff'ffffU);
  EXPECT_EQ(c.reply.bytes, 0x1'0000'0001U);
}

TEST(ConntrackDecode, state_is_tcps_alone) {
  EXPECT_EQ(decoded({"::1", "::2", IPPROTO_TCP, 1, 2, BV_TCP_SYN_SENT2}).state, BV_TCP_SYN_SENT2);
  EXPECT_EQ(decoded({"::1", "::2", IPPROTO_UDP, 1, 2}).state, std::nullopt);
  auto entry = conn({"::1", "::2", IPPROTO_TCP, 1, 2});
  entry.status_state |= 15 << 4;
  EXPECT_EQ(decode(entry, kNow, kTicks).state, BV_TCP_NONE);
}

TEST(ConntrackDecode, time_goes_on_when_ticks_overflow) {
  auto entry = conn({"::1", "::2", IPPROTO_UDP, 1, 2});
  entry.expires = kNow + 1000 * kTicks / 1000;  // of the next round
  ASSERT_LT(entry.expires, kNow);
  EXPECT_EQ(decode(entry, kNow, kTicks).seconds_left, 1000U);
}

TEST(ConntrackDecode, entries_of_another_round_of_the_clock_have_expired) {
  auto entry = conn({"::1", "::2", IPPROTO_UDP, 1, 2});
  constexpr std::uint32_t kLongest = 1000;
  for (const auto& [left, expired] :
       {std::pair{1U, false}, {kLongest, false}, {kLongest + 1, true}, {0U, true}, {~0U, true}}) {
    entry.expires = kNow + left;
    EXPECT_EQ(conn_expired(entry, kNow, kLongest), expired) << left;
  }
}

TEST(ConntrackDecode, the_key_is_what_the_entry_has) {
  const auto entry = conn({"10.0.0.2", "10.0.0.1", IPPROTO_TCP, 0x1234, 0x5678});
  const auto key = conn_key(entry);
  EXPECT_EQ(std::memcmp(key.lo, entry.lo, 16), 0);
  EXPECT_EQ(std::memcmp(key.hi, entry.hi, 16), 0);
  EXPECT_EQ(std::memcmp(key.port, entry.port, 4), 0);
  EXPECT_EQ(key.protocol, IPPROTO_TCP);
  EXPECT_EQ(key.pad[0] | key.pad[1], 0);
}

// The filter's sentence about one connection of each kind.
class ConntrackFilter : public ::testing::Test {
 protected:
  const Connection tcp =
      decoded({"192.0.2.200", "198.51.100.7", IPPROTO_TCP, 40000, 443, BV_TCP_ESTABLISHED});
  const Connection ping = decoded({"2001:db8::1", "2001:db8:ffff::1", IPPROTO_ICMPV6, 128, 77});

  static ConnectionFilter from(const char* src) {
    ConnectionFilter f;
    f.src = *AddressRange::parse(src);
    return f;
  }
  static ConnectionFilter towards(const char* dst) {
    ConnectionFilter f;
    f.dst = *AddressRange::parse(dst);
    return f;
  }
};

TEST_F(ConntrackFilter, empty_is_everything) {
  EXPECT_TRUE(ConnectionFilter{}.matches(tcp));
  EXPECT_TRUE(ConnectionFilter{}.matches(ping));
}

TEST_F(ConntrackFilter, addresses_are_of_the_original_direction) {
  EXPECT_TRUE(from("192.0.2.200").matches(tcp));
  EXPECT_FALSE(from("192.0.2.201").matches(tcp));
  EXPECT_FALSE(from("198.51.100.7").matches(tcp));
  EXPECT_TRUE(towards("198.51.100.7").matches(tcp));
}

TEST_F(ConntrackFilter, prefixes_of_any_length) {
  for (const auto* in : {"192.0.2.128/25", "192.0.2.0/24", "192.0.2.200/31", "192.0.2.7/24",
                         "128.0.0.0/1", "0.0.0.0/0", "192.0.2.200/32"})
    EXPECT_TRUE(from(in).matches(tcp)) << in;
  for (const auto* out :
       {"192.0.2.0/25", "192.0.2.202/31", "0.0.0.0/1", "::/0", "::/64", "::ffff:192.0.2.200"})
    EXPECT_FALSE(from(out).matches(tcp)) << out;
  EXPECT_TRUE(from("2001:db8::/32").matches(ping));
  EXPECT_TRUE(from("2001:db8::/127").matches(ping));
  EXPECT_TRUE(towards("2001:db8:8000::/33").matches(ping));
  EXPECT_FALSE(towards("2001:db8::/33").matches(ping));
  EXPECT_FALSE(from("0.0.0.0/0").matches(ping));
}

TEST_F(ConntrackFilter, ports_protocol_state) {
  ConnectionFilter f;
  f.sport = 40000;
  f.dport = 443;
  f.protocol = IPPROTO_TCP;
  f.state = BV_TCP_ESTABLISHED;
  EXPECT_TRUE(f.matches(tcp));
  EXPECT_FALSE(f.matches(ping));
  f.dport = 40000;
  EXPECT_FALSE(f.matches(tcp));
  f.dport = {};
  f.state = BV_TCP_TIME_WAIT;
  EXPECT_FALSE(f.matches(tcp));
  f = {};
  f.state = BV_TCP_NONE;
  EXPECT_FALSE(f.matches(ping));
  f = {};
  f.sport = 0;
  EXPECT_FALSE(f.matches(ping)) << "ICMP has no ports";
}

TEST_F(ConntrackFilter, icmp) {
  ConnectionFilter f;
  f.icmp_type = 128;
  f.icmp_id = 77;
  EXPECT_TRUE(f.matches(ping));
  EXPECT_FALSE(f.matches(tcp));
  f.icmp_id = 78;
  EXPECT_FALSE(f.matches(ping));
}

TEST_F(ConntrackFilter, endpoint_by_name) {
  ConnectionFilter f;
  f.endpoint = "a";
  EXPECT_FALSE(f.matches(tcp));
  auto of_a = tcp;
  of_a.endpoint = "a";
  EXPECT_TRUE(f.matches(of_a));
}

TEST(ConntrackNames, are_parsed_back) {
  for (int state = 0; state < BV_TCP_MAX; ++state) {
    const auto name = to_string(static_cast<bv_tcp_state>(state));
    EXPECT_EQ(parse_tcp_state(name), static_cast<bv_tcp_state>(state)) << name;
  }
  EXPECT_EQ(to_string(BV_TCP_SYN_SENT2), "SYN_SENT2");
  EXPECT_THAT(parse_tcp_state("syn_sent").error().what, HasSubstr("SYN_SENT, SYN_RECV"));
  EXPECT_EQ(parse_protocol("icmpv6"), IPPROTO_ICMPV6);
  EXPECT_EQ(parse_protocol("0"), 0);
  EXPECT_EQ(parse_protocol("255"), 255);
  EXPECT_EQ(protocol_name(17), "udp");
  EXPECT_EQ(protocol_name(255), "");
  for (const auto* bad : {"", "256", "-1", "TCP", "6x", "ospf"})
    EXPECT_THAT(parse_protocol(bad).error().what, HasSubstr("tcp, udp")) << bad;
}

TEST(ConntrackNames, bad_ranges_say_why) {
  for (const auto* bad : {"", "/24", "10.0.0.300", "host", "10.0.0.0/33", "10.0.0.0/",
                          "10.0.0.0/-1", "::/129", "::/8x", "10.0.0.0/24/1", "!10.0.0.1"})
    EXPECT_THAT(AddressRange::parse(bad).error().what, HasSubstr(bad)) << bad;
}

}  // namespace
}  // namespace bpfvlan::test
