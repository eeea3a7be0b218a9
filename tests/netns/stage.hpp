// SPDX-License-Identifier: MIT
// The topology most scenarios play on: an outside host X on the wire, a host with the parent P, and
// endpoints in namespaces of their own. scenarios.md has the names and addresses.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bpfvlan/control.hpp"
#include "engine.hpp"
#include "lab/command.hpp"
#include "lab/lab.hpp"
#include "lab/probe.hpp"

namespace bpfvlan::test {

using namespace std::chrono_literals;
using Milliseconds = std::chrono::milliseconds;

// Fails the test with the error's sentence.
#define BV_OK(expr)                             \
  do {                                          \
    const auto bv_ok_ = (expr);                 \
    ASSERT_TRUE(bv_ok_) << bv_ok_.error().what; \
  } while (0)

#define BV_EXPECT_OK(expr)                      \
  do {                                          \
    const auto bv_ok_ = (expr);                 \
    EXPECT_TRUE(bv_ok_) << bv_ok_.error().what; \
  } while (0)

// An emulated machine is some times slower; vm-tests says how many.
int slowness();

// How long to wait for what must come; and before believing that nothing comes.
Milliseconds patience();
Milliseconds silence();

// Waits until the condition holds; false if it never does.
bool eventually(const std::function<bool()>& condition);

// An address of each family; a test names the pair and picks by its parameter.
struct Addr {
  const char* v4;
  const char* v6;
  int length4 = 24;
  std::string of(int family) const;
  std::string cidr(int family) const;
};
inline constexpr Addr kX{"10.211.55.1", "fd00:55::1"};
inline constexpr Addr kP{"10.211.55.25", "fd00:55::25"};
inline constexpr Addr kA{"192.168.10.100", "fd00:10::100"};
inline constexpr Addr kB{"172.16.1.200", "fd00:1::200"};
inline constexpr Addr kH{"10.211.55.254", "fd00:55::254"};

class Stage : public ::testing::Test {
 protected:
  // Namespaces "x" and "host", the cable X - P, and their addresses of both families.
  void SetUp() override;

  // Within the host's namespace, for one or a few operations: it holds the lock.
  Result<> control(const std::function<Result<>(Control&)>& operation);
  Result<> attach(Policy policy, Mode mode = BV_MODE_L3);
  // Endpoint NAME in a new namespace NAME with addresses of both families and default routes.
  Result<> endpoint(const std::string& name, const Addr& addr,
                    std::function<void(EndpointRequest&)> change = {});
  // H of the scenarios: in the parent's own namespace.
  Result<> endpoint_in_host(const std::string& name, const Addr& addr);
  // X reaches the endpoint's address through P's, both families.
  Result<> route_from_x(const Addr& to);

  // A command in the host's namespace: bpfvlan -n host ARGS.
  lab::CommandResult cli(const std::string& args, const std::string& input = {});

  std::uint64_t reason(bv_reason which);  // packets
  EndpointInfo info(const std::string& name);

  // TCP, UDP and ICMP echo all work, or none does.
  ::testing::AssertionResult ok(const std::string& from, const std::string& to,
                                const std::string& address, int ttl = 64);
  ::testing::AssertionResult no(const std::string& from, const std::string& to,
                                const std::string& address);

  lab::Lab lab;
};

// With endpoints A and B in namespaces "a" and "b", policy bridge.
class Siblings : public Stage {
 protected:
  void SetUp() override;
};

// A scenario played with either family: every IPv4 scenario is repeated with IPv6.
class BothFamilies : public Stage, public ::testing::WithParamInterface<int> {
 protected:
  std::string of(const Addr& a) const { return a.of(GetParam()); }
};
std::string family_name(const ::testing::TestParamInfo<int>& info);

}  // namespace bpfvlan::test
