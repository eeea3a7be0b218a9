// SPDX-License-Identifier: MIT
#include "xdp_paths.hpp"

#include <fmt/core.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <vector>

#include "bpfvlan/test/frame.hpp"
#include "measure.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kRules = 256;

const IPv4 kIn4{.src = kOutside4, .dst = kReceiver4};
const IPv6 kIn6{.src = kOutside6, .dst = kReceiver6};

World filtered(const Chain& input) {
  World world{.mode = BV_MODE_L3S};
  world.xdp = true;
  world.input = input;
  return world;
}

World unfiltered() {
  World world{};
  world.xdp = true;
  return world;
}

World takes_xdp() {
  World world = unfiltered();
  world.xdp_mtu = 1500;
  return world;
}

// Of connections that it has begun itself.
World connected() {
  World world = filtered({.policy = BV_TARGET_DROP});
  const Udp udp{.sport = 5000, .dport = 4000};
  world.sent_before = {
      {Who::kReceiver, frame(Ethernet{}, IPv4{.src = kReceiver4, .dst = kOutside4}, udp)},
      {Who::kReceiver, frame(Ethernet{}, IPv6{.src = kReceiver6, .dst = kOutside6}, udp)}};
  return world;
}

Chain rules() {
  Chain chain{.policy = BV_TARGET_DROP};
  for (std::size_t i = 0; i < kRules; ++i)
    chain.rules.push_back(
        fmt::format("-s 10.{}.{}.0/24 -p tcp --dport {} -j ACCEPT", i % 7, i, 1024 + i));
  return chain;
}

// What ends in both places: once by each.
struct Drop {
  const char* name;
  World world;
};

void add_path(const Devices& devices, const Case& c) {
  add(c.name, [=, &devices](auto& state) {
    Programs programs(BV_SHIPPED_OBJECT, Programs::Record::kNo);
    install(c.world, devices, programs);
    measure(state, c, programs, devices, kRuns);
  });
}

void add_drops(const Devices& devices) {
  const std::pair<const char*, Bytes> frames[] = {
      {"tcp_ipv4", frame(Ethernet{}, kIn4, Tcp{}, payload(64))},
      {"tcp_ipv6", frame(Ethernet{}, kIn6, Tcp{}, payload(64))},
      {"udp_ipv4", frame(Ethernet{}, kIn4, Udp{}, payload(64))},
      {"udp_ipv6", frame(Ethernet{}, kIn6, Udp{}, payload(64))}};
  const Drop drops[] = {{"drop_policy", filtered({.policy = BV_TARGET_DROP})},
                        {"drop_policy_256_rules", filtered(rules())}};
  for (const auto& [name, world] : drops)
    for (const auto& [of, sent] : frames) {
      add_path(devices, {fmt::format("xdp_{}/{}", name, of), Hook::kXdp, sent, XDP_DROP, world});
      add_path(devices, {fmt::format("tc_{}/{}", name, of), Hook::kRx, sent, TC_ACT_SHOT, world});
    }
}

// What bv_rx does with these is in l3_rx_*: it delivers all but what is malformed.
void add_others(const Devices& devices) {
  const auto udp = [](const IPv4& ip) { return frame(Ethernet{}, ip, Udp{}, payload(64)); };
  const Bytes in4 = udp(kIn4), in6 = frame(Ethernet{}, kIn6, Udp{}, payload(64));
  const auto spoofed = udp({.src = "224.0.0.1", .dst = kReceiver4});
  const auto bad = udp({.src = kOutside4, .dst = kReceiver4, .ihl = 4});
  const auto nobodys = udp({.src = kOutside4, .dst = kOutside4});
  for (const Case& c : std::vector<Case>{
           {"xdp_spoofed/udp_ipv4", Hook::kXdp, spoofed, XDP_DROP, unfiltered()},
           {"xdp_bad_header/udp_ipv4", Hook::kXdp, bad, XDP_DROP, unfiltered()},
           {"xdp_pass/udp_ipv4", Hook::kXdp, in4, XDP_PASS, unfiltered()},
           {"xdp_pass/udp_ipv6", Hook::kXdp, in6, XDP_PASS, unfiltered()},
           {"xdp_pass_nobody/udp_ipv4", Hook::kXdp, nobodys, XDP_PASS, unfiltered()},
           {"xdp_pass_connected/udp_ipv4", Hook::kXdp, in4, XDP_PASS, connected()},
           {"xdp_pass_connected/udp_ipv6", Hook::kXdp, in6, XDP_PASS, connected()},
           {"xdp_redirect/udp_ipv4", Hook::kXdp, in4, XDP_REDIRECT, takes_xdp()},
           {"xdp_redirect/udp_ipv6", Hook::kXdp, in6, XDP_REDIRECT, takes_xdp()},
       })
    add_path(devices, c);
}

}  // namespace

void add_xdp_paths(const Devices& devices) {
  add_drops(devices);
  add_others(devices);
}

}  // namespace bpfvlan::test
