// SPDX-License-Identifier: MIT
// Rows L3-* of scenarios.md, played by the kernel's driver and by us.
#include <fmt/core.h>
#include <sys/socket.h>

#include "packet_socket.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

class L3 : public BothFamilies {};
INSTANTIATE_TEST_SUITE_P(, L3,
                         ::testing::Combine(kEitherEngine, ::testing::Values(AF_INET, AF_INET6)),
                         engine_and_family);

TEST_P(L3, bridge) {
  BV_OK(attach(BV_POLICY_BRIDGE));
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint("b", kB));
  EXPECT_TRUE(ok("a", "b", of(kB)));
  EXPECT_TRUE(ok("b", "a", of(kA)));
  EXPECT_TRUE(no("x", "a", of(kA))) << "X has no route yet";
  BV_OK(route_from_x(kA));
  BV_OK(route_from_x(kB));
  EXPECT_TRUE(ok("x", "a", of(kA)));
  EXPECT_TRUE(ok("x", "b", of(kB)));
  EXPECT_TRUE(ok("a", "x", of(kX)));
  EXPECT_TRUE(ok("b", "x", of(kX)));
  EXPECT_TRUE(no({{"a", "host", of(kP)}, {"host", "a", of(kA)}}));
}

TEST_P(L3, same_subnet) {
  const Addr a{"10.211.55.100", "fd00:55::100"}, b{"10.211.55.200", "fd00:55::200"};
  BV_OK(attach(BV_POLICY_BRIDGE));
  BV_OK(endpoint("a", a));
  BV_OK(endpoint("b", b));
  EXPECT_TRUE(ok("a", "b", of(b)));
  EXPECT_TRUE(ok("b", "a", of(a)));
  // Nobody answers X's neighbour request for A.
  EXPECT_TRUE(no({{"a", "host", of(kP)}, {"a", "x", of(kX)}}));
  BV_OK(route_from_x(a));
  EXPECT_TRUE(ok("a", "x", of(kX)));
  EXPECT_TRUE(ok("x", "a", of(a)));
}

TEST_P(L3, private_) {
  BV_OK(attach(BV_POLICY_PRIVATE));
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint("b", kB));
  BV_OK(route_from_x(kA));
  EXPECT_TRUE(no({{"a", "b", of(kB)}, {"b", "a", of(kA)}}));
  EXPECT_TRUE(ok("a", "x", of(kX)));
  EXPECT_TRUE(ok("x", "a", of(kA)));
}

// h25 is the stage's host with P, h24 its outside host.
TEST_P(L3, vepa) {
  const Addr b{"192.168.20.200", "fd00:20::200"};
  BV_OK(attach(BV_POLICY_VEPA));
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint("b", b));
  EXPECT_TRUE(no({{"a", "b", of(b)}, {"host", "a", of(kA)}}));

  for (const auto& to : {kA, b}) {
    BV_OK(lab.ip("host", fmt::format("route add {} via {}", of(to), of(kX))));
    BV_OK(lab.ip("x", fmt::format("route add {} via {}", of(to), of(kP))));
  }
  EXPECT_TRUE(ok("x", "a", of(kA)));
  EXPECT_TRUE(ok("x", "b", of(b)));
  EXPECT_TRUE(no("a", "b", of(b))) << "h24 does not forward yet";

  BV_OK(lab.sysctl("x", "net.ipv4.ip_forward", "1"));
  BV_OK(lab.sysctl("x", "net.ipv6.conf.all.forwarding", "1"));
  EXPECT_TRUE(ok("host", "a", of(kA)));
  EXPECT_TRUE(ok("host", "b", of(b)));
  EXPECT_TRUE(ok("a", "b", of(b), 63)) << "one router on the way";
}

TEST_P(L3, relay) {
  BV_OK(attach(BV_POLICY_BRIDGE));
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint_in_host("h", kH));
  BV_OK(route_from_x(kA));
  EXPECT_TRUE(ok("a", "x", of(kX)));
  EXPECT_TRUE(no("a", "host", of(kP)));
  BV_OK(lab.ip("host", fmt::format("route add {} dev h", of(kA))));
  EXPECT_TRUE(ok("a", "host", of(kH))) << "H is a sibling";
  EXPECT_TRUE(ok("a", "host", of(kP)));
}

