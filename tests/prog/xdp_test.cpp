// SPDX-License-Identifier: MIT
// XDP in front of bv_rx: what it drops bv_rx and the filter drop too, and count alike; and what a
// row cannot say.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <net/ethernet.h>

#include <algorithm>

#include "bpfvlan/test/frame.hpp"
#include "expect.hpp"
#include "filter.hpp"
#include "programs.hpp"
#include "random_rules.hpp"
#include "rules/compile.hpp"
#include "setup.hpp"

namespace bpfvlan::test {
namespace {

const Ethernet kFromWire{.dst = kMac, .src = kOtherMac}, kToWire{.dst = kOtherMac, .src = kMac};

class XdpTest : public ::testing::TestWithParam<std::string> {
 protected:
  void set(World world) {
    world.xdp = true;
    install(world, devices(), under_test());
    under_test().reset();
  }
  Programs& under_test() { return programs(GetParam()); }
  std::int32_t at_xdp(const Bytes& frame) {
    return under_test().run(Hook::kXdp, frame, {.device = devices().parent()}).returned;
  }
  std::int32_t at_tc(const Bytes& frame) {
    return under_test().run(Hook::kRx, frame, {.device = devices().parent()}).returned;
  }
  // What the endpoint with this address sends.
  void send(const Bytes& frame) {
    under_test().run(Hook::kXmit, frame, {.device = devices().receiver()});
  }
  std::vector<bv_conn_set> table() {
    std::vector<bv_conn_set> sets;
    for (std::uint32_t i = 0; i < under_test().connections() / BV_CONN_WAYS; ++i)
      sets.push_back(*under_test().find<bv_conn_set>("conntrack", i));
    return sets;
  }
};

World filtered() {
  World world{.mode = BV_MODE_L3S};
  world.input.policy = BV_TARGET_DROP;
  return world;
}

Bytes udp_in(const char* src = kOutside4) {
  return frame(kFromWire, IPv4{.src = src, .dst = kReceiver4}, Udp{.sport = 5000, .dport = 4000},
               payload(24));
}
Bytes udp_out() {
  return frame(kToWire, IPv4{.src = kReceiver4, .dst = kOutside4}, Udp{}, payload(24));
}

bool same(const std::vector<bv_conn_set>& a, const std::vector<bv_conn_set>& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) {
           return std::equal(std::begin(x.tag), std::end(x.tag), std::begin(y.tag)) &&
                  std::equal(reinterpret_cast<const char*>(x.conn),
                             reinterpret_cast<const char*>(x.conn + BV_CONN_WAYS),
                             reinterpret_cast<const char*>(y.conn));
         });
}

INSTANTIATE_TEST_SUITE_P(, XdpTest, ::testing::ValuesIn(bpf_objects()),
                         [](const auto& p) { return compiler_of(p.param); });

// That may be the address of a host behind the endpoint; one that was given to it is its own.
TEST_P(XdpTest, only_a_given_address_is_an_endpoints_own) {
  set({});
  EXPECT_EQ(at_xdp(udp_in(kReceiverLinkLocal4)), XDP_DROP);
  auto owner = *under_test().find<bv_addr>("addr4", [] {
    bv_addr4_key key{.parent = devices().parent(), .addr = {}};
    const Ip4Addr address(kReceiver4);
    std::copy(address.octets.begin(), address.octets.end(), key.addr);
    return key;
  }());
  owner.age = kLearnAge;
  owner.seen = seconds_now();
  under_test().put(devices().parent(), Ip4Addr(kReceiverLinkLocal4), owner);
  EXPECT_EQ(at_xdp(udp_in(kReceiverLinkLocal4)), XDP_PASS);
  EXPECT_EQ(at_xdp(udp_in(kReceiver4)), XDP_DROP);
}

TEST_P(XdpTest, looks_at_what_is_for_the_parents_mac_address_as_it_is_now) {
  set(filtered());
  EXPECT_EQ(at_xdp(udp_in()), XDP_DROP);
  auto parent = *under_test().find<bv_parent>("parents", devices().parent());
  parent.mac[5] ^= 1;
  under_test().put(devices().parent(), parent);
  EXPECT_EQ(at_xdp(udp_in()), XDP_PASS);
  auto frame = udp_in();
  frame[5] ^= 1;
  EXPECT_EQ(at_xdp(frame), XDP_DROP);
  under_test().clear("parents");
  EXPECT_EQ(at_xdp(frame), XDP_PASS);
}

