// SPDX-License-Identifier: MIT
// Rows L3S-* of scenarios.md, played by the kernel's driver with netfilter and by us.
#include <fmt/core.h>
#include <sys/socket.h>

#include "filtered_stage.hpp"

namespace bpfvlan::test {
namespace {

class L3s : public Filtered {
 protected:
  static constexpr std::uint16_t kId = 4711;

  std::vector<std::string> established() const {
    return {"-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            "-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"};
  }
  // The four host rules, and those for what is established.
  std::vector<std::string> hosts() const {
    auto rules = established();
    for (const auto& endpoint : {kA, kB}) {
      rules.push_back(accept("INPUT", kX, endpoint));
      rules.push_back(accept("OUTPUT", endpoint, kX));
    }
    return rules;
  }
  std::string accept(const char* chain, const Addr& from, const Addr& to) const {
    return fmt::format("-A {} -s {} -d {} -m conntrack --ctstate NEW,RELATED,ESTABLISHED -j ACCEPT",
                       chain, of(from), of(to));
  }
  // A line of an echo and its reply, as conntrack prints it.
  std::string echo_line(const Addr& from, const Addr& to, std::uint16_t id) const {
    const bool v4 = family() == AF_INET;
    const std::string counted = "packets=1 bytes=[0-9]+ ";
    return fmt::format(
        "^{} [0-9]+ src={} dst={} type={} code=0 id={} {}src={} dst={} type={} "
        "code=0 id={} {}mark=0 (zone=0 )?use=[0-9]+$",
        v4 ? "ipv4     2 icmp     1" : "ipv6     10 icmpv6   58", of(from), of(to), v4 ? 8 : 128,
        id, counted, of(to), of(from), v4 ? 0 : 129, id, counted);
  }
  bool echo(const char* from, const char* to, const Addr& address, std::uint16_t id) {
    return lab::icmp_echo({.from = from, .to = to, .address = of(address), .number = id},
                          patience());
  }
};
INSTANTIATE_TEST_SUITE_P(, L3s,
                         ::testing::Combine(kEitherEngine, ::testing::Values(AF_INET, AF_INET6)),
                         engine_and_family);

TEST_P(L3s, open) {
  EXPECT_TRUE(ok("a", "b", of(kB)));
  EXPECT_TRUE(ok("b", "a", of(kA)));
  EXPECT_TRUE(ok("x", "a", of(kA)));
  EXPECT_TRUE(ok("x", "b", of(kB)));
  EXPECT_TRUE(ok("a", "x", of(kX)));
  EXPECT_TRUE(ok("b", "x", of(kX)));
  EXPECT_TRUE(no({{"a", "host", of(kP)}, {"host", "a", of(kA)}}));
}

TEST_P(L3s, filter) {
  BV_OK(restore(hosts()));
  EXPECT_TRUE(ok("x", "a", of(kA)));
  EXPECT_TRUE(echo("x", "a", kA, kId));
  EXPECT_TRUE(has_connection(echo_line(kX, kA, kId)));

  BV_OK(engine().flush_connections());
  EXPECT_FALSE(has_connection(echo_line(kX, kA, kId)));
  EXPECT_TRUE(ok("b", "x", of(kX)));
  EXPECT_TRUE(echo("b", "x", kX, kId));
  EXPECT_TRUE(has_connection(echo_line(kB, kX, kId)));
}

TEST_P(L3s, drop) {
  BV_OK(restore(hosts()));
  EXPECT_TRUE(ok("x", "a", of(kA)));
  EXPECT_TRUE(ok("b", "x", of(kX)));
  BV_OK(restore(established()));
  const auto input = policy_packets(BV_CHAIN_INPUT), output = policy_packets(BV_CHAIN_OUTPUT);
  EXPECT_TRUE(no({{"x", "a", of(kA)}, {"b", "x", of(kX)}}));
  EXPECT_GE(policy_packets(BV_CHAIN_INPUT), input + 3) << "TCP, UDP and ICMP";
  EXPECT_GE(policy_packets(BV_CHAIN_OUTPUT), output + 3);
  EXPECT_TRUE(ok("a", "b", of(kB))) << "siblings are not filtered";
  EXPECT_TRUE(ok("b", "a", of(kA)));
}

TEST_P(L3s, related) {
  const std::string out = "-A OUTPUT -m conntrack --ctstate NEW -j ACCEPT";
  BV_OK(restore({out}));
  EXPECT_EQ(lab::udp_error({"a", "x", of(kX)}, 100, silence()), 0) << "nothing comes in";
  BV_OK(restore({out, "-A INPUT -m conntrack --ctstate RELATED -j ACCEPT"}));
  EXPECT_EQ(lab::udp_error({"a", "x", of(kX)}, 100, patience()), ECONNREFUSED);
  const auto chains = engine().rules(family());
  BV_OK(chains);
  EXPECT_EQ(chains->at(BV_CHAIN_INPUT).rules.back().count.packets, 1U);
  EXPECT_EQ(chains->at(BV_CHAIN_OUTPUT).rules.back().count.packets, 1U);
}

}  // namespace
}  // namespace bpfvlan::test
