// SPDX-License-Identifier: MIT
// The programs alone, by BPF_PROG_TEST_RUN: the kernel's own mean time of a run, and figures that
// do not vary from run to run: instructions after the verifier, and how many it walked.
#include "programs.hpp"

#include <benchmark/benchmark.h>
#include <fmt/core.h>
#include <linux/pkt_cls.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "bpfvlan/test/frame.hpp"
#include "devices.hpp"
#include "world.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::uint32_t kRuns = 100'000;  // of one iteration
constexpr int kIterations = 20;
constexpr std::uint32_t kFew = kAddresses, kMany = BV_DEFAULT_ADDRESSES;

struct Case {
  std::string name;
  Hook hook;
  Bytes frame;
  std::int32_t returned;  // TC_ACT_*: proof that the frame took the path it is named for
  World world{};
};

// Routed by xmit already, and local: recognised by the loopback's MAC address.
Bytes routed_to_host() {
  return frame(Ethernet{.dst = "00:00:00:00:00:00"}, IPv4{.src = kSender4, .dst = kParent4}, Tcp{},
               payload(64));
}

Bytes tcp4(const char* dst) {
  return frame(Ethernet{}, IPv4{.src = kSender4, .dst = dst}, Tcp{}, payload(64));
}

Bytes tcp6(const char* dst) {
  return frame(Ethernet{}, IPv6{.src = kSender6, .dst = dst}, Tcp{}, payload(64));
}

std::vector<Case> cases() {
  return {
      {"rx_hit_ipv4", Hook::kRx, tcp4(kReceiver4), TC_ACT_REDIRECT},
      {"rx_hit_ipv6", Hook::kRx, tcp6(kReceiver6), TC_ACT_REDIRECT},
      {"rx_miss_ipv4", Hook::kRx, tcp4(kOutside4), TC_ACT_UNSPEC},
      {"rx_miss_ipv6", Hook::kRx, tcp6(kOutside6), TC_ACT_UNSPEC},
      {"xmit_sibling_ipv4", Hook::kXmit, tcp4(kReceiver4), TC_ACT_REDIRECT},
      {"xmit_sibling_ipv6", Hook::kXmit, tcp6(kReceiver6), TC_ACT_REDIRECT},
      {"xmit_wire_ipv4", Hook::kXmit, tcp4(kOutside4), TC_ACT_REDIRECT},
      {"xmit_wire_ipv6", Hook::kXmit, tcp6(kOutside6), TC_ACT_REDIRECT},
      {"xmit_host_ipv6", Hook::kXmit, tcp6(kParent6), TC_ACT_REDIRECT},
      {"local_other_ipv4", Hook::kLocal, tcp4(kOutside4), TC_ACT_UNSPEC},
      {"local_host_ipv4", Hook::kLocal, routed_to_host(), TC_ACT_REDIRECT},
      {"xmit_private_drop",
       Hook::kXmit,
       tcp4(kReceiver4),
       TC_ACT_SHOT,
       {.sender = BV_POLICY_PRIVATE}},
  };
}

// More addresses of the receiver, up to this number of each family.
void add_addresses(Programs& programs, const Devices& devices, std::uint32_t number) {
  bv_addr owner{};
  owner.to.host_side = devices.receiver();
  owner.to.id = kReceiverId;
  owner.to.mode = BV_MODE_L3;
  for (std::uint32_t i = kAddresses; i < number; ++i) {
    const auto high = static_cast<std::uint8_t>(i >> 8), low = static_cast<std::uint8_t>(i);
    programs.put(devices.parent(), Ip4Addr({172, 16, high, low}), owner);
    programs.put(devices.parent(),
                 Ip6Addr({0x20, 1, 0xd, 0xb8, 0xaa, 0xaa, 0, 0, 0, 0, 0, 0, 0, 0, high, low}),
                 owner);
  }
}

void run(benchmark::State& state, const Case& c, Programs& programs, const Devices& devices) {
  install(c.world, devices, programs);
  const Context context{.device = c.hook == Hook::kXmit ? devices.sender() : devices.parent(),
                        .came_by = c.hook == Hook::kLocal ? devices.sender() : 0};
  for (auto _ : state) {
    const Outcome outcome = programs.run(c.hook, c.frame, context, kRuns);
    if (outcome.returned != c.returned) {
      state.SkipWithError("took another path");
      break;
    }
    state.SetIterationTime(outcome.nanoseconds * 1e-9);
  }
  const Size size = programs.size(c.hook);
  state.counters["insns"] = size.instructions;
  state.counters["verified_insns"] = size.verified;
}

void run_all() {
  const Devices devices;
  std::vector<std::unique_ptr<Programs>> loaded;  // until all have run
  for (const std::uint32_t addresses : {kFew, kMany}) {
    Programs& programs =
        *loaded.emplace_back(std::make_unique<Programs>(BV_SHIPPED_OBJECT, Programs::Record::kNo));
    add_addresses(programs, devices, addresses);
    for (const Case& c : cases()) {
      benchmark::RegisterBenchmark(
          fmt::format("{}/addresses:{}", c.name, addresses).c_str(),
          [c, &programs, &devices](benchmark::State& state) { run(state, c, programs, devices); })
          ->UseManualTime()
          ->Iterations(kIterations)
          ->Unit(benchmark::kNanosecond);
    }
  }
  benchmark::RunSpecifiedBenchmarks();
}

}  // namespace
}  // namespace bpfvlan::test

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  try {
    bpfvlan::test::run_all();
  } catch (const std::exception& error) {
    fmt::print(stderr, "bv_bench_programs: {}\n", error.what());
    return 1;
  }
  benchmark::Shutdown();
  return 0;
}
