// SPDX-License-Identifier: MIT
// The topology most scenarios play on: an outside host X on the wire, a host with the parent P, and
// endpoints in namespaces of their own. scenarios.md has the names and addresses.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <tuple>
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
    const auto& bv_ok_ = (expr);                \
    ASSERT_TRUE(bv_ok_) << bv_ok_.error().what; \
  } while (0)

#define BV_EXPECT_OK(expr)                      \
  do {                                          \
    const auto& bv_ok_ = (expr);                \
    EXPECT_TRUE(bv_ok_) << bv_ok_.error().what; \
  } while (0)

// An emulated machine is some times slower; vm-tests says how many.
int slowness();

// How long to wait for what must come; and before believing that nothing comes.
Milliseconds patience();
Milliseconds silence();

// Waits until the condition holds; false if it never does.
bool eventually(const std::function<bool()>& condition, Milliseconds within = patience());

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
// In mode l2, where endpoints are in P's own subnet.
inline constexpr Addr kA2{"10.211.55.100", "fd00:55::100"};
inline constexpr Addr kB2{"10.211.55.200", "fd00:55::200"};
inline constexpr Addr kY{"10.211.55.2", "fd00:55::2"};

// What scenarios need, with nothing in it that only one engine has.
class Stage : public ::testing::Test {
 protected:
  explicit Stage(EngineKind kind) : kind_(kind), engine_(make_engine(kind, lab, "host", "P")) {}
  EngineKind kind() const { return kind_; }
  Engine& engine() { return *engine_; }
  // Namespaces "x" and "host", the cable X - P, and their addresses of both families. Skips the
  // test where the kernel lacks the engine, or fails it if BPFVLAN_TEST_REQUIRE_IPVLAN is set.
  void SetUp() override;

  // SW of the scenarios, between P and X; and a host Y in namespace "y" behind another port. Before
  // the parent is attached.
  Result<> put_switch();
  // Frames may leave SW by the port that they came from: P's.
  Result<> hairpin(bool on);

  Result<> attach(Policy policy, Mode mode = BV_MODE_L3);
  // Endpoint NAME in a new namespace NAME with addresses of both families and default routes.
  Result<> endpoint(const std::string& name, const Addr& addr);
  Result<> endpoint(const EndpointSpec& spec) { return engine_->add(spec); }
  // H of the scenarios: in the parent's own namespace.
  Result<> endpoint_in_host(const std::string& name, const Addr& addr);
  // Endpoints A and B in namespaces "a" and "b", policy bridge.
  Result<> siblings(Mode mode = BV_MODE_L3);
  Result<> siblings_l2(Policy policy);  // the same in mode l2, at kA2 and kB2
  // X reaches the endpoint's address through P's, both families.
  Result<> route_from_x(const Addr& to);

  // TCP, UDP and ICMP echo all work, or none does.
  ::testing::AssertionResult ok(const std::string& from, const std::string& to,
                                const std::string& address, int ttl = 64);
  ::testing::AssertionResult no(const std::string& from, const std::string& to,
                                const std::string& address) {
    return no({{from, to, address}});
  }
  ::testing::AssertionResult no(const std::vector<lab::Path>& paths);  // at once: it waits long

  lab::Lab lab;

 private:
  EngineKind kind_;
  std::unique_ptr<Engine> engine_;
};

// Played by either engine, and once for each T.
template <class T>
class OnEitherEngine : public Stage,
                       public ::testing::WithParamInterface<std::tuple<EngineKind, T>> {
 protected:
  OnEitherEngine() : Stage(std::get<EngineKind>(this->GetParam())) {}
  const T& param() const { return std::get<T>(this->GetParam()); }
};
inline const auto kEitherEngine = ::testing::Values(EngineKind::Bpfvlan, EngineKind::Ipvlan);
inline void PrintTo(EngineKind kind, std::ostream* out) {
  *out << to_string(kind);
}

// A scenario: every IPv4 one is repeated with IPv6.
class BothFamilies : public OnEitherEngine<int> {
 protected:
  int family() const { return param(); }
  std::string of(const Addr& a) const { return a.of(family()); }
};
std::string family_name(int family);
std::string engine_and_family(const ::testing::TestParamInfo<std::tuple<EngineKind, int>>& info);

// Where our own control plane is at hand too: for what the driver does not have.
class OurStage : public Stage {
 protected:
  OurStage() : Stage(EngineKind::Bpfvlan) {}

  // Within the host's namespace, for one or a few operations: it holds the lock.
  Result<> control(const std::function<Result<>(Control&)>& operation);
  using Stage::endpoint;
  Result<> endpoint(const std::string& name, const Addr& addr,
                    const std::function<void(EndpointRequest&)>& change);

  // A command in the host's namespace: bpfvlan -n host ARGS.
  lab::CommandResult cli(const std::string& args, const std::string& input = {});

  std::uint64_t reason(bv_reason which);  // packets
  EndpointInfo info(const std::string& name);
};

class OurSiblings : public OurStage {
 protected:
  void SetUp() override;
};

class OurSiblingsL2 : public OurStage {
 protected:
  void SetUp() override;
};

}  // namespace bpfvlan::test
