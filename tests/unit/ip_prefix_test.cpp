// SPDX-License-Identifier: MIT
#include "bpfvlan/ip_prefix.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

namespace bpfvlan {
namespace {

using ::testing::HasSubstr;

TEST(IpPrefix, keeps_the_host_part) {
  const auto p = IpPrefix::parse("192.168.10.100/24");
  ASSERT_TRUE(p);
  EXPECT_EQ(p->family, AF_INET);
  EXPECT_EQ(p->length, 24);
  EXPECT_EQ(p->cidr(), "192.168.10.100/24");
  EXPECT_EQ(p->address(), "192.168.10.100");
}

TEST(IpPrefix, without_a_length_is_one_address) {
  EXPECT_EQ(IpPrefix::parse("10.0.0.1")->length, 32);
  EXPECT_EQ(IpPrefix::parse("fd00::1")->length, 128);
}

TEST(IpPrefix, writes_ipv6_short) {
  EXPECT_EQ(IpPrefix::parse("FD00:0:0::0001/64")->cidr(), "fd00::1/64");
  EXPECT_EQ(IpPrefix::parse("fe80::1/64")->cidr(), "fe80::1/64");
}

TEST(IpPrefix, the_same_address_whatever_the_length) {
  EXPECT_TRUE(IpPrefix::parse("10.0.0.1/8")->same_address(*IpPrefix::parse("10.0.0.1/24")));
  EXPECT_FALSE(IpPrefix::parse("10.0.0.1")->same_address(*IpPrefix::parse("10.0.0.2")));
  // 10.0.0.1 and a00:1:: begin with the same bytes
  EXPECT_FALSE(IpPrefix::parse("10.0.0.1")->same_address(*IpPrefix::parse("a00:1::")));
}

TEST(IpPrefix, edges_that_are_good) {
  for (const auto* good : {"1.0.0.0", "223.255.255.255/0", "240.0.0.1", "::2", "1::"})
    EXPECT_TRUE(IpPrefix::parse(good)) << good;
}

struct Bad {
  const char* text;
  const char* why;
};
class IpPrefixRefuses : public ::testing::TestWithParam<Bad> {};

TEST_P(IpPrefixRefuses, and_says_why) {
  const auto p = IpPrefix::parse(GetParam().text);
  ASSERT_FALSE(p);
  EXPECT_THAT(p.error().what, HasSubstr(GetParam().why));
  EXPECT_THAT(p.error().what, HasSubstr(GetParam().text));
}

INSTANTIATE_TEST_SUITE_P(
    Texts, IpPrefixRefuses,
    ::testing::Values(Bad{"", "not an IPv4 or IPv6 address"}, Bad{"10.0.0", "not an IPv4"},
                      Bad{"10.0.0.256", "not an IPv4"}, Bad{"10.0.0.1.", "not an IPv4"},
                      Bad{" 10.0.0.1", "not an IPv4"}, Bad{"fd00::g", "not an IPv4"},
                      Bad{"fd00::1%eth0", "not an IPv4"}, Bad{"host", "not an IPv4"},
                      Bad{"10.0.0.1/33", "0 to 32"}, Bad{"10.0.0.1/", "0 to 32"},
                      Bad{"10.0.0.1/-1", "0 to 32"}, Bad{"10.0.0.1/24x", "0 to 32"},
                      Bad{"10.0.0.1/4294967304", "0 to 32"}, Bad{"fd00::1/129", "0 to 128"},
                      Bad{"0.0.0.0", "unspecified"}, Bad{"::", "unspecified"},
                      Bad{"0.1.2.3", "0.0.0.0/8"}, Bad{"127.0.0.1", "loopback"},
                      Bad{"::1", "loopback"}, Bad{"224.0.0.1", "multicast"},
                      Bad{"239.255.255.255", "multicast"}, Bad{"ff02::1", "multicast"},
                      Bad{"255.255.255.255", "broadcast"}, Bad{"::ffff:10.0.0.1", "IPv4-mapped"}));

}  // namespace
}  // namespace bpfvlan
