// SPDX-License-Identifier: MIT
// Addresses that appear in the namespace become the endpoint's by its own traffic (`--learn`).
#include <fmt/core.h>
#include <sys/socket.h>

#include <chrono>

#include "lab/process.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

// The driver takes whatever the namespace's own `ip address` says.
class L2Learning : public BothFamilies {
 protected:
  void SetUp() override {
    Stage::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    BV_OK(attach(BV_POLICY_BRIDGE, BV_MODE_L2));
    for (const auto* name : {"a", "b"}) {
      BV_OK(lab.add_netns(name));
      BV_OK(endpoint({.name = name, .netns = name, .addresses = {}, .learn = true}));
    }
  }
};
INSTANTIATE_TEST_SUITE_P(, L2Learning,
                         ::testing::Combine(kEitherEngine, ::testing::Values(AF_INET, AF_INET6)),
                         engine_and_family);

TEST_P(L2Learning, addresses_of_ip) {
  BV_OK(lab.address("a", "a", kA2.cidr(family())));
  BV_OK(lab.address("b", "b", kB2.cidr(family())));
  EXPECT_TRUE(ok("a", "x", of(kX)));
  EXPECT_TRUE(ok("b", "a", of(kA2)));
  EXPECT_TRUE(ok("x", "b", of(kB2)));
}

class L2Slaac : public L2Learning {};
INSTANTIATE_TEST_SUITE_P(, L2Slaac, ::testing::Combine(kEitherEngine, ::testing::Values(AF_INET6)),
                         engine_and_family);

// Both stacks make their address of the router's prefix. Their MAC address is one, so they must
// not make it of that, as the driver's would not.
TEST_P(L2Slaac, addresses_of_a_router) {
  auto router = lab::Process::start(
      "x", lab::words("dnsmasq -k --conf-file=/dev/null --port=0 --user=root --pid-file= "
                      "--interface=X --bind-interfaces --log-facility=- --leasefile-ro "
                      "--enable-ra --dhcp-range=fd00:77::,ra-only,64"));
  BV_OK(router);
  BV_OK(lab.address("x", "X", "fd00:77::1/64"));
  const auto made = [&](const std::string& name) {
    std::string address;
    eventually([&] {
      const auto shown =
          lab::run({"ip", "-n", name, "-6", "-o", "address", "show", "dev", name, "-tentative"});
      for (const auto& word : lab::words(shown.out))
        if (word.starts_with("fd00:77:")) address = word.substr(0, word.find('/'));
      return !address.empty();
    });
    return address;
  };
  for (const auto* name : {"a", "b"}) {
    BV_OK(lab.sysctl(name, fmt::format("net.ipv6.conf.{}.addr_gen_mode", name), "3"));
    BV_OK(lab.sysctl(name, fmt::format("net.ipv6.conf.{}.router_solicitation_delay", name), "0"));
    BV_OK(ip_batch(name, {fmt::format("link set dev {} down", name),
                          fmt::format("link set dev {} up", name)}));
  }
  const auto a = made("a"), b = made("b");
  ASSERT_FALSE(a.empty()) << router->output();
  ASSERT_FALSE(b.empty()) << router->output();
  EXPECT_NE(a, b);
  EXPECT_TRUE(ok("a", "x", "fd00:77::1"));
  EXPECT_TRUE(ok("b", "a", a));
  EXPECT_TRUE(ok("x", "b", b));
}

// What only we have: a setting, a count of what was refused, and an end.
class OurLearning : public OurStage, public ::testing::WithParamInterface<int> {
 protected:
  int family() const { return GetParam(); }
  std::string of(const Addr& addr) const { return addr.of(family()); }

  void SetUp() override {
    OurStage::SetUp();
    BV_OK(attach(BV_POLICY_BRIDGE, BV_MODE_L2));
    for (const auto* name : {"a", "b"}) {
      BV_OK(lab.add_netns(name));
      BV_OK(OurStage::endpoint({.name = name, .netns = name, .addresses = {}}));
    }
  }

  Result<> learn(const std::string& name, std::chrono::seconds age) {
    return control([&](Control& c) {
      return c.set_endpoint(name, {}, {}, static_cast<std::uint32_t>(age.count()));
    });
  }
};
INSTANTIATE_TEST_SUITE_P(, OurLearning, ::testing::Values(AF_INET, AF_INET6),
                         [](const auto& i) { return family_name(i.param); });

TEST_P(OurLearning, off_unless_told) {
  BV_OK(lab.address("a", "a", kA2.cidr(family())));
  EXPECT_TRUE(no({{"a", "x", of(kX)}, {"x", "a", of(kA2)}}));
  EXPECT_EQ(reason(BV_REASON_ADDRESS_REFUSED), 0U);
  BV_OK(learn("a", 300s));
  BV_OK(lab.ip("a", "neighbour flush dev a nud all"));
  BV_OK(lab.ip("x", "neighbour flush dev X nud all"));
  EXPECT_TRUE(ok("a", "x", of(kX)));
}

TEST_P(OurLearning, not_a_siblings_address) {
  for (const auto* name : {"a", "b"}) BV_OK(learn(name, 300s));
  BV_OK(lab.address("a", "a", kA2.cidr(family())));
  EXPECT_TRUE(ok("a", "x", of(kX)));
  EXPECT_EQ(reason(BV_REASON_ADDRESS_REFUSED), 0U);
  BV_OK(lab.address("b", "b", kA2.cidr(family())));
  lab::icmp_echo({"b", "x", of(kX)}, silence());
  EXPECT_GT(reason(BV_REASON_ADDRESS_REFUSED), 0U);
  EXPECT_TRUE(ok("x", "a", of(kA2))) << "it is A's still";
}

TEST_P(OurLearning, not_a_listed_address) {
  BV_OK(learn("b", 300s));
  BV_OK(control([&](Control& c) -> Result<> {
    BV_TRY(const auto address, IpPrefix::parse(kA2.cidr(family())));
    return c.add_address("a", address);
  }));
  BV_OK(lab.address("b", "b", kA2.cidr(family())));
  lab::icmp_echo({"b", "x", of(kX)}, silence());
  EXPECT_GT(reason(BV_REASON_ADDRESS_REFUSED), 0U);
  EXPECT_TRUE(ok("x", "a", of(kA2)));
}

// Unused for its age, an address is nobody's, and another endpoint may have it.
TEST_P(OurLearning, aging) {
  const auto age = std::chrono::seconds(1 + slowness());
  for (const auto* name : {"a", "b"}) BV_OK(learn(name, age));
  BV_OK(lab.address("a", "a", kA2.cidr(family())));
  EXPECT_TRUE(ok("a", "x", of(kX)));
  const auto used = std::chrono::steady_clock::now();
  EXPECT_TRUE(ok("x", "a", of(kA2))) << "A's still, as its answers use it";
  BV_OK(lab.ip("a", "link set dev a down"));
  BV_OK(lab.address("b", "b", kA2.cidr(family())));
  EXPECT_TRUE(eventually([&] { return lab::icmp_echo({"b", "x", of(kX)}, 200ms); }));
  EXPECT_GE(std::chrono::steady_clock::now() - used, age);
  EXPECT_TRUE(ok("b", "x", of(kX)));
  EXPECT_TRUE(ok("x", "b", of(kA2)));
}

}  // namespace
}  // namespace bpfvlan::test
