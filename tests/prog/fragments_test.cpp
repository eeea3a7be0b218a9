// SPDX-License-Identifier: MIT
// Fragments fare as their packet's first one.
#include <gtest/gtest.h>

#include <functional>

#include "tracking.hpp"

namespace bpfvlan::test {
namespace {

struct Piece {
  std::uint16_t offset = 0;  // in units of 8 bytes
  bool more = true;
  std::uint16_t id = 7;
  std::uint8_t protocol = Udp::kProtocol;
  const char* src = nullptr;
};

Bytes piece4(const Piece& p) {
  const IPv4 ip{.src = p.src ? p.src : kOutside4,
                .dst = kSender4,
                .id = p.id,
                .more_fragments = p.more,
                .fragment_offset = p.offset,
                .protocol = p.protocol};
  if (p.offset) return frame(Ethernet{}, ip, payload(64));
  if (p.protocol == Tcp::kProtocol) return frame(Ethernet{}, ip, Tcp{}, payload(44));
  return frame(Ethernet{}, ip, Udp{.length = 1000}, payload(56));
}

Bytes piece6(const Piece& p) {
  const IPv6 ip{.src = p.src ? p.src : kOutside6, .dst = kSender6};
  const Fragment fragment{
      .offset = p.offset, .more = p.more, .id = p.id, .next_header = p.protocol};
  if (p.offset) return frame(Ethernet{}, ip, fragment, payload(64));
  if (p.protocol == Tcp::kProtocol) return frame(Ethernet{}, ip, fragment, Tcp{}, payload(44));
  return frame(Ethernet{}, ip, fragment, Udp{.length = 1000}, payload(56));
}

class FragmentsTest : public ::testing::TestWithParam<std::string> {
 protected:
  Tracking tracking_{programs(GetParam())};

  std::string piece(const Bytes& frame) { return tracking_.state_of(Hook::kRx, frame); }
};

struct Family {
  Bytes (*piece)(const Piece&);
  const char* other_source;
};
constexpr Family kFamilies[] = {{piece4, "192.0.2.77"}, {piece6, "2001:db8:ffff::77"}};

// Those that follow are not asked about once more: no rule counts them.
TEST_P(FragmentsTest, LaterOnesFollowTheFirst) {
  for (const auto& family : kFamilies) {
    EXPECT_EQ(piece(family.piece({})), "NEW");
    EXPECT_EQ(piece(family.piece({.offset = 8})), "unfiltered");
    EXPECT_EQ(piece(family.piece({.offset = 16, .more = false})), "unfiltered");
  }
}

TEST_P(FragmentsTest, LaterOnesWithoutAFirstAreInvalid) {
  for (const auto& family : kFamilies) {
    EXPECT_EQ(piece(family.piece({.offset = 8})), "INVALID");
    EXPECT_EQ(piece(family.piece({.offset = 16, .more = false})), "INVALID");
  }
  EXPECT_TRUE(tracking_.connections().empty());
}

TEST_P(FragmentsTest, FollowOnlyTheirOwnPacket) {
  for (const auto& family : kFamilies) {
    EXPECT_EQ(piece(family.piece({})), "NEW");
    EXPECT_EQ(piece(family.piece({.offset = 8, .id = 8})), "INVALID");
    EXPECT_EQ(piece(family.piece({.offset = 8, .src = family.other_source})), "INVALID");
  }
  // RFC 791, 3.2: of IPv4 the protocol too; of IPv6 the first one's alone counts (RFC 8200, 4.5).
  EXPECT_EQ(piece(piece4({.offset = 8, .protocol = 50})), "INVALID");
  EXPECT_EQ(piece(piece6({.offset = 8, .protocol = 50})), "unfiltered");
}

TEST_P(FragmentsTest, AFirstOneThatIsDroppedLeavesNothing) {
  World world{.mode = BV_MODE_L3S};
  world.input = {
      .rules = {"-p udp --dport 5000 -j DROP", "-m conntrack --ctstate INVALID -j DROP"}};
  Programs& under_test = programs(GetParam());
  install(world, devices(), under_test);
  for (const auto& family : kFamilies) {
    under_test.run(Hook::kRx, family.piece({}), {.device = devices().parent()});
    EXPECT_EQ(under_test.last_verdict().reason, BV_REASON_RX_RULE);
    under_test.run(Hook::kRx, family.piece({.offset = 8}), {.device = devices().parent()});
    EXPECT_EQ(under_test.last_verdict().reason, BV_REASON_RX_RULE);
  }
}

// RFC 1858: it would give the first one's TCP header other flags once that has passed.
TEST_P(FragmentsTest, OneThatOverwritesATcpHeaderIsDropped) {
  for (const auto& family : kFamilies) {
    EXPECT_EQ(piece(family.piece({.protocol = Tcp::kProtocol})), "NEW");
    for (const auto offset : {std::uint16_t{1}, std::uint16_t{2}})
      EXPECT_EQ(piece(family.piece({.offset = offset, .protocol = Tcp::kProtocol})), "dropped");
    EXPECT_EQ(piece(family.piece({.offset = 3, .protocol = Tcp::kProtocol})), "unfiltered");
  }
}

TEST_P(FragmentsTest, DoNotFollowForever) {
  Programs& under_test = programs(GetParam());
  for (const auto& family : kFamilies) {
    under_test.clear("ct_fragments");
    EXPECT_EQ(piece(family.piece({})), "NEW");
    for (const auto& key : under_test.keys<bv_fragment_key>("ct_fragments")) {
      EXPECT_GT(under_test.find<bv_fragment>("ct_fragments", key)->expires, tracking_.now());
      under_test.put("ct_fragments", key, bv_fragment{.expires = tracking_.now()});
    }
    EXPECT_EQ(piece(family.piece({.offset = 8})), "INVALID");
  }
}

INSTANTIATE_TEST_SUITE_P(All, FragmentsTest, ::testing::ValuesIn(bpf_objects()),
                         [](const auto& test) { return compiler_of(test.param); });

}  // namespace
}  // namespace bpfvlan::test
