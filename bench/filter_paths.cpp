// SPDX-License-Identifier: MIT
#include "filter_paths.hpp"

#include <fmt/core.h>
#include <linux/pkt_cls.h>

#include <algorithm>
#include <vector>

#include "bpfvlan/test/frame.hpp"
#include "filter.hpp"
#include "measure.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::uint32_t kPorts4 = 14 + 20, kPorts6 = 14 + 40;  // offsets of source and destination
constexpr std::uint32_t kTable = 1 << 20;
constexpr int kNewRuns = 20'000;  // times the iterations: 400,000 new connections, which have room

const IPv4 kIn4{.src = kOutside4, .dst = kReceiver4}, kOut4{.src = kReceiver4, .dst = kOutside4};
const IPv6 kIn6{.src = kOutside6, .dst = kReceiver6}, kOut6{.src = kReceiver6, .dst = kOutside6};
const Udp kUdpIn{.sport = 5000, .dport = 4000}, kUdpOut{};

Tcp tcp_in(std::uint8_t flags, std::uint32_t seq, std::uint32_t ack) {
  return {.sport = 5000, .dport = 4000, .seq = seq, .ack = ack, .flags = flags};
}
Tcp tcp_out(std::uint8_t flags, std::uint32_t seq, std::uint32_t ack) {
  return {.seq = seq, .ack = ack, .flags = flags};
}

template <class Ip, class Upper>
Bytes packet(const Ip& ip, const Upper& upper) {
  return frame(Ethernet{}, ip, upper, payload(64));
}

struct Sending {
  bool in;
  Bytes frame;
};

// What is measured is the last packet, of the receiver's connection.
struct Established {
  const char* name;
  std::vector<Sending> before;
  Bytes frame;
};

template <class Ip>
std::vector<Sending> handshake(const Ip& in, const Ip& out) {
  return {{true, frame(Ethernet{}, in, tcp_in(Tcp::kSyn, 0, 0))},
          {false, frame(Ethernet{}, out, tcp_out(Tcp::kSyn | Tcp::kAck, 0, 1))},
          {true, frame(Ethernet{}, in, tcp_in(Tcp::kAck, 1, 1))}};
}

template <class Ip>
std::vector<Sending> both_ways(const Ip& in, const Ip& out) {
  return {{true, packet(in, kUdpIn)}, {false, packet(out, kUdpOut)}, {true, packet(in, kUdpIn)}};
}

std::vector<Established> established() {
  return {{"tcp_ipv4", handshake(kIn4, kOut4), packet(kIn4, tcp_in(Tcp::kAck, 1, 1))},
          {"tcp_ipv6", handshake(kIn6, kOut6), packet(kIn6, tcp_in(Tcp::kAck, 1, 1))},
          {"udp_ipv4", both_ways(kIn4, kOut4), packet(kIn4, kUdpIn)},
          {"udp_ipv6", both_ways(kIn6, kOut6), packet(kIn6, kUdpIn)}};
}

World filtered(const Chain& input) {
  World world{.mode = BV_MODE_L3S};
  world.input = input;
  return world;
}

void set_up(const World& world, const Devices& devices, Programs& programs,
            const std::vector<Sending>& before) {
  install(world, devices, programs);
  for (const auto& [in, sent] : before)
    programs.run(in ? Hook::kRx : Hook::kXmit, sent,
                 {.device = in ? devices.parent() : devices.receiver()});
}

void sizes(benchmark::State& state, const Programs& programs) {
  const Size size = programs.filter_size();
  state.counters["filter_insns"] = size.instructions;
  state.counters["filter_verified_insns"] = size.verified;
}

// With rules, what they said is remembered; without, there is nothing to ask.
void add_established(const Devices& devices) {
  const Chain accept{.rules = {"-m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT"},
                     .policy = BV_TARGET_DROP};
  for (const Established& e : established()) {
    const Case unfiltered{fmt::format("l3_rx_{}", e.name), Hook::kRx, e.frame, TC_ACT_REDIRECT};
    for (const auto& [rules, world] :
         {std::pair<const char*, World>{"none", filtered({})}, {"established", filtered(accept)}}) {
      Case c = unfiltered;
      c.name = fmt::format("l3s_rx_established_{}/rules:{}", e.name, rules);
      c.world = world;
      add(c.name, [=, &devices](auto& state) {
        Programs programs(BV_SHIPPED_OBJECT, Programs::Record::kNo);
        set_up(c.world, devices, programs, e.before);
        measure(state, c, programs, devices, kRuns);
        sizes(state, programs);
      });
    }
    add(unfiltered.name, [=, &devices](auto& state) {
      Programs programs(BV_SHIPPED_OBJECT, Programs::Record::kNo);
      set_up({}, devices, programs, {});
      measure(state, unfiltered, programs, devices, kRuns);
    });
  }
}

struct New {
  const char* name;
  Bytes frame;
  std::uint32_t ports_at;
};