TEST_P(XdpTest, a_connection_is_looked_for_and_left_as_it_is) {
  set(filtered());
  send(udp_out());
  ASSERT_EQ(connections(under_test()).size(), 1U);
  auto before = table();
  EXPECT_EQ(at_xdp(udp_in()), XDP_PASS);
  EXPECT_TRUE(same(table(), before));
  for (std::uint32_t i = 0; i < before.size(); ++i) {
    for (auto& conn : before[i].conn) conn.expires = under_test().now_ticks() - 1;
    under_test().put("conntrack", i, before[i]);
  }
  ASSERT_TRUE(connections(under_test()).empty());
  EXPECT_EQ(at_xdp(udp_in()), XDP_DROP);
  EXPECT_TRUE(same(table(), before));
}

// With every second set full, a quarter of the connections are in the other of their sets.
TEST_P(XdpTest, a_connection_is_found_in_its_other_set) {
  constexpr std::uint16_t kFlows = 128;
  set(filtered());
  fill_table(under_test(), BV_CONN_SEEN_REPLY | BV_CONN_ASSURED);
  for (std::uint32_t i = 1; i < under_test().connections() / BV_CONN_WAYS; i += 2)
    under_test().put("conntrack", i, bv_conn_set{});
  for (std::uint16_t port = 1; port <= kFlows; ++port) {
    send(
        frame(kToWire, IPv4{.src = kReceiver4, .dst = kOutside4}, Udp{.sport = port}, payload(24)));
    const bool entered = under_test().last_verdict().reason != BV_REASON_TX_CT_FULL;
    EXPECT_EQ(at_xdp(frame(kFromWire, IPv4{.src = kOutside4, .dst = kReceiver4},
                           Udp{.sport = 5000, .dport = port}, payload(24))),
              entered ? XDP_PASS : XDP_DROP);
  }
  const auto sets = table();
  EXPECT_GT(std::count_if(sets.begin(), sets.end(), [](const auto& s) { return s.overflowed; }),
            kFlows / 16);
}

TEST_P(XdpTest, counts_as_the_filter_does_what_can_be_of_no_connection) {
  set(filtered());
  EXPECT_EQ(at_xdp(udp_in()), XDP_DROP);
  EXPECT_EQ(under_test().ct_stat(BV_CT_STAT_INVALID), 0U);
  const auto reset = frame(kFromWire, IPv4{.src = kOutside4, .dst = kReceiver4},
                           Tcp{.flags = Tcp::kRst}, payload(24));
  EXPECT_EQ(at_xdp(reset), XDP_DROP);
  EXPECT_EQ(under_test().ct_stat(BV_CT_STAT_INVALID), 1U);
  const auto count = under_test().rule_count(policy_counter(BV_CHAIN_INPUT));
  EXPECT_EQ(count.packets, 2U);
  EXPECT_EQ(count.bytes, udp_in().size() + reset.size() - 28);
}

TEST_P(XdpTest, a_connection_is_picked_up_where_the_setting_says_so) {
  World world = filtered();
  world.input.rules = {"-m conntrack --ctstate NEW -j ACCEPT"};
  set(world);
  const auto middle = frame(kFromWire, IPv4{.src = kOutside4, .dst = kReceiver4},
                            Tcp{.flags = Tcp::kAck}, payload(24));
  EXPECT_EQ(at_xdp(middle), XDP_PASS);
  auto settings = *under_test().find<bv_ct_settings>("ct_settings", std::uint32_t{0});
  settings.tcp_loose = 0;
  under_test().put("ct_settings", std::uint32_t{0}, settings);
  EXPECT_EQ(at_xdp(middle), XDP_DROP);
}

// Of one run: what all the maps of counters have.
using Counts = std::vector<std::uint64_t>;

struct Size {
  std::size_t sets, most_rules, packets;
};
constexpr Size kSizes[] = {{30, 3, 60}, {15, 20, 100}};

class EquivalenceTest : public XdpTest {
 protected:
  void put(const std::vector<Rule>& rules, bv_target policy) {
    RulesToCompile all;
    all.endpoints = RandomRules::endpoints();
    for (const bv_chain chain : kChains)
      all.chains.at(chain).policy_counter = policy_counter(chain);
    auto& chain = all.chains[BV_CHAIN_INPUT];
    chain.policy = policy;
    counters_ = {policy_counter(BV_CHAIN_INPUT)};
    for (std::size_t i = 0; i < rules.size(); ++i) {
      chain.rules.push_back(&rules[i]);
      chain.counters.push_back(rule_counter(BV_CHAIN_INPUT, i));
      counters_.push_back(chain.counters.back());
    }
    const auto pages = compile_rules(all);
    ASSERT_TRUE(pages) << pages.error().what;
    under_test().put_pages(kParentIndex, *pages);
  }

  void clear() {
    under_test().reset();
    under_test().zero("ct_stats");
    for (const auto counter : counters_) under_test().clear_rule_count(counter);
  }

