// SPDX-License-Identifier: MIT
// What a hairpin port's programs do with one frame.
#include "hairpin.hpp"

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <array>
#include <map>
#include <sstream>

#include "bpfvlan/test/frame.hpp"
#include "setup.hpp"

namespace bpfvlan::test {
namespace {

constexpr const char* kPort = "02:00:00:00:00:aa";
constexpr const char* kKnown = "02:00:00:00:00:51";   // lately, untagged
constexpr const char* kOld = "02:00:00:00:00:52";     // too long ago
constexpr const char* kOfVlan = "02:00:00:00:00:53";  // lately, in VLAN 7
constexpr const char* kSource = "02:00:00:00:00:54";  // unknown so far
constexpr const char* kGroup = "01:00:5e:01:01:01";

struct HairpinRow {
  std::string name;
  Bytes frame;
  bv_hairpin_end end;
  // Where the source is a station afterwards: 0 untagged; none: nowhere.
  std::optional<std::uint16_t> learned = 0;
  bool at_tc = true;  // BPF_PROG_TEST_RUN has no tags beside the frame, and no cut ones
};

Bytes udp4_to(const char* mac, const char* ip, const char* from = kSource) {
  return frame(Ethernet{.dst = mac, .src = from}, IPv4{.dst = ip}, Udp{}, payload(32));
}
Bytes udp6_to(const char* mac, const char* ip) {
  return frame(Ethernet{.dst = mac, .src = kSource}, IPv6{.dst = ip}, Udp{}, payload(32));
}
Bytes tagged(const char* mac, std::uint16_t id, std::uint16_t tpid = 0x8100) {
  return frame(Ethernet{.dst = mac, .src = kSource}, Vlan{.id = id, .tpid = tpid},
               IPv4{.dst = "192.168.10.7"}, Udp{}, payload(32));
}

std::vector<HairpinRow> rows() {
  const auto ip4 = udp4_to(kPort, "192.168.10.7");
  const auto ip6 = udp6_to(kPort, "fd00:10::7");
  return {
      {"station", udp4_to(kKnown, "192.0.2.2"), BV_HAIRPIN_STATION},
      {"station_ipv6", udp6_to(kKnown, "2001:db8::2"), BV_HAIRPIN_STATION},
      {"station_is_the_source_too", udp4_to(kKnown, "192.0.2.2", kKnown), BV_HAIRPIN_STATION, {}},
      {"station_neither_ip",
       frame(Ethernet{.dst = kKnown, .src = kSource, .ethertype = 0x88b5}, payload(32)),
       BV_HAIRPIN_STATION},
      {"unknown", udp4_to("02:00:00:00:00:99", "192.0.2.2"), BV_HAIRPIN_PASSED},
      {"unknown_but_source_now_known", udp4_to(kSource, "192.0.2.2"), BV_HAIRPIN_STATION},
      {"aged", udp4_to(kOld, "192.0.2.2"), BV_HAIRPIN_PASSED},
      {"of_another_vlan", udp4_to(kOfVlan, "192.0.2.2"), BV_HAIRPIN_PASSED},
      {"vlan_station", tagged(kOfVlan, 7), BV_HAIRPIN_STATION, 7, false},
      {"vlan_station_8021ad", tagged(kOfVlan, 7, 0x88a8), BV_HAIRPIN_STATION, 7, false},
      {"vlan_untagged_station", tagged(kKnown, 7), BV_HAIRPIN_PASSED, 7, false},
      {"priority_tag", tagged(kKnown, 0), BV_HAIRPIN_STATION, 0, false},
      {"vlan_cut", resized(tagged(kOfVlan, 7), 17), BV_HAIRPIN_CUT, {}, false},
      {"address_ipv4", ip4, BV_HAIRPIN_ADDRESS},
      {"address_ipv4_first", udp4_to(kPort, "192.168.10.0"), BV_HAIRPIN_ADDRESS},
      {"address_ipv4_beside", udp4_to(kPort, "192.168.11.0"), BV_HAIRPIN_PASSED},
      {"address_ipv6", ip6, BV_HAIRPIN_ADDRESS},
      {"address_ipv6_beside", udp6_to(kPort, "fd00:11::7"), BV_HAIRPIN_PASSED},
      {"address_in_vlan", tagged(kPort, 7), BV_HAIRPIN_PASSED, 7, false},
      {"address_not_ip",
       frame(Ethernet{.dst = kPort, .src = kSource, .ethertype = 0x88b5}, payload(32)),
       BV_HAIRPIN_PASSED},
      {"address_wrong_version",
       frame(Ethernet{.dst = kPort, .src = kSource}, IPv4{.dst = "192.168.10.7", .version = 5},
             Udp{}, payload(32)),
       BV_HAIRPIN_PASSED},
      {"address_ipv4_cut", resized(ip4, 33), BV_HAIRPIN_CUT, 0, false},
      {"address_ipv4_shortest", resized(ip4, 34), BV_HAIRPIN_ADDRESS, 0, false},
      {"address_ipv6_cut", resized(ip6, 53), BV_HAIRPIN_CUT, 0, false},
      {"address_ipv6_shortest", resized(ip6, 54), BV_HAIRPIN_ADDRESS, 0, false},
      {"from_the_port", udp4_to(kKnown, "192.0.2.2", kPort), BV_HAIRPIN_OWN, {}},
      {"from_a_group", udp4_to(kKnown, "192.0.2.2", kGroup), BV_HAIRPIN_STATION, {}},
      {"group", udp4_to(kGroup, "239.1.1.1"), BV_HAIRPIN_GROUP},
      {"broadcast", udp4_to("ff:ff:ff:ff:ff:ff", "255.255.255.255"), BV_HAIRPIN_GROUP},
      {"group_from_the_port", udp4_to(kGroup, "239.1.1.1", kPort), BV_HAIRPIN_OWN, {}},
      {"control_first", udp4_to("01:80:c2:00:00:00", "192.0.2.2"), BV_HAIRPIN_CONTROL},
      {"control_lldp", udp4_to("01:80:c2:00:00:0e", "192.0.2.2"), BV_HAIRPIN_CONTROL},
      {"control_last", udp4_to("01:80:c2:00:00:0f", "192.0.2.2"), BV_HAIRPIN_CONTROL},
      {"control_beyond", udp4_to("01:80:c2:00:00:10", "192.0.2.2"), BV_HAIRPIN_GROUP},
  };
}

Hairpin& hairpin(const std::string& object) {
  static std::map<std::string, Hairpin> loaded;
  return loaded.try_emplace(object, hairpin_object(object), kPort).first->second;
}

bool goes_back(bv_hairpin_end end) {
  return end == BV_HAIRPIN_STATION || end == BV_HAIRPIN_ADDRESS;
}

class HairpinTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    port().forget();
    port().put_station(kKnown, 0, BV_HAIRPIN_AGE - 5);
    port().put_station(kOld, 0, BV_HAIRPIN_AGE + 5);
    port().put_station(kOfVlan, 7, 0);
    port().put_address("192.168.10.0/24");
    port().put_address("fd00:10::/64");
  }
  Hairpin& port() const { return hairpin(GetParam()); }
  Outcome xdp(const Bytes& frame) const { return port().run(HairpinHook::kXdp, frame, 0); }
  Outcome tc(const Bytes& frame) const {
    return port().run(HairpinHook::kTc, frame, devices().parent());
  }
  static Bytes expected(const HairpinRow& row) {
    auto out = row.frame;
    if (row.end != BV_HAIRPIN_ADDRESS) return out;
    std::copy_n(row.frame.begin() + 6, 6, out.begin());
    const MacAddr mac(kPort);
    std::copy(mac.octets.begin(), mac.octets.end(), out.begin() + 6);
    return out;
  }
  void expect_counted(std::optional<bv_hairpin_end> end) const {
    HairpinCounts wanted{};
    if (end) wanted[*end] = 1;
    EXPECT_EQ(port().counts(), wanted);
  }
  void expect_learned(const HairpinRow& row) const {
    for (const std::uint16_t vlan : std::array<std::uint16_t, 2>{0, 7}) {
      const auto unused = port().unused_seconds(kSource, vlan);
      EXPECT_EQ(unused.has_value(), row.learned == vlan) << vlan;
      EXPECT_LE(unused.value_or(0), 1U);
    }
    EXPECT_FALSE(port().unused_seconds(kPort, 0));
    EXPECT_FALSE(port().unused_seconds(kGroup, 0));
  }
};

