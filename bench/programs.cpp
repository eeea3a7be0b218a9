// SPDX-License-Identifier: MIT
// The programs alone, by BPF_PROG_TEST_RUN: the kernel's own mean time of a run, and figures that
// do not vary from run to run: instructions after the verifier, and how many it walked.
#include "programs.hpp"

#include <benchmark/benchmark.h>
#include <fmt/core.h>
#include <linux/pkt_cls.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bpfvlan/test/frame.hpp"
#include "crowd.hpp"
#include "devices.hpp"
#include "filter_paths.hpp"
#include "hairpin_paths.hpp"
#include "measure.hpp"
#include "world.hpp"
#include "xdp_paths.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::uint32_t kFew = kAddresses, kSome = 1000, kMany = BV_DEFAULT_ADDRESSES;

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

// An l2 endpoint's, and behind the shared MAC address every endpoint's.
Bytes l2_tcp4(const char* dst_mac, const char* dst) {
  return frame(Ethernet{.dst = dst_mac, .src = kMac}, IPv4{.src = kSender4, .dst = dst}, Tcp{},
               payload(64));
}

Bytes l2_tcp6(const char* dst_mac, const char* dst) {
  return frame(Ethernet{.dst = dst_mac, .src = kMac}, IPv6{.src = kSender6, .dst = dst}, Tcp{},
               payload(64));
}

Bytes to_group(const char* src_mac, const char* src) {
  return frame(Ethernet{.dst = kCrowdMac, .src = src_mac}, IPv4{.src = src, .dst = kCrowdGroup},
               Udp{}, payload(64));
}

Bytes to_everybody(const char* src_mac, const char* src) {
  return frame(Ethernet{.dst = "ff:ff:ff:ff:ff:ff", .src = src_mac},
               IPv4{.src = src, .dst = "255.255.255.255"}, Udp{}, payload(64));
}

World l2() {
  World world{};
  world.mode = BV_MODE_L2;
  return world;
}

std::vector<Case> cases() {
  World learns = l2();
  learns.learns = true;
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
      {"l2_rx_hit_ipv4", Hook::kRx, tcp4(kReceiver4), TC_ACT_REDIRECT, l2()},
      {"l2_rx_hit_ipv6", Hook::kRx, tcp6(kReceiver6), TC_ACT_REDIRECT, l2()},
      {"l2_rx_miss_ipv4", Hook::kRx, tcp4(kOutside4), TC_ACT_UNSPEC, l2()},
      {"l2_rx_group_unjoined", Hook::kRx, to_group(kOtherMac, kOutside4), TC_ACT_UNSPEC, l2()},
      {"l2_xmit_sibling_ipv4", Hook::kXmit, l2_tcp4(kMac, kReceiver4), TC_ACT_REDIRECT, l2()},
      {"l2_xmit_sibling_ipv6", Hook::kXmit, l2_tcp6(kMac, kReceiver6), TC_ACT_REDIRECT, l2()},
      {"l2_xmit_wire_ipv4", Hook::kXmit, l2_tcp4(kOtherMac, kOutside4), TC_ACT_REDIRECT, l2()},
      {"l2_xmit_wire_ipv6", Hook::kXmit, l2_tcp6(kOtherMac, kOutside6), TC_ACT_REDIRECT, l2()},
      {"l2_xmit_group_unjoined", Hook::kXmit, to_group(kMac, kSender4), TC_ACT_REDIRECT, l2()},
      // The address is its own already; what learning adds to each packet.
      {"l2_xmit_wire_ipv4_learns", Hook::kXmit, l2_tcp4(kOtherMac, kOutside4), TC_ACT_REDIRECT,
       learns},
      {"l2_xmit_wire_ipv6_learns", Hook::kXmit, l2_tcp6(kOtherMac, kOutside6), TC_ACT_REDIRECT,
       learns},
  };
}

// More addresses of the receiver, up to this number of each family.
void add_addresses(Programs& programs, const Devices& devices, std::uint32_t number) {
  bv_addr owner{};
  owner.to.host_side = devices.receiver();
  owner.to.id = kReceiverId;
  owner.to.parent = devices.parent();
  owner.to.mode = BV_MODE_L3;
  for (std::uint32_t i = kAddresses; i < number; ++i) {
    const auto high = static_cast<std::uint8_t>(i >> 8), low = static_cast<std::uint8_t>(i);
    programs.put(devices.parent(), Ip4Addr({172, 16, high, low}), owner);
    programs.put(devices.parent(),
                 Ip6Addr({0x20, 1, 0xd, 0xb8, 0xaa, 0xaa, 0, 0, 0, 0, 0, 0, 0, 0, high, low}),
                 owner);
  }
}

void add_paths(Programs& programs, const Devices& devices, std::uint32_t addresses) {
  for (const Case& c : cases())
    add(fmt::format("{}/addresses:{}", c.name, addresses), [=, &programs, &devices](auto& state) {
      install(c.world, devices, programs);
      add_addresses(programs, devices, addresses);
      measure(state, c, programs, devices, kRuns);
    });
}

// Who of the l2 endpoints has joined the group: none but these; or all had, and the others left.
enum class Joined { kMembersAlone, kAllBefore };

struct Flood {
  Case path;
  Joined joined = Joined::kMembersAlone;
  bool everybody = false;
};

std::vector<Flood> floods() {
  const Case rx{"l2_rx_broadcast", Hook::kRx, to_everybody(kOtherMac, kOutside4), TC_ACT_UNSPEC};
  const Case xmit{"l2_xmit_broadcast", Hook::kXmit, to_everybody(kMac, kSender4), TC_ACT_REDIRECT};
  const Case group{"l2_rx_multicast", Hook::kRx, to_group(kOtherMac, kOutside4), TC_ACT_UNSPEC};
  const Case left{"l2_rx_multicast_left", Hook::kRx, group.frame, TC_ACT_UNSPEC};
  return {{rx, Joined::kMembersAlone, true},
          {xmit, Joined::kMembersAlone, true},
          {group},
          {left, Joined::kAllBefore}};
}

// The time of one frame; per copy it is the counter's.
void add_floods(const Devices& devices, const Sink& sink) {
  constexpr std::uint32_t kMembers = 10;
  for (const Flood& flood : floods()) {
    for (const std::uint32_t endpoints : {10u, 100u, 1000u, 4096u}) {
      add(fmt::format("{}/endpoints:{}", flood.path.name, endpoints),
          [=, &devices, &sink](auto& state) {
            // Its own, as nothing takes hints of members back.
            Programs programs(BV_SHIPPED_OBJECT, Programs::Record::kNo);
            install(l2(), devices, programs);
            const bool all_joined = flood.joined == Joined::kAllBefore;
            add_crowd(programs, devices, sink,
                      {.endpoints = endpoints, .members = kMembers, .left = all_joined});
            const std::uint32_t copies = flood.everybody ? endpoints : kMembers;
            measure(state, flood.path, programs, devices, std::max(kRuns / 10 / endpoints, 10u));
            state.counters["copies"] = copies;
          });
    }
  }
}

void run_all() {
  const Devices devices;
  const Sink sink;
  std::vector<std::unique_ptr<Programs>> loaded;  // until all have run
  const auto load = [&]() -> Programs& {
    return *loaded.emplace_back(
        std::make_unique<Programs>(BV_SHIPPED_OBJECT, Programs::Record::kNo));
  };
  for (const auto addresses : {kFew, kSome, kMany}) add_paths(load(), devices, addresses);
  add_floods(devices, sink);
  add_filter_paths(devices);
  add_hairpin_paths(devices);
  add_xdp_paths(devices);
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