std::vector<New> new_flows() {
  return {{"tcp_ipv4", frame(Ethernet{}, kIn4, Tcp{}), kPorts4},
          {"tcp_ipv6", frame(Ethernet{}, kIn6, Tcp{}), kPorts6},
          {"udp_ipv4", packet(kIn4, Udp{}), kPorts4},
          {"udp_ipv6", packet(kIn6, Udp{}), kPorts6}};
}

// Each run has ports of its own: what that costs is in "l3_rx_numbered".
void add_new(const Devices& devices) {
  for (const New& n : new_flows()) {
    const Case unfiltered{fmt::format("l3_rx_numbered_{}", n.name),
                          Hook::kRx,
                          n.frame,
                          TC_ACT_REDIRECT,
                          {},
                          n.ports_at};
    Case entered = unfiltered, refused = unfiltered;
    entered.name = fmt::format("l3s_rx_new_{}", n.name);
    entered.world = filtered({});
    refused.name = fmt::format("l3s_rx_new_refused_{}", n.name);
    refused.world = entered.world;
    refused.world.table_full = true;
    refused.returned = TC_ACT_SHOT;
    for (const Case& c : {unfiltered, entered, refused})
      add(c.name, [=, &devices](auto& state) {
        Programs programs(BV_SHIPPED_OBJECT, Programs::Record::kNo, {.connections = kTable});
        set_up(c.world, devices, programs, {});
        measure(state, c, programs, devices, kNewRuns);
        if (c.world.mode == BV_MODE_L3S) sizes(state, programs);
      });
  }
}

// A packet of a connection that is established, with so many more in a table of the default size.
// That nobody has answered these plays no part in finding another.
void add_flows(const Devices& devices) {
  const Case fill{"", Hook::kRx, packet(kIn4, Udp{}), TC_ACT_REDIRECT, filtered({}), kPorts4};
  for (const std::uint32_t flows : {1u, 1000u, 100'000u, 200'000u}) {
    const Case c{fmt::format("l3s_rx_flows_udp_ipv4/flows:{}", flows), Hook::kRx,
                 packet(kIn4, kUdpIn), TC_ACT_REDIRECT, filtered({})};
    add(c.name, [=, &devices](auto& state) {
      Programs programs(BV_SHIPPED_OBJECT, Programs::Record::kNo,
                        {.connections = BV_DEFAULT_CONNECTIONS});
      set_up(c.world, devices, programs, both_ways(kIn4, kOut4));
      if (flows > 1)
        programs.run(fill.hook, fill.frame,
                     {.device = devices.parent(), .number_at = fill.number_at}, flows - 1);
      measure(state, c, programs, devices, kRuns);
      state.counters["flows_there"] = static_cast<double>(connections(programs).size());
    });
  }
}

// Rules as a host has them, each with an address, a protocol and a port of its own.
std::string rule(std::size_t number) {
  return fmt::format("-s 10.{}.{}.{} -p tcp --dport {} -j DROP", 1 + number % 200,
                     number / 200 % 250, number * 7 % 250, 1024 + number);
}

// No packet meets both an address and a port: every word of the vectors must be looked at.
std::string decoy(std::size_t number) {
  return number % 2
             ? fmt::format("-s {} -p tcp --dport {} -j DROP", kOutside4, 10'000 + number)
             : fmt::format("-s 10.9.{}.{} -p tcp --dport 80 -j DROP", number / 250, number % 250);
}

// All these packets are dropped, so that each is new and asks the rules.
struct Match {
  const char* name;
  std::string (*text)(std::size_t number);
  bool hits;  // the last rule, which says so
};

void add_rules(const Devices& devices) {
  static constexpr Match kMatches[] = {
      {"hit_last", rule, true}, {"miss", rule, false}, {"miss_every_word", decoy, false}};
  const Bytes syn = frame(Ethernet{}, kIn4, Tcp{.dport = 80});
  for (const Match& m : kMatches) {
    for (const std::size_t number : {1u, 16u, 256u, 1024u, 4096u}) {
      Chain chain{.policy = BV_TARGET_DROP};
      for (std::size_t i = 0; i + m.hits < number; ++i) chain.rules.push_back(m.text(i));
      if (m.hits) chain.rules.push_back(fmt::format("-s {} -p tcp --dport 80 -j DROP", kOutside4));
      const Case c{fmt::format("l3s_rx_rules_{}/rules:{}", m.name, number), Hook::kRx, syn,
                   TC_ACT_SHOT, filtered(chain)};
      add(c.name, [=, &devices](auto& state) {
        Programs programs(BV_SHIPPED_OBJECT, Programs::Record::kNo);
        set_up(c.world, devices, programs, {});
        measure(state, c, programs, devices, kRuns);
        sizes(state, programs);
      });
    }
  }
}

}  // namespace

void add_filter_paths(const Devices& devices) {
  add_established(devices);
  add_new(devices);
  add_flows(devices);
  add_rules(devices);
}

}  // namespace bpfvlan::test