INSTANTIATE_TEST_SUITE_P(, HairpinTest, ::testing::ValuesIn(bpf_objects()),
                         [](const auto& p) { return compiler_of(p.param); });

TEST_P(HairpinTest, rows_at_xdp) {
  for (const auto& row : rows()) {
    SCOPED_TRACE(row.name);
    SetUp();
    const auto outcome = xdp(row.frame);
    EXPECT_EQ(outcome.returned, goes_back(row.end) ? XDP_TX : XDP_PASS);
    EXPECT_EQ(outcome.frame, expected(row));
    // The other program, to which the frame goes on, counts what does not go back.
    expect_counted(goes_back(row.end) ? std::optional(row.end) : std::nullopt);
    expect_learned(row);
  }
}

TEST_P(HairpinTest, rows_at_tc) {
  for (const auto& row : rows()) {
    if (!row.at_tc) continue;
    SCOPED_TRACE(row.name);
    SetUp();
    const auto outcome = tc(row.frame);
    EXPECT_EQ(outcome.returned, goes_back(row.end) ? TC_ACT_REDIRECT : TC_ACT_UNSPEC);
    EXPECT_EQ(outcome.frame, expected(row));
    expect_counted(row.end);
    expect_learned(row);
  }
}

TEST_P(HairpinTest, hearing_a_station_makes_it_young_again) {
  xdp(udp4_to("02:00:00:00:00:99", "192.0.2.2", kOld));
  EXPECT_LE(port().unused_seconds(kOld, 0).value(), 1U);
  EXPECT_EQ(xdp(udp4_to(kOld, "192.0.2.2")).returned, XDP_TX);
}

