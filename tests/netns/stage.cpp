// SPDX-License-Identifier: MIT
#include "stage.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

namespace bpfvlan::test {
namespace {

// As lab::reach, but with less by TCP, several super-packets still: making a mebibyte up and
// comparing it is most of what a scenario costs on an emulated machine.
lab::Reach reach(const lab::Path& path, Milliseconds patience) {
  constexpr std::size_t kTcpBytes = 128 << 10, kUdpBytes = 512;
  lab::Reach r;
  auto tcp =
      std::async(std::launch::async, [&] { return lab::tcp_echo(path, kTcpBytes, patience); });
  auto udp =
      std::async(std::launch::async, [&] { return lab::udp_echo(path, kUdpBytes, patience); });
  r.icmp = lab::icmp_echo(path, patience, &r.ttl);
  r.tcp = tcp.get();
  r.udp = udp.get();
  return r;
}

}  // namespace

int slowness() {
  const char* text = std::getenv("BPFVLAN_TEST_SLOWNESS");
  return text ? std::atoi(text) : 1;
}

Milliseconds patience() {
  return 8000ms * slowness();
}
Milliseconds silence() {
  return 300ms * slowness();
}

bool eventually(const std::function<bool()>& condition, Milliseconds within) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

std::string Addr::of(int family) const {
  return family == AF_INET ? v4 : v6;
}

std::string Addr::cidr(int family) const {
  return family == AF_INET ? fmt::format("{}/{}", v4, length4) : fmt::format("{}/64", v6);
}

std::string family_name(int family) {
  return family == AF_INET ? "ipv4" : "ipv6";
}

std::string engine_and_family(const ::testing::TestParamInfo<std::tuple<EngineKind, int>>& info) {
  const auto [kind, family] = info.param;
  return fmt::format("{}_{}", to_string(kind), family_name(family));
}

void Stage::SetUp() {
  if (const auto missing = engine_missing(kind_)) {
    if (std::getenv("BPFVLAN_TEST_REQUIRE_IPVLAN")) FAIL() << *missing;
    GTEST_SKIP() << *missing;
  }
  // Of the test before in this process, whose namespaces are gone with it.
  std::filesystem::remove_all("/sys/fs/bpf/bpfvlan");
  BV_OK(lab.add_netns("x"));
  BV_OK(lab.add_netns("host"));
  // As Lab::cable, Lab::address and Lab::wait_link_local, all in few processes.
  const auto address = [](const Addr& addr, const char* dev, int family) {
    return fmt::format("address add {} dev {}{}", addr.cidr(family), dev,
                       family == AF_INET ? "" : " nodad");
  };
  BV_OK(ip_batch("host", {"link add P type veth peer name X netns x", "link set P up",
                          address(kP, "P", AF_INET), address(kP, "P", AF_INET6)}));
  BV_OK(ip_batch("x", {"link set X up", address(kX, "X", AF_INET), address(kX, "X", AF_INET6)}));
  BV_OK(wait_local("x", {kX.v6, "fe80::"}));
  BV_OK(wait_local("host", {kP.v6, "fe80::"}));
}

Result<> Stage::attach(Policy policy, Mode mode) {
  return engine_->attach(mode, policy);
}

Result<> Stage::endpoint(const std::string& name, const Addr& addr) {
  BV_CHECK(lab.add_netns(name));
  return engine_->add({.name = name,
                       .netns = name,
                       .addresses = {addr.cidr(AF_INET), addr.cidr(AF_INET6)},
                       .default_route = true});
}

Result<> Stage::endpoint_in_host(const std::string& name, const Addr& addr) {
  return engine_->add({.name = name, .netns = "host", .addresses = {addr.v4, addr.v6}});
}

Result<> Stage::siblings(Mode mode) {
  BV_CHECK(attach(BV_POLICY_BRIDGE, mode));
  BV_CHECK(endpoint("a", kA));
  return endpoint("b", kB);
}

Result<> Stage::siblings_l2(Policy policy) {
  BV_CHECK(attach(policy, BV_MODE_L2));
  BV_CHECK(endpoint("a", kA2));
  return endpoint("b", kB2);
}

// X's end of the cable becomes the port of SW that P is at.
Result<> Stage::put_switch() {
  BV_CHECK(lab.add_netns("sw"));
  BV_CHECK(lab.add_netns("y"));
  BV_CHECK(lab.ip("x", "link set X netns sw name at_p"));
  std::vector<std::string> commands{"link add SW type bridge mcast_snooping 0", "link set SW up",
                                    "link add at_x type veth peer name X netns x",
                                    "link add at_y type veth peer name Y netns y"};
  for (const auto* port : {"at_p", "at_x", "at_y"}) {
    commands.push_back(fmt::format("link set {} master SW", port));
    commands.push_back(fmt::format("link set {} up", port));
  }
  BV_CHECK(ip_batch("sw", commands));
  for (const auto& [netns, ifname, addr] : {std::tuple{"x", "X", kX}, std::tuple{"y", "Y", kY}}) {
    BV_CHECK(
        ip_batch(netns, {fmt::format("link set {} up", ifname),
                         fmt::format("address add {} dev {}", addr.cidr(AF_INET), ifname),
                         fmt::format("address add {} dev {} nodad", addr.cidr(AF_INET6), ifname)}));
    BV_CHECK(wait_local(netns, {addr.v6, "fe80::"}));
  }
  return {};
}

Result<> Stage::hairpin(bool on) {
  return lab.ip("sw", fmt::format("link set at_p type bridge_slave hairpin {}", on ? "on" : "off"));
}

Result<> Stage::route_from_x(const Addr& to) {
  for (const int family : {AF_INET, AF_INET6})
    BV_CHECK(lab.ip("x", fmt::format("route add {} via {}", to.of(family), kP.of(family))));
  return {};
}

::testing::AssertionResult Stage::ok(const std::string& from, const std::string& to,
                                     const std::string& address, int ttl) {
  const auto r = reach({from, to, address}, patience());
  if (r.all() && r.ttl == ttl) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << fmt::format("{} -> {} ({}): tcp {} udp {} icmp {} ttl {}, expected all and ttl {}",
                        from, to, address, r.tcp, r.udp, r.icmp, r.ttl, ttl);
}

::testing::AssertionResult Stage::no(const std::vector<lab::Path>& paths) {
  std::vector<std::future<lab::Reach>> reached;
  for (const auto& path : paths)
    reached.push_back(std::async(std::launch::async, reach, path, silence()));
  std::string got_through;
  for (std::size_t i = 0; i < paths.size(); ++i)
    if (const auto r = reached[i].get(); !r.none())
      got_through +=
          fmt::format("{} -> {} ({}): tcp {} udp {} icmp {}, expected none\n", paths[i].from,
                      paths[i].to, paths[i].address, r.tcp, r.udp, r.icmp);
  if (got_through.empty()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << got_through;
}

Result<> OurStage::control(const std::function<Result<>(Control&)>& operation) {
  BV_TRY(auto control, Control::open({.parent_netns = "host", .lock_timeout = patience()}));
  return operation(control);
}

Result<> OurStage::endpoint(const std::string& name, const Addr& addr,
                            const std::function<void(EndpointRequest&)>& change) {
  BV_CHECK(lab.add_netns(name));
  return control([&](Control& c) -> Result<> {
    EndpointRequest request;
    request.name = name;
    request.parent = std::string("P");  // GCC 12 at -O3 is wrong about the assignment of a literal
    request.netns = name;
    request.default_route = true;
    request.device = device_under_test();
    for (const int family : {AF_INET, AF_INET6}) {
      BV_TRY(const auto address, IpPrefix::parse(addr.cidr(family)));
      request.addresses.push_back(address);
    }
    change(request);
    return c.add_endpoint(request);
  });
}

lab::CommandResult OurStage::cli(const std::string& args, const std::string& input) {
  return lab::run(lab::words(fmt::format("{} -n host {}", BPFVLAN_CLI, args)), input);
}

std::uint64_t OurStage::reason(bv_reason which) {
  std::uint64_t packets = 0;
  const auto done = control([&](Control& c) -> Result<> {
    BV_TRY(const auto all, c.reasons());
    packets = all.at(which).packets;
    return {};
  });
  EXPECT_TRUE(done) << done.error().what;
  return packets;
}

EndpointInfo OurStage::info(const std::string& name) {
  EndpointInfo info;
  const auto done = control([&](Control& c) -> Result<> {
    BV_TRY(info, c.endpoint(name));
    return {};
  });
  EXPECT_TRUE(done) << done.error().what;
  return info;
}

void OurSiblings::SetUp() {
  OurStage::SetUp();
  BV_OK(siblings());
}

void OurSiblingsL2::SetUp() {
  OurStage::SetUp();
  BV_OK(siblings_l2(BV_POLICY_BRIDGE));
}

}  // namespace bpfvlan::test
