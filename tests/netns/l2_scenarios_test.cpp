// SPDX-License-Identifier: MIT
// Rows L2-* of scenarios.md, played by the kernel's driver and by us. The others of them are in
// l2_multicast_test.cpp and l2_dhcp_test.cpp.
#include <fmt/core.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "packet_socket.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::array<std::uint8_t, 4> kPOctets{10, 211, 55, 25};

class L2 : public BothFamilies {};
INSTANTIATE_TEST_SUITE_P(, L2,
                         ::testing::Combine(kEitherEngine, ::testing::Values(AF_INET, AF_INET6)),
                         engine_and_family);

TEST_P(L2, bridge) {
  BV_OK(siblings_l2(BV_POLICY_BRIDGE));
  EXPECT_TRUE(ok("a", "b", of(kB2)));
  EXPECT_TRUE(ok("b", "a", of(kA2)));
  EXPECT_TRUE(ok("a", "x", of(kX)));
  EXPECT_TRUE(ok("x", "a", of(kA2)));
  EXPECT_TRUE(ok("x", "b", of(kB2)));
  EXPECT_TRUE(no({{"a", "host", of(kP)}, {"host", "a", of(kA2)}}));
}

TEST_P(L2, private_) {
  BV_OK(siblings_l2(BV_POLICY_PRIVATE));
  EXPECT_TRUE(ok("a", "x", of(kX)));
  EXPECT_TRUE(ok("x", "b", of(kB2)));
  EXPECT_TRUE(no({{"a", "b", of(kB2)}, {"b", "a", of(kA2)}, {"b", "host", of(kP)}}));
}

TEST_P(L2, vepa) {
  BV_OK(put_switch());
  BV_OK(siblings_l2(BV_POLICY_VEPA));
  EXPECT_TRUE(no({{"a", "b", of(kB2)}, {"b", "a", of(kA2)}, {"a", "host", of(kP)}}));
  EXPECT_TRUE(ok("a", "y", of(kY))) << "a host behind another port";
  EXPECT_TRUE(ok("y", "b", of(kB2)));

  BV_OK(hairpin(true));
  // Who is still asked for without an answer is given up soon, with what waits for it.
  for (const auto& [netns, ifname] : {std::pair{"a", "a"}, std::pair{"b", "b"}})
    BV_OK(lab.ip(netns, fmt::format("neighbour flush dev {} nud all", ifname)));
  const PacketSocket wire("sw", "at_p");
  EXPECT_TRUE(ok("a", "b", of(kB2)));
  EXPECT_TRUE(ok("b", "a", of(kA2)));
  int out = 0, back = 0;
  EXPECT_TRUE(eventually([&] {
    for (const auto& c : wire.drain()) {
      if (ip_source(c.frame) != of(kA2) || ip_destination(c.frame) != of(kB2)) continue;
      ++(c.packet_type == PACKET_OUTGOING ? back : out);
    }
    return out > 0 && back == out;
  })) << out
      << " frames left by P, and came back: " << back;
  // The scenario has a `no`; but what goes to the shared MAC address comes back to the host too.
  EXPECT_TRUE(ok("a", "host", of(kP)));
  EXPECT_TRUE(ok("a", "y", of(kY)));
}

// With the switch's help or without: a frame that comes back is not for who may not have it.
TEST_P(L2, private_behind_a_hairpin) {
  BV_OK(put_switch());
  BV_OK(hairpin(true));
  BV_OK(siblings_l2(BV_POLICY_PRIVATE));
  EXPECT_TRUE(no({{"a", "b", of(kB2)}, {"b", "a", of(kA2)}}));
  EXPECT_TRUE(ok("a", "y", of(kY)));
}

TEST_P(L2, bridge_behind_a_hairpin) {
  BV_OK(put_switch());
  BV_OK(hairpin(true));
  BV_OK(siblings_l2(BV_POLICY_BRIDGE));
  EXPECT_TRUE(ok("a", "b", of(kB2)));
  EXPECT_TRUE(ok("a", "y", of(kY)));
  EXPECT_TRUE(ok("y", "b", of(kB2)));
}

TEST_P(L2, relay) {
  const bool v4 = family() == AF_INET;
  BV_OK(attach(BV_POLICY_BRIDGE, BV_MODE_L2));
  BV_OK(endpoint("a", kA2));
  // Of IPv6 without its subnet: the host would have two routes to choose from.
  BV_OK(endpoint(
      {.name = "h", .netns = "host", .addresses = {kH.cidr(AF_INET), std::string(kH.v6)}}));
  if (!v4) {
    // A host answers ARP requests for its addresses on any interface, solicitations it does not.
    BV_OK(lab.sysctl("host", "net.ipv6.conf.h.forwarding", "1"));
    BV_OK(lab.sysctl("host", "net.ipv6.conf.h.proxy_ndp", "1"));
    BV_OK(lab.sysctl("host", "net.ipv6.neigh.h.proxy_delay", "0"));
    BV_OK(lab.ip("host", fmt::format("neigh add proxy {} dev h", kP.v6)));
  }
  EXPECT_TRUE(ok("a", "x", of(kX)));
  const PacketSocket at_h("host", "h");
  EXPECT_TRUE(no("a", "host", of(kP)));
  BV_OK(lab.ip("host", fmt::format("route add {} dev h", of(kA2))));
  EXPECT_TRUE(ok("a", "host", of(kH))) << "H is a sibling";
  EXPECT_TRUE(ok("a", "host", of(kP)));

  int requests = 0, answers = 0, replies = 0;
  for (const auto& c : at_h.drain()) {
    const auto& f = c.frame;
    const bool outgoing = c.packet_type == PACKET_OUTGOING;
    if (f[12] == 0x08 && f[13] == 0x06 && f.size() >= 42) {
      const bool is_request = f[21] == 1;
      if (!std::equal(kPOctets.begin(), kPOctets.end(), f.begin() + (is_request ? 38 : 28)))
        continue;
      if (is_request && !outgoing) ++requests;
      if (!is_request && outgoing) ++answers;
    }
    if (ip_source(f) == of(kP) && ip_destination(f) == of(kA2)) {
      EXPECT_TRUE(outgoing);
      ++replies;
    }
    EXPECT_FALSE(ip_source(f) == of(kA2) && ip_destination(f) == of(kP))
        << "what A sends enters by the parent";
  }
  EXPECT_GT(replies, 0);
  if (v4) {
    EXPECT_GT(requests, 0);
    EXPECT_EQ(answers, requests);
  }
}

// No gateway and nothing in common but the wire: neighbour requests across subnets.
TEST_P(L2, subnets) {
  const Addr a{"192.168.100.1", "fd00:100::1"}, b{"192.168.200.1", "fd00:200::1"};
  BV_OK(attach(BV_POLICY_BRIDGE, BV_MODE_L2));
  BV_OK(endpoint("a", a));
  BV_OK(endpoint("b", b));
  EXPECT_TRUE(ok("a", "b", of(b)));
  EXPECT_TRUE(ok("b", "a", of(a)));
}

}  // namespace
}  // namespace bpfvlan::test
