// SPDX-License-Identifier: MIT
// Which traffic is filtered, and by whose rules: what the kernel's driver cannot be told.
#include <fmt/core.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>
#include <set>

#include "bpfvlan/test/frame.hpp"
#include "packet_socket.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

class FilteredTraffic : public OurStage {
 protected:
  void done(const std::string& args, const std::string& input = {}) {
    const auto r = cli(args, input);
    EXPECT_EQ(r.status, 0) << args << "\n" << r.err;
  }
  // All but what these rules accept ("-A INPUT …\n").
  void drop(const std::string& parent, const std::string& rules = {}) {
    done("rule restore --parent " + parent,
         fmt::format("*filter\n:INPUT DROP\n:OUTPUT DROP\n{}COMMIT\n", rules));
  }
  RuleCount policy(bv_chain chain) {
    RuleCount count;
    BV_EXPECT_OK(control([&](Control& c) -> Result<> {
      BV_TRY(const auto chains, c.rules("P"));
      count = chains.at(chain).count;
      return {};
    }));
    return count;
  }
};

TEST_F(FilteredTraffic, in_any_mode_by_the_endpoints_setting) {
  BV_OK(siblings_l2(BV_POLICY_BRIDGE));
  BV_OK(route_from_x(kA2));
  BV_OK(route_from_x(kB2));
  done("endpoint set a --filter on");
  done("endpoint set b --filter off");
  drop("P");
  for (const auto* mode : {"l2", "l3", "l3s"}) {
    done(fmt::format("attach P --mode {}", mode));
    EXPECT_TRUE(no({{"x", "a", kA2.v4}, {"x", "a", kA2.v6}, {"a", "x", kX.v4}, {"a", "x", kX.v6}}))
        << mode;
    EXPECT_TRUE(ok("x", "b", kB2.v4)) << mode;
    EXPECT_TRUE(ok("b", "x", kX.v6)) << mode;
    EXPECT_TRUE(ok("a", "b", kB2.v6)) << mode << ": siblings";
  }
}

TEST_F(FilteredTraffic, is_counted_exactly) {
  BV_OK(siblings(BV_MODE_L3S));
  BV_OK(route_from_x(kA));
  drop("P");
  constexpr std::uint64_t kBytes = 20 + 8 + 56;  // of an echo request, from the IP header on
  for (std::uint64_t i = 1; i <= 3; ++i) {
    EXPECT_FALSE(lab::icmp_echo({"x", "a", kA.v4}, 1ms));
    EXPECT_FALSE(lab::icmp_echo({"b", "x", kX.v4}, 1ms));
    for (const auto chain : {BV_CHAIN_INPUT, BV_CHAIN_OUTPUT}) {
      EXPECT_TRUE(eventually([&] { return policy(chain).packets == i; }));
      EXPECT_EQ(policy(chain).bytes, i * kBytes);
    }
  }
  EXPECT_TRUE(lab::icmp_echo({"a", "b", kB.v4}, patience()));
  EXPECT_EQ(policy(BV_CHAIN_OUTPUT).packets, 3U) << "siblings";
}

TEST_F(FilteredTraffic, by_rules_for_one_endpoint) {
  BV_OK(siblings(BV_MODE_L3S));
  BV_OK(route_from_x(kA));
  BV_OK(route_from_x(kB));
  drop("P",
       "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
       "-A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
       "-A INPUT --endpoint a -j ACCEPT\n"
       "-A OUTPUT ! --endpoint a -j ACCEPT\n");
  EXPECT_TRUE(ok("x", "a", kA.v4));
  EXPECT_TRUE(ok("b", "x", kX.v6));
  EXPECT_TRUE(no({{"x", "b", kB.v4}, {"x", "b", kB.v6}, {"a", "x", kX.v4}, {"a", "x", kX.v6}}));
}

// H is an endpoint in the parent's own namespace: its replies to A are a sibling's.
TEST_F(FilteredTraffic, to_the_hosts_own_stack_but_not_between_siblings) {
  BV_OK(attach(BV_POLICY_BRIDGE, BV_MODE_L3S));
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint_in_host("h", kH));
  for (const auto& to : {kA.v4, kA.v6})
    BV_OK(lab.ip("host", fmt::format("route add {} dev h", to)));
  EXPECT_TRUE(ok("a", "host", kP.v4));
  EXPECT_TRUE(ok("a", "host", kP.v6));
  drop("P");
  EXPECT_TRUE(no({{"a", "host", kP.v4}, {"a", "host", kP.v6}}));
  EXPECT_TRUE(ok("a", "host", kH.v4));
  EXPECT_TRUE(ok("a", "host", kH.v6));
  EXPECT_TRUE(ok("host", "a", kA.v4));
}

// Whatever the parent, one tuple; and each parent's rules and connections are its own.
TEST_F(FilteredTraffic, is_the_parents_own) {
  BV_OK(lab.cable("host", "Q", "x", "Y"));
  BV_OK(attach(BV_POLICY_BRIDGE, BV_MODE_L3S));
  done("attach Q --mode l3s");
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint("a2", kA, [](auto& r) { r.parent = "Q"; }));
  const auto accepted = reason(BV_REASON_RX_DELIVERED);
  const auto send = [&](const char* parent, const char* far) {
    MacAddr mac;
    std::ranges::copy(mac_of("host", parent), mac.octets.begin());
    EXPECT_TRUE(PacketSocket("x", far).send(
        frame(Ethernet{.dst = mac}, IPv4{.src = kX.v4, .dst = kA.v4}, Udp{}, payload(10))));
  };
  send("P", "X");
  send("Q", "Y");
  EXPECT_TRUE(eventually([&] { return reason(BV_REASON_RX_DELIVERED) == accepted + 2; }));
  std::multiset<std::string> parents;
  for (const auto& c : nlohmann::json::parse(cli("-j conntrack list -p udp -s 10.211.55.1").out))
    parents.insert(c["parent"]);
  EXPECT_EQ(parents, (std::multiset<std::string>{"P", "Q"}));

  done("conntrack flush --parent Q");
  EXPECT_EQ(cli("conntrack count --parent P -p udp -s 10.211.55.1").out, "1\n");
  drop("Q", "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n");
  const auto dropped = reason(BV_REASON_RX_CHAIN_POLICY);
  send("Q", "Y");
  send("P", "X");
  EXPECT_TRUE(eventually([&] { return reason(BV_REASON_RX_DELIVERED) == accepted + 3; }));
  EXPECT_TRUE(eventually([&] { return reason(BV_REASON_RX_CHAIN_POLICY) == dropped + 1; }));
}

}  // namespace
}  // namespace bpfvlan::test