TEST_P(HairpinTest, a_group_frame_that_comes_again_at_once_is_an_echo) {
  const auto once = udp4_to(kGroup, "239.1.1.1");
  auto other = once;
  other.back() ^= 1;
  // So quick that even a busy machine does it within the time that an echo may take.
  bool echo = false;
  for (int i = 0; i < 100 && !echo; ++i) {
    SetUp();
    tc(once);
    tc(once);
    echo = port().counts()[BV_HAIRPIN_ECHO] == 1;
  }
  EXPECT_TRUE(echo);
  SetUp();
  tc(once);
  tc(other);
  tc(resized(once, once.size() + 1));
  EXPECT_EQ(port().counts()[BV_HAIRPIN_GROUP], 3U);
  SetUp();
  tc(once);
  const timespec pause{.tv_sec = 0, .tv_nsec = 2 * BV_HAIRPIN_ECHO_NS};
  nanosleep(&pause, nullptr);
  tc(once);
  EXPECT_EQ(port().counts()[BV_HAIRPIN_GROUP], 2U) << "later it is another frame";
}

// One of so many is looked at; what was looked at lately ends, and its like is let through again.
TEST_P(HairpinTest, a_frame_that_goes_round_ends) {
  const auto frame = udp4_to(kKnown, "192.0.2.2");
  for (const auto hook : {HairpinHook::kXdp, HairpinHook::kTc}) {
    SetUp();
    const auto once = [&] { return port().run(hook, frame, devices().parent()).returned; };
    const bool at_xdp = hook == HairpinHook::kXdp;
    const int back = at_xdp ? XDP_TX : TC_ACT_REDIRECT, drop = at_xdp ? XDP_DROP : TC_ACT_SHOT;
    port().set_count(BV_HAIRPIN_STATION, BV_HAIRPIN_SAMPLE - 1);
    EXPECT_EQ(once(), back);
    EXPECT_EQ(once(), back) << "not looked at";
    port().set_count(BV_HAIRPIN_STATION, BV_HAIRPIN_SAMPLE - 1);
    EXPECT_EQ(once(), drop);
    EXPECT_EQ(port().counts()[BV_HAIRPIN_LOOPED], 1U);
    EXPECT_EQ(once(), back);
  }
}

}  // namespace
}  // namespace bpfvlan::test