  Counts counts() {
    Counts out;
    for (const auto& reason : under_test().reasons())
      out.insert(out.end(), {reason.packets, reason.bytes});
    for (const auto& e : under_test().endpoints(kIds))
      out.insert(out.end(), {e.rx_packets, e.rx_bytes, e.tx_packets, e.tx_bytes, e.tx_dropped});
    for (const auto counter : counters_) {
      const auto count = under_test().rule_count(counter);
      out.insert(out.end(), {count.packets, count.bytes});
    }
    for (int stat = 0; stat < BV_CT_STAT_MAX; ++stat)
      out.push_back(under_test().ct_stat(static_cast<bv_ct_stat>(stat)));
    return out;
  }

  // By the rule that has counted it.
  bool is_rejected(const std::vector<Rule>& rules) {
    for (std::size_t i = 0; i < rules.size(); ++i)
      if (under_test().rule_count(rule_counter(BV_CHAIN_INPUT, i)).packets)
        return rules[i].target == BV_TARGET_REJECT;
    return false;
  }

  // Both ends of the packet have a connection, of which even an INVALID one is.
  bool talk(const RulePacket& packet) {
    const auto key = packet.key();
    const auto is = [](const std::uint8_t(&a)[16], const std::uint8_t(&b)[16]) {
      return std::equal(std::begin(a), std::end(a), std::begin(b));
    };
    const auto all = connections(under_test());
    return std::any_of(all.begin(), all.end(), [&](const bv_conn& c) {
      return (is(c.lo, key.src) && is(c.hi, key.dst)) || (is(c.lo, key.dst) && is(c.hi, key.src));
    });
  }

  // The receiver has the packet's destination; it is a new address each time.
  void give(const RulePacket& packet) {
    const auto port = *under_test().find<bv_port>("ports", kReceiverId);
    bv_addr owner{};
    owner.to = port;
    if (packet.family == RuleFamily::IPv6) {
      under_test().put(devices().parent(), Ip6Addr(packet.dst), owner);
    } else {
      under_test().put(devices().parent(), v4(packet.dst), owner);
    }
  }

  static Ip4Addr v4(const std::array<std::uint8_t, 16>& a) {
    return Ip4Addr({a[0], a[1], a[2], a[3]});
  }

  // From outside, or the other way round.
  static std::vector<Layer> layers(const RulePacket& p, bool back, RandomRules& random) {
    std::vector<Layer> out{back ? kToWire : kFromWire};
    const bool odd = !back && random.one_in(4);
    if (p.family == RuleFamily::IPv6) {
      IPv6 ip{.src = p.src, .dst = p.dst, .next_header = p.protocol};
      if (back) std::swap(ip.src, ip.dst);
      if (odd && random.one_in(3))
        ip.payload_length = static_cast<std::uint16_t>(random.below(100));
      if (odd && random.one_in(4)) ip.hop_limit = 255;
      if (odd && random.one_in(3)) {
        ip.next_header.reset();
        out.emplace_back(ip);
        if (random.one_in(2)) out.emplace_back(HopByHop{});
        const auto offset = random.one_in(2) ? 0 : random.below(9);
        out.emplace_back(Fragment{.offset = static_cast<std::uint16_t>(offset),
                                  .more = random.one_in(2),
                                  .next_header = p.protocol});
      } else {
        out.emplace_back(ip);
      }
    } else {
      IPv4 ip{.src = v4(p.src), .dst = v4(p.dst), .protocol = p.protocol};
      if (back) std::swap(ip.src, ip.dst);
      if (odd && random.one_in(3)) ip.total_length = static_cast<std::uint16_t>(random.below(120));
      if (odd && random.one_in(3)) ip.options = Bytes(4 * random.below(11), 1);
      if (odd && random.one_in(3)) ip.more_fragments = true;
      if (odd && random.one_in(4)) ip.fragment_offset = static_cast<std::uint16_t>(random.below(9));
      if (odd && random.one_in(9)) ip.ihl = static_cast<std::uint8_t>(random.below(16));
      out.emplace_back(ip);
    }
    const auto sport = back ? p.dport : p.sport, dport = back ? p.sport : p.dport;
    if (p.protocol == Tcp::kProtocol) {
      Tcp tcp{.sport = sport, .dport = dport, .flags = back ? Tcp::kSyn : p.tcp_flags};
      if (odd && random.one_in(3)) tcp.data_offset = static_cast<std::uint8_t>(random.below(16));
      if (odd && random.one_in(3)) tcp.options = Bytes(4 * random.below(11), 1);
      out.emplace_back(tcp);
    } else if (p.protocol == IcmpEcho::kProtocol || p.protocol == Icmp6Echo::kProtocol) {
      const auto type = static_cast<std::uint8_t>(random.one_in(2) ? p.icmp_type : 8);
      out.emplace_back(IcmpError{.type = type, .code = p.icmp_code});
    } else {
      Udp udp{.sport = sport, .dport = dport};
      if (odd && random.one_in(3)) udp.length = static_cast<std::uint16_t>(random.below(60));
      out.emplace_back(udp);
    }
    out.emplace_back(payload(random.below(80)));
    return out;
  }