// A strict reverse-path filter drops nothing that the driver would have delivered.
TEST_P(L3, relay_with_strict_reverse_path_filter) {
  for (const auto* ifname : {"all", "P"})
    BV_OK(lab.sysctl("host", fmt::format("net.ipv4.conf.{}.rp_filter", ifname), "1"));
  BV_OK(attach(BV_POLICY_BRIDGE));
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint_in_host("h", kH));
  BV_OK(lab.ip("host", fmt::format("route add {} dev h", of(kA))));
  EXPECT_TRUE(ok("a", "host", of(kP)));
}

// No forwarding sysctl is on or was switched on, but for our own host sides.
TEST_P(L3, forwarding_stays_off) {
  BV_OK(attach(BV_POLICY_BRIDGE));
  BV_OK(endpoint("a", kA));
  BV_OK(route_from_x(kA));
  for (const auto* key : {"net.ipv4.ip_forward", "net.ipv4.conf.P.forwarding",
                          "net.ipv6.conf.all.forwarding", "net.ipv6.conf.P.forwarding"}) {
    const auto r = lab::run({"ip", "netns", "exec", "host", "sysctl", "-n", key});
    EXPECT_EQ(r.out, "0\n") << key;
  }
  EXPECT_TRUE(ok("a", "x", of(kX)));
}

// Without any route to the destination, IPv4 takes it as on-link and IPv6 drops it: as the driver.
TEST_P(L3, destination_without_a_route) {
  const bool v4 = family() == AF_INET;
  BV_OK(attach(BV_POLICY_BRIDGE));
  BV_OK(endpoint("a", kA));
  const Addr far{"198.51.100.7", "2001:db8:7::7", 32};
  BV_OK(lab.address("x", "X", far.cidr(family())));
  BV_OK(route_from_x(kA));
  if (v4) {
    EXPECT_TRUE(ok("a", "x", of(far))) << "X answers an ARP request for its address";
    BV_OK(lab.ip("host", "route add blackhole 198.51.100.0/24"));
    EXPECT_TRUE(ok("a", "x", of(far))) << "blackhole routes do not apply";
  } else {
    EXPECT_TRUE(no("a", "x", of(far)));
    BV_OK(lab.ip("host", fmt::format("route add default via {}", of(kX))));
    EXPECT_TRUE(ok("a", "x", of(far)));
  }
}

// The host's own stack means its own addresses on the wire, never its loopback.
TEST_P(L3, loopback_of_the_host_stays_its_own) {
  const bool v4 = family() == AF_INET;
  BV_OK(attach(BV_POLICY_BRIDGE));
  BV_OK(endpoint("a", kA));
  // A sends to its "own" loopback addresses by the interface: such packets must not come out at
  // the host's loopback.
  BV_OK(lab.ip("a", v4 ? "address del 127.0.0.1/8 dev lo" : "address del ::1/128 dev lo"));
  if (v4) {
    BV_OK(lab.ip("a", "route add 127.0.0.0/8 dev a"));
    BV_OK(lab.sysctl("a", "net.ipv4.conf.a.route_localnet", "1"));
  } else {
    BV_OK(lab.ip("a", "route add ::1/128 dev a"));
  }
  const PacketSocket at_a("a", "a"), at_lo("host", "lo");
  const auto to = [](const std::string& address) {
    return [address](const Captured& c) { return ip_destination(c.frame) == address; };
  };
  const std::string loopback = v4 ? "127.0.0.1" : "::1";
  EXPECT_TRUE(no("a", "host", loopback));
  EXPECT_TRUE(at_a.wait_for(to(loopback))) << "the packets did leave A's stack";
  EXPECT_TRUE(at_lo.drain().empty());

  lab::icmp_echo({"a", "host", of(kP)}, 1ms);  // the reply is lost on the wire
  EXPECT_TRUE(at_lo.wait_for(to(of(kP)))) << "where packets for the host would be seen";
}

}  // namespace
}  // namespace bpfvlan::test
