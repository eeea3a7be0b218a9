// SPDX-License-Identifier: MIT
#include "stage.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

namespace bpfvlan::test {
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

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience();
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

std::string family_name(const ::testing::TestParamInfo<int>& info) {
  return info.param == AF_INET ? "ipv4" : "ipv6";
}

void Stage::SetUp() {
  // Of the test before in this process, whose namespaces are gone with it.
  std::filesystem::remove_all("/sys/fs/bpf/bpfvlan");
  BV_OK(lab.add_netns("x"));
  BV_OK(lab.add_netns("host"));
  BV_OK(lab.cable("host", "P", "x", "X"));
  for (const int family : {AF_INET, AF_INET6}) {
    BV_OK(lab.address("x", "X", kX.cidr(family)));
    BV_OK(lab.address("host", "P", kP.cidr(family)));
  }
  BV_OK(lab.wait_link_local("x", "X"));
  BV_OK(lab.wait_link_local("host", "P"));
}

void Siblings::SetUp() {
  Stage::SetUp();
  BV_OK(attach(BV_POLICY_BRIDGE));
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint("b", kB));
}

Result<> Stage::control(const std::function<Result<>(Control&)>& operation) {
  BV_TRY(auto control, Control::open({.parent_netns = "host", .lock_timeout = patience()}));
  return operation(control);
}

Result<> Stage::attach(Policy policy, Mode mode) {
  return control([&](Control& c) {
    AttachRequest request;
    request.parent = "P";
    request.mode = mode;
    request.policy = policy;
    return c.attach(request);
  });
}

Result<> Stage::endpoint(const std::string& name, const Addr& addr,
                         std::function<void(EndpointRequest&)> change) {
  BV_CHECK(lab.add_netns(name));
  return control([&](Control& c) -> Result<> {
    EndpointRequest request;
    request.name = name;
    request.parent = "P";
    request.netns = name;
    request.default_route = true;
    for (const int family : {AF_INET, AF_INET6}) {
      BV_TRY(const auto address, IpPrefix::parse(addr.cidr(family)));
      request.addresses.push_back(address);
    }
    if (change) change(request);
    return c.add_endpoint(request);
  });
}

Result<> Stage::endpoint_in_host(const std::string& name, const Addr& addr) {
  return control([&](Control& c) -> Result<> {
    EndpointRequest request;
    request.name = name;
    request.parent = "P";
    for (const int family : {AF_INET, AF_INET6}) {
      BV_TRY(auto address, IpPrefix::parse(addr.of(family)));
      request.addresses.push_back(address);
    }
    return c.add_endpoint(request);
  });
}

Result<> Stage::route_from_x(const Addr& to) {
  for (const int family : {AF_INET, AF_INET6})
    BV_CHECK(lab.ip("x", fmt::format("route add {} via {}", to.of(family), kP.of(family))));
  return {};
}

lab::CommandResult Stage::cli(const std::string& args, const std::string& input) {
  return lab::run(lab::words(fmt::format("{} -n host {}", BPFVLAN_CLI, args)), input);
}

std::uint64_t Stage::reason(bv_reason which) {
  std::uint64_t packets = 0;
  const auto done = control([&](Control& c) -> Result<> {
    BV_TRY(const auto all, c.reasons());
    packets = all.at(which).packets;
    return {};
  });
  EXPECT_TRUE(done) << done.error().what;
  return packets;
}

EndpointInfo Stage::info(const std::string& name) {
  EndpointInfo info;
  const auto done = control([&](Control& c) -> Result<> {
    BV_TRY(info, c.endpoint(name));
    return {};
  });
  EXPECT_TRUE(done) << done.error().what;
  return info;
}

::testing::AssertionResult Stage::ok(const std::string& from, const std::string& to,
                                     const std::string& address, int ttl) {
  const auto r = lab::reach({from, to, address}, patience());
  if (r.all() && r.ttl == ttl) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << fmt::format("{} -> {} ({}): tcp {} udp {} icmp {} ttl {}, expected all and ttl {}",
                        from, to, address, r.tcp, r.udp, r.icmp, r.ttl, ttl);
}

::testing::AssertionResult Stage::no(const std::string& from, const std::string& to,
                                     const std::string& address) {
  const auto r = lab::reach({from, to, address}, silence());
  if (r.none()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << fmt::format("{} -> {} ({}): tcp {} udp {} icmp {}, expected none", from, to, address,
                        r.tcp, r.udp, r.icmp);
}

}  // namespace bpfvlan::test
