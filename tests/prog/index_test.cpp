// SPDX-License-Identifier: MIT
// The short ways to an address and to a sender, and the long ones where those do not know.
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "state.hpp"

namespace bpfvlan::test {
namespace {

const Ethernet kIn{.dst = kMac, .src = kOtherMac};

Bytes to(const Ip4Addr& dst) {
  return frame(kIn, IPv4{.src = kOutside4, .dst = dst}, Udp{}, payload(24));
}
Bytes to(const Ip6Addr& dst) {
  return frame(kIn, IPv6{.src = kOutside6, .dst = dst}, Udp{}, payload(24));
}

std::uint32_t word_of(const Ip4Addr& a) {
  std::uint32_t word = 0;
  std::memcpy(&word, a.octets.data(), sizeof(word));
  return word;
}

IpPrefix prefix(const Ip4Addr& a) {
  IpPrefix p{.family = AF_INET, .length = 32};
  std::copy(a.octets.begin(), a.octets.end(), p.addr.begin());
  return p;
}

class Index : public StateTest {
 protected:
  Index() { set({}); }

  bv_addr receivers() {
    bv_addr owner{};
    owner.to = under_test().find<bv_port>("ports", kReceiverId).value_or(bv_port{});
    return owner;
  }
  std::uint32_t bucket(const Ip4Addr& a) {
    return bv_addr4_bucket_of(devices().parent(), word_of(a));
  }
  // Addresses of one bucket, more than it has room for.
  std::vector<Ip4Addr> crowd() {
    std::vector<Ip4Addr> out{Ip4Addr(Octets<4>{10, 9, 0, 0})};
    for (std::uint32_t i = 1; out.size() < BV_ADDR4_WAYS + 2; ++i) {
      const Ip4Addr a(Octets<4>{10, static_cast<std::uint8_t>(9 + (i >> 16)),
                                static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)});
      if (bucket(a) == bucket(out.front())) out.push_back(a);
    }
    return out;
  }
};
INSTANTIATE_TEST_SUITE_P(All, Index, ::testing::ValuesIn(bpf_objects()), object_name);

TEST_P(Index, AnAddressThatItHasNoRoomForIsFound) {
  load({});  // bits of buckets stay: not in the maps of all
  const auto addresses = crowd();
  for (const auto& a : addresses) under_test().put(devices().parent(), a, receivers());
  for (const auto& a : addresses) EXPECT_EQ(reason_of(to(a)), BV_REASON_RX_DELIVERED);
}

TEST_P(Index, WhatItDoesNotKnowIsNotLookedForElsewhere) {
  const Ip4Addr a(Octets<4>{10, 200, 0, 1});
  under_test().put("addr4", bv_addr4_key{.parent = devices().parent(), .addr = {10, 200, 0, 1}},
                   receivers());
  EXPECT_EQ(reason_of(to(a)), BV_REASON_RX_NO_ENDPOINT) << "the hash map alone has it";
  const auto change = under_test().address_index().change(devices().parent(), prefix(a));
  EXPECT_EQ(reason_of(to(a)), BV_REASON_RX_DELIVERED) << "who changes it says that it may be there";
}

TEST_P(Index, AnEntryThatNamesAnotherParentsEndpointIsNotBelieved) {
  const Ip4Addr a(Octets<4>{10, 200, 0, 2});
  const auto& index = under_test().address_index();
  index.add(devices().parent(), prefix(a), kForeignId);
  EXPECT_EQ(reason_of(to(a)), BV_REASON_RX_NO_ENDPOINT);
  index.remove(devices().parent(), prefix(a), kForeignId);
}

TEST_P(Index, AnEntryThatNamesNobodyIsNotBelieved) {
  const Ip4Addr a(Octets<4>{10, 200, 0, 3});
  const auto& index = under_test().address_index();
  index.add(devices().parent(), prefix(a), 4000);
  EXPECT_EQ(reason_of(to(a)), BV_REASON_RX_NO_ENDPOINT);
  index.remove(devices().parent(), prefix(a), 4000);
}

TEST_P(Index, ALearnedAddressIsFoundBehindIt) {
  load({});
  World world{};
  world.mode = BV_MODE_L2;
  world.learns = true;
  set(world);
  const Ethernet out{.dst = kOtherMac, .src = kMac};
  send(Who::kSender, frame(out, IPv4{.src = "10.0.0.77", .dst = kOutside4}, Udp{}, payload(24)));
  send(Who::kSender, frame(out, IPv6{.src = "2001:db8::77", .dst = kOutside6}, Udp{}, payload(24)));
  EXPECT_EQ(reason_of(to(Ip4Addr("10.0.0.77"))), BV_REASON_RX_DELIVERED);
  EXPECT_EQ(reason_of(to(Ip6Addr("2001:db8::77"))), BV_REASON_RX_DELIVERED);
}

TEST_P(Index, ASenderIsFoundWhosePlaceAnotherOneHas) {
  const auto device = devices().sender();
  under_test().put("host_sides", device % BV_HOST_SIDES, kReceiverId);
  send(Who::kSender,
       frame(Ethernet{}, IPv4{.src = kSender4, .dst = kReceiver4}, Udp{}, payload(24)));
  EXPECT_EQ(under_test().last_verdict().reason, BV_REASON_TX_SIBLING);
  EXPECT_EQ(under_test().endpoint(kSenderId).tx_packets, 1U);
}

TEST_P(Index, AHostSideThatIsNoEndpointsAnyMoreIsNobodys) {
  auto port = under_test().find<bv_port>("ports", kSenderId).value_or(bv_port{});
  under_test().put("ports", kSenderId, bv_port{});
  send(Who::kSender,
       frame(Ethernet{}, IPv4{.src = kSender4, .dst = kReceiver4}, Udp{}, payload(24)));
  EXPECT_EQ(under_test().last_verdict().reason, BV_REASON_TX_NO_ENDPOINT);
  under_test().put("ports", kSenderId, port);
}

}  // namespace
}  // namespace bpfvlan::test