  std::vector<std::uint32_t> counters_;
};

INSTANTIATE_TEST_SUITE_P(, EquivalenceTest, ::testing::ValuesIn(bpf_objects()),
                         [](const auto& p) { return compiler_of(p.param); });

bool is_later_fragment(const Bytes& frame) {
  constexpr std::size_t kType = 12, kFragment4 = 14 + 6, kNext6 = 14 + 6, kBehind6 = 14 + 40;
  const auto word = [&](std::size_t at) { return frame.at(at) << 8 | frame.at(at + 1); };
  if (word(kType) == ETHERTYPE_IP) return word(kFragment4) & 0x1fff;
  std::uint8_t next = frame.at(kNext6);
  std::size_t at = kBehind6;
  if (next == HopByHop::kProtocol) {
    next = frame.at(at);
    at += 8;
  }
  return next == Fragment::kProtocol && (word(at + 2) & ~7);
}

bool is_by_rules(bv_reason reason) {
  return reason == BV_REASON_RX_RULE || reason == BV_REASON_RX_CHAIN_POLICY;
}

// With BPFVLAN_SEED=N in the environment, that run again.
TEST_P(EquivalenceTest, drops_what_the_filter_drops_and_counts_it_alike) {
  const auto with = random_seed();
  SCOPED_TRACE(fmt::format("BPFVLAN_SEED={}", with));
  RandomRules random(with);
  std::size_t dropped = 0, passed = 0, known = 0, bad = 0;
  for (const Size& size : kSizes)
    for (std::size_t s = 0; s < size.sets; ++s) {
      set(filtered());
      std::vector<Rule> rules;
      for (auto n = 1 + random.below(size.most_rules); n--;) rules.push_back(random.rule());
      ASSERT_NO_FATAL_FAILURE(put(rules, random.one_in(2) ? BV_TARGET_ACCEPT : BV_TARGET_DROP));
      for (std::size_t i = 0; i < size.packets; ++i) {
        const auto packet = random.packet(rules);
        give(packet);
        if (random.one_in(4)) send(build(layers(packet, true, random)));
        auto frame = build(layers(packet, false, random));
        if (random.one_in(8)) frame = resized(frame, 14 + random.below(frame.size() - 13));
        SCOPED_TRACE(describe(frame));

        const auto before = table();
        clear();
        const auto xdp = at_xdp(frame);
        const auto verdict_xdp = under_test().last_verdict();
        const auto counts_xdp = counts();
        ASSERT_TRUE(same(table(), before));
        clear();
        const auto nothing = counts();
        const auto tc = at_tc(frame);
        const auto verdict_tc = under_test().last_verdict();
        const auto counts_tc = counts();

        if (xdp == XDP_DROP && is_by_rules(verdict_xdp.reason)) {
          ++dropped;
          ASSERT_EQ(tc, TC_ACT_SHOT);
          ASSERT_EQ(verdict_tc.reason, verdict_xdp.reason);
          ASSERT_EQ(counts_tc, counts_xdp);
        } else if (xdp == XDP_DROP) {
          ++bad;
          ASSERT_TRUE(verdict_xdp.reason == BV_REASON_RX_SPOOFED ||
                      verdict_xdp.reason == BV_REASON_RX_BAD_HEADER);
          if (verdict_xdp.reason == BV_REASON_RX_BAD_HEADER) {
            ASSERT_EQ(verdict_tc.reason, BV_REASON_RX_MALFORMED);
          }
        } else {
          ++passed;
          ASSERT_EQ(xdp, XDP_PASS);
          ASSERT_EQ(counts_xdp, nothing);
          // Left to the filter are packets of connections, later fragments, and whom to answer.
          if (is_by_rules(verdict_tc.reason)) {
            const bool found = under_test().ct_stat(BV_CT_STAT_FOUND) != 0;
            known += found;
            ASSERT_TRUE(found || is_later_fragment(frame) || is_rejected(rules) || talk(packet));
          }
        }
      }
    }
  EXPECT_GT(dropped, 500U);
  EXPECT_GT(passed, 300U);
  EXPECT_GT(known, 0U);
  EXPECT_GT(bad, 30U);
}

}  // namespace
}  // namespace bpfvlan::test
