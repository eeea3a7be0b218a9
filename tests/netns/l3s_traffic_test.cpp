// SPDX-License-Identifier: MIT
// What a stateful rule set does to real connections, played by the kernel's driver with netfilter
// and by us.
#include <fmt/core.h>
#include <sys/socket.h>

#include "filtered_stage.hpp"
#include "tcp_transfer.hpp"

namespace bpfvlan::test {
namespace {

constexpr auto kEstablishedIn = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";
constexpr auto kEstablishedOut = "-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";
constexpr auto kNewIn = "-A INPUT -m conntrack --ctstate NEW -j ACCEPT";
constexpr auto kNewOut = "-A OUTPUT -m conntrack --ctstate NEW -j ACCEPT";

class L3sTraffic : public Filtered {};
INSTANTIATE_TEST_SUITE_P(, L3sTraffic,
                         ::testing::Combine(kEitherEngine, ::testing::Values(AF_INET, AF_INET6)),
                         engine_and_family);

TEST_P(L3sTraffic, fragments_follow_their_first) {
  constexpr std::size_t kBytes = 9000;  // 7 fragments
  const auto echo = [&](const char* from, const char* to, const Addr& address,
                        Milliseconds patience) {
    return lab::udp_echo({from, to, of(address)}, kBytes, patience);
  };
  BV_OK(restore({kEstablishedIn, kEstablishedOut, "-A INPUT -p udp -j ACCEPT"}));
  EXPECT_TRUE(echo("x", "a", kA, patience()));
  EXPECT_FALSE(echo("a", "x", kX, silence()));
  BV_OK(restore({kEstablishedIn, kEstablishedOut, "-A OUTPUT -p udp -j ACCEPT"}));
  EXPECT_TRUE(echo("a", "x", kX, patience()));
  EXPECT_FALSE(echo("x", "a", kA, silence()));
}

// A router beyond X has a smaller MTU, and says so.
TEST_P(L3sTraffic, packet_too_big_is_related) {
  const Addr far{"198.51.100.7", "2001:db8:7::7"}, router{"198.51.100.1", "2001:db8:7::1"};
  BV_OK(lab.add_netns("far"));
  BV_OK(lab.cable("x", "F", "far", "far"));
  BV_OK(lab.address("x", "F", router.cidr(family())));
  BV_OK(lab.address("far", "far", far.cidr(family())));
  BV_OK(lab.ip("x", "link set F mtu 1300"));
  BV_OK(lab.ip("far", "link set far mtu 1300"));
  BV_OK(lab.ip("far", fmt::format("route add default via {}", of(router))));
  BV_OK(lab.sysctl("x", "net.ipv4.ip_forward", "1"));
  BV_OK(lab.sysctl("x", "net.ipv6.conf.all.forwarding", "1"));
  BV_OK(lab.ip("host", fmt::format("route add {} via {}", of(far), of(kX))));
  const lab::Path path{"a", "far", of(far)};

  BV_OK(restore({kNewOut, kEstablishedOut}));
  EXPECT_EQ(lab::udp_error(path, 1400, silence()), 0) << "not accepted, not heard";
  BV_OK(restore({kNewOut, kEstablishedOut, kEstablishedIn}));
  EXPECT_EQ(lab::udp_error(path, 1400, patience()), EMSGSIZE);
  EXPECT_TRUE(lab::udp_echo(path, 1400, patience())) << "in fragments, as A knows by now";
}

TEST_P(L3sTraffic, rules_hold_for_connections_that_exist) {
  BV_OK(restore({kEstablishedIn, kEstablishedOut, kNewIn}));
  const auto transfer = TcpTransfer::start({"x", "a", of(kA)});
  BV_OK(transfer);
  EXPECT_TRUE((*transfer)->goes_on());
  for (const auto& drop : {fmt::format("-A INPUT -s {} -p tcp -j DROP", of(kX)),
                           fmt::format("-A OUTPUT -d {} -p tcp -j DROP", of(kX))}) {
    BV_OK(restore({drop, kEstablishedIn, kEstablishedOut, kNewIn}));
    EXPECT_TRUE((*transfer)->stands_still()) << drop;
    BV_OK(restore({kEstablishedIn, kEstablishedOut}));
    EXPECT_TRUE((*transfer)->goes_on()) << "it is still known";
  }
  EXPECT_TRUE((*transfer)->finish());
}

TEST_P(L3sTraffic, replies_need_the_connection_not_the_rule_that_let_it_in) {
  BV_OK(restore({kEstablishedIn, kEstablishedOut, kNewOut}));
  EXPECT_TRUE(ok("a", "x", of(kX)));
  EXPECT_TRUE(no("x", "a", of(kA)));
  BV_OK(restore({kEstablishedIn, kEstablishedOut, kNewIn}));
  EXPECT_TRUE(ok("x", "a", of(kA)));
  EXPECT_TRUE(no("a", "x", of(kX)));
}

}  // namespace
}  // namespace bpfvlan::test
