// SPDX-License-Identifier: MIT
// Addresses that become an endpoint's by its own traffic.
#include <sys/socket.h>

#include <algorithm>

#include "state.hpp"

namespace bpfvlan::test {
namespace {

constexpr const char* kNew4 = "10.0.0.40";
constexpr const char* kNew6 = "2001:db8::40";
const Ethernet kOut{.dst = kOtherMac, .src = kMac};

Bytes from4(const Ip4Addr& src) {
  return frame(kOut, IPv4{.src = src, .dst = kOutside4}, Udp{}, payload(24));
}

Bytes from6(const Ip6Addr& src) {
  return frame(kOut, IPv6{.src = src, .dst = kOutside6}, Udp{}, payload(24));
}

Ip4Addr numbered(std::size_t i) {
  return Octets<4>{10, 1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
}

class Learning : public StateTest {
 protected:
  Learning() { set(learns()); }

  static World learns() {
    World world{};
    world.mode = BV_MODE_L2;
    world.learns = true;
    return world;
  }

  bv_addr4_key key(const Ip4Addr& address) {
    bv_addr4_key key{.parent = devices().parent(), .addr = {}};
    std::copy(address.octets.begin(), address.octets.end(), key.addr);
    return key;
  }
  bv_addr6_key key(const Ip6Addr& address) {
    bv_addr6_key key{.parent = devices().parent(), .addr = {}};
    std::copy(address.octets.begin(), address.octets.end(), key.addr);
    return key;
  }
  std::optional<bv_addr> owner(const Ip4Addr& address) {
    return under_test().find<bv_addr>("addr4", key(address));
  }
  std::optional<bv_addr> owner(const Ip6Addr& address) {
    return under_test().find<bv_addr>("addr6", key(address));
  }
  // As if the owner had last sent from it so long ago.
  void age(const Ip4Addr& address, std::uint32_t seconds) {
    bv_addr aged = owner(address).value();
    aged.seen = seconds_now() - seconds;
    under_test().put("addr4", key(address), aged);
  }

  std::size_t learned_by(Who who) {
    const auto keys = under_test().keys<bv_learned_key>("learned");
    return static_cast<std::size_t>(
        std::count_if(keys.begin(), keys.end(), [&](const auto& k) { return k.id == id_of(who); }));
  }
  bool is_learned(const Ip4Addr& address) { return is_senders(owner(address)); }
  bool is_learned(const Ip6Addr& address) { return is_senders(owner(address)); }
  void receiver_learns() {
    bv_endpoint settings_now = settings(Who::kReceiver);
    settings_now.learn_age = kLearnAge;
    change(Who::kReceiver, settings_now);
  }

 private:
  static bool is_senders(const std::optional<bv_addr>& found) {
    return found && found->to.id == kSenderId && found->age == kLearnAge;
  }
};
INSTANTIATE_TEST_SUITE_P(All, Learning, ::testing::ValuesIn(bpf_objects()), object_name);

TEST_P(Learning, WhatIsWritten) {
  const std::uint32_t before = seconds_now();
  send(Who::kSender, from4(kNew4));
  send(Who::kSender, from6(kNew6));
  const std::uint32_t after = seconds_now();
  const bv_endpoint sender = settings(Who::kSender);
  for (const auto& [found, bits] :
       {std::pair(owner(Ip4Addr(kNew4)), 32), std::pair(owner(Ip6Addr(kNew6)), 128)}) {
    ASSERT_TRUE(found);
    EXPECT_EQ(found->to.host_side, devices().sender());
    EXPECT_EQ(found->to.id, sender.id);
    EXPECT_EQ(found->to.parent, sender.parent);
    EXPECT_EQ(found->to.mode, sender.mode);
    EXPECT_EQ(found->to.policy, sender.policy);
    EXPECT_EQ(found->to.in_parent_netns, sender.in_parent_netns);
    EXPECT_EQ(found->prefix_len, bits);
    EXPECT_EQ(found->age, kLearnAge);
    EXPECT_LE(before - 1, found->seen);  // the coarse clock is some milliseconds late
    EXPECT_GE(after, found->seen);
  }
  std::vector<std::uint32_t> families;
  for (const auto& k : under_test().keys<bv_learned_key>("learned")) {
    EXPECT_EQ(k.id, kSenderId);
    families.push_back(under_test().find<bv_learned>("learned", k)->family);
  }
  std::sort(families.begin(), families.end());
  EXPECT_EQ(families, (std::vector<std::uint32_t>{AF_INET, AF_INET6}));
  EXPECT_EQ(reason_of(udp4({.dst = kNew4})), BV_REASON_RX_DELIVERED);
  EXPECT_EQ(reason_of(udp6({.dst = kNew6})), BV_REASON_RX_DELIVERED);
}

TEST_P(Learning, FromWhateverSaysTheSource) {
  const struct {
    const char* what;
    Bytes frame;
    bool ipv6 = false;
  } cases[] = {
      {"ARP request", arp_request(kMac, kNew4, kOutside4)},
      {"ARP request for a sibling's", arp_request(kMac, kNew4, kReceiver4)},
      {"gratuitous ARP request", arp_request(kMac, kNew4, kNew4)},
      {"gratuitous ARP reply",
       frame(Ethernet{.dst = kBroadcastMac, .src = kMac},
             Arp{.operation = Arp::kReply, .sender_ip = kNew4, .target_ip = kNew4})},
      {"IPv4 to a sibling", frame(kShared, IPv4{.src = kNew4, .dst = kReceiver4}, Udp{})},
      {"IPv4 to a group", to_group(kMac, Ip4Addr(kNew4), Ip4Addr(kUnjoined4))},
      {"duplicate address detection", dad_solicitation(kMac, kNew6), true},
      {"solicitation", solicitation(kMac, kNew6, kReceiver6), true},
      {"advertisement",
       frame(Ethernet{.dst = mac_of(Ip6Addr(kAllNodes)), .src = kMac},
             IPv6{.src = kNew6, .dst = kAllNodes}, NeighborAdvertisement{.target = kNew6}),
       true},
      {"IPv6 to a sibling", frame(kShared, IPv6{.src = kNew6, .dst = kReceiver6}, Udp{}), true},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    set(learns());
    send(Who::kSender, c.frame);
    EXPECT_EQ(c.ipv6 ? is_learned(Ip6Addr(kNew6)) : is_learned(Ip4Addr(kNew4)), true);
    EXPECT_EQ(learned_by(Who::kSender), 1u);
  }
}

TEST_P(Learning, InEitherMode) {
  World world = learns();
  world.mode = BV_MODE_L3;
  set(world);
  send(Who::kSender, from4(kNew4));
  EXPECT_TRUE(is_learned(Ip4Addr(kNew4)));
  EXPECT_EQ(reason_of(udp4({.dst = kNew4})), BV_REASON_RX_DELIVERED);
}

TEST_P(Learning, OnlyIfItIsOn) {
  set({.mode = BV_MODE_L2});
  send(Who::kSender, from4(kNew4));
  EXPECT_FALSE(owner(Ip4Addr(kNew4)));
  EXPECT_EQ(learned_by(Who::kSender), 0u);
}

// No source of any host's: not worth a note.
TEST_P(Learning, WhatIsNoAddress) {
  for (const char* src : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255", "224.0.0.1",
                          "239.255.255.255", "240.0.0.1", "255.255.255.255"})
    send(Who::kSender, from4(src));
  for (const char* src : {"::", "::1", "ff02::1", "ff0e::1"}) send(Who::kSender, from6(src));
  send(Who::kSender, arp_request(kMac, "0.0.0.0", kNew4));  // a probe
  send(Who::kSender, dad_solicitation(kMac, "ff02::1"));
  send(Who::kSender, frame(kOut, IPv4{.src = kNew4, .ihl = 4}));
  send(Who::kSender, frame(kOut, IPv4{.src = kNew4, .total_length = 65535}));
  send(Who::kSender, frame(kOut, IPv6{.src = kNew6, .version = 4}));
  send(Who::kSender, resized(from4(kNew4), 30));
  send(Who::kSender, resized(from6(kNew6), 50));
  send(Who::kSender, from4(kNew4), Tag{.tci = 7});
  send(Who::kSender, frame(kOut, Lldp{}));
  EXPECT_EQ(learned_by(Who::kSender), 0u);
  EXPECT_EQ(under_test().keys<bv_addr4_key>("addr4").size(), kAddresses);
  EXPECT_EQ(under_test().keys<bv_addr6_key>("addr6").size(), kAddresses);
  EXPECT_EQ(state(Who::kSender).addresses_refused, 0u);
  EXPECT_EQ(counted(BV_REASON_ADDRESS_REFUSED) + counted(BV_REASON_ADDRESS_FULL), 0u);
}

TEST_P(Learning, NotASiblings) {
  send(Who::kSender, from4(kReceiver4));
  send(Who::kSender, from6(kReceiver6));
  send(Who::kSender, arp_request(kMac, kReceiver4, kOutside4));
  send(Who::kSender, dad_solicitation(kMac, kReceiver6));
  EXPECT_EQ(owner(Ip4Addr(kReceiver4))->to.id, kReceiverId);
  EXPECT_EQ(owner(Ip6Addr(kReceiver6))->to.id, kReceiverId);
  EXPECT_EQ(learned_by(Who::kSender), 0u);
  EXPECT_EQ(counted(BV_REASON_ADDRESS_REFUSED), 4u);
  EXPECT_EQ(state(Who::kSender).addresses_refused, 4u);
  // The same address at another parent is another.
  send(Who::kSender, from4(kForeign4));
  EXPECT_TRUE(is_learned(Ip4Addr(kForeign4)));
}

TEST_P(Learning, NotTheHosts) {
  bv_host_addr host4{}, host6{};
  host4.addr[10] = host4.addr[11] = 0xff;
  const Ip4Addr parent4(kParent4);
  const Ip6Addr parent6(kParent6);
  std::copy(parent4.octets.begin(), parent4.octets.end(), host4.addr + 12);
  std::copy(parent6.octets.begin(), parent6.octets.end(), host6.addr);
  for (const auto& host : {host4, host6}) under_test().put("host_addrs", host, std::uint8_t{1});
  send(Who::kSender, from4(kParent4));
  send(Who::kSender, from6(kParent6));
  EXPECT_FALSE(owner(parent4));
  EXPECT_FALSE(owner(parent6));
  EXPECT_EQ(counted(BV_REASON_ADDRESS_REFUSED), 2u);
  EXPECT_EQ(state(Who::kSender).addresses_refused, 2u);
}

TEST_P(Learning, GivenAddressesStayAsTheyAre) {
  send(Who::kSender, from4(kSender4));
  EXPECT_EQ(owner(Ip4Addr(kSender4))->age, 0u);
  EXPECT_EQ(owner(Ip4Addr(kSender4))->seen, 0u);
  EXPECT_EQ(learned_by(Who::kSender), 0u);
}

TEST_P(Learning, Expiry) {
  send(Who::kSender, from4(kNew4));
  age(kNew4, kLearnAge / 2);
  EXPECT_EQ(reason_of(udp4({.dst = kNew4})), BV_REASON_RX_DELIVERED);
  age(kNew4, kLearnAge + 2);
  EXPECT_EQ(reason_of(udp4({.dst = kNew4})), BV_REASON_RX_NO_ENDPOINT);
  // To send from it is to use it.
  send(Who::kSender, from4(kNew4));
  EXPECT_EQ(reason_of(udp4({.dst = kNew4})), BV_REASON_RX_DELIVERED);
  EXPECT_LE(seconds_now() - owner(Ip4Addr(kNew4))->seen, 2u);
  EXPECT_EQ(learned_by(Who::kSender), 1u);
  EXPECT_EQ(counted(BV_REASON_ADDRESS_REFUSED) + counted(BV_REASON_ADDRESS_FULL), 0u);
}

TEST_P(Learning, TakeoverOfWhatHasExpired) {
  receiver_learns();
  send(Who::kSender, from4(kNew4));
  send(Who::kReceiver, from4(kNew4));
  EXPECT_TRUE(is_learned(Ip4Addr(kNew4)));
  EXPECT_EQ(state(Who::kReceiver).addresses_refused, 1u);
  age(kNew4, kLearnAge + 2);
  send(Who::kReceiver, from4(kNew4));
  EXPECT_EQ(owner(Ip4Addr(kNew4))->to.id, kReceiverId);
  EXPECT_EQ(hearers(udp4({.dst = kNew4})), std::vector{Who::kReceiver});
  send(Who::kSender, from4(kNew4));
  EXPECT_EQ(owner(Ip4Addr(kNew4))->to.id, kReceiverId);
  EXPECT_EQ(state(Who::kSender).addresses_refused, 1u);
}

// Slots are tried a few at a time, so that it may take some packets to find the free one.
TEST_P(Learning, ShareOfAnEndpoint) {
  for (std::size_t i = 0; i < BV_ENDPOINT_LEARNED; ++i) send(Who::kSender, from4(numbered(i)));
  EXPECT_EQ(learned_by(Who::kSender), BV_ENDPOINT_LEARNED);
  EXPECT_EQ(counted(BV_REASON_ADDRESS_FULL), 0u);
  send(Who::kSender, from4(kNew4));
  EXPECT_FALSE(owner(Ip4Addr(kNew4)));
  EXPECT_EQ(counted(BV_REASON_ADDRESS_FULL), 1u);
  EXPECT_EQ(state(Who::kSender).addresses_refused, 1u);
  receiver_learns();
  send(Who::kReceiver, from4(kNew4));
  EXPECT_EQ(owner(Ip4Addr(kNew4))->to.id, kReceiverId) << "others have shares of their own";

  const Ip4Addr next = numbered(BV_ENDPOINT_LEARNED);
  age(numbered(20), kLearnAge + 2);
  int packets = 0;
  while (!owner(next) && ++packets < 100) send(Who::kSender, from4(next));
  EXPECT_LE(packets, BV_ENDPOINT_LEARNED / 8 + 1);
  EXPECT_TRUE(is_learned(next));
  EXPECT_FALSE(owner(numbered(20)));
  EXPECT_EQ(learned_by(Who::kSender), BV_ENDPOINT_LEARNED);
  for (std::size_t i = 0; i < BV_ENDPOINT_LEARNED; ++i)
    EXPECT_EQ(is_learned(numbered(i)), i != 20) << i;
}

// A slot is free when its address has become another's.
TEST_P(Learning, SlotsOfWhatIsAnothersNow) {
  receiver_learns();
  for (std::size_t i = 0; i < BV_ENDPOINT_LEARNED; ++i) send(Who::kSender, from4(numbered(i)));
  age(numbered(5), kLearnAge + 2);
  send(Who::kReceiver, from4(numbered(5)));
  int packets = 0;
  while (!owner(Ip4Addr(kNew4)) && ++packets < 100) send(Who::kSender, from4(kNew4));
  EXPECT_TRUE(is_learned(Ip4Addr(kNew4)));
  EXPECT_EQ(owner(numbered(5))->to.id, kReceiverId);
}

TEST_P(Learning, FullTables) {
  load({.entries = {{"addr4", kAddresses + 1}, {"addr6", kAddresses + 1}}});
  send(Who::kSender, from4(kNew4));
  send(Who::kSender, from6(kNew6));
  EXPECT_EQ(counted(BV_REASON_ADDRESS_FULL), 0u);
  send(Who::kSender, from4(numbered(1)));
  send(Who::kSender, from6("2001:db8::41"));
  EXPECT_EQ(counted(BV_REASON_ADDRESS_FULL), 2u);
  EXPECT_EQ(under_test().keys<bv_addr4_key>("addr4").size(), kAddresses + 1);
  EXPECT_EQ(under_test().keys<bv_addr6_key>("addr6").size(), kAddresses + 1);

  load({.entries = {{"learned", 1}}});
  send(Who::kSender, from4(kNew4));
  send(Who::kSender, from4(numbered(1)));
  EXPECT_EQ(counted(BV_REASON_ADDRESS_FULL), 1u);
  EXPECT_TRUE(is_learned(Ip4Addr(kNew4)));
  EXPECT_FALSE(owner(numbered(1)));
}

}  // namespace
}  // namespace bpfvlan::test
