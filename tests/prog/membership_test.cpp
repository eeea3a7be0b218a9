// SPDX-License-Identifier: MIT
// Who is a member, by the reports that endpoints send.
#include <algorithm>

#include "state.hpp"

namespace bpfvlan::test {
namespace {

// Two groups behind one MAC address.
constexpr const char* kTwin4 = "224.1.1.1";
constexpr const char* kTwin6 = "ff05::1:1";
constexpr std::size_t kEthernet = 14, kIpv4 = 20, kIpv6 = 40, kRouterAlert = 8, kReportHead = 8;

// Each kind of message to the address that its RFC says.
Bytes igmp(std::uint8_t type, const char* group) {
  const Ip4Addr dst = type == Igmp::kV2Leave ? Ip4Addr("224.0.0.2") : Ip4Addr(group);
  return frame(Ethernet{.dst = mac_of(dst), .src = kMac},
               IPv4{.src = kReceiver4, .dst = dst, .ttl = 1, .options = kRouterAlert4},
               Igmp{.type = type, .group = group});
}

Bytes igmp3(const IgmpV3Report& report) {
  const Ip4Addr dst("224.0.0.22");
  return frame(Ethernet{.dst = mac_of(dst), .src = kMac},
               IPv4{.src = kReceiver4, .dst = dst, .ttl = 1, .options = kRouterAlert4}, report);
}

Bytes mld(std::uint8_t type, const char* group) {
  const Ip6Addr dst = type == Mld::kDone ? Ip6Addr("ff02::2") : Ip6Addr(group);
  return frame(Ethernet{.dst = mac_of(dst), .src = kMac},
               IPv6{.src = kReceiverLinkLocal6, .dst = dst, .hop_limit = 1},
               HopByHop{.options = kRouterAlert6}, Mld{.type = type, .group = group});
}

Bytes mld2(const MldV2Report& report) {
  const Ip6Addr dst("ff02::16");
  return frame(Ethernet{.dst = mac_of(dst), .src = kMac},
               IPv6{.src = kReceiverLinkLocal6, .dst = dst, .hop_limit = 1},
               HopByHop{.options = kRouterAlert6}, report);
}

Ip4Addr numbered4(std::size_t i) {
  return Octets<4>{239, 3, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
}

Ip6Addr numbered6(std::size_t i) {
  Ip6Addr group("ff15::3:0");
  group.octets[14] = static_cast<std::uint8_t>(i >> 8);
  group.octets[15] = static_cast<std::uint8_t>(i);
  return group;
}

class Membership : public StateTest {
 protected:
  using Audience = std::vector<Who>;
  static inline const Audience kNobody{}, kReceiver{Who::kReceiver};

  Audience hear4(const char* group) {
    return hearers(to_group(kOtherMac, Ip4Addr(kOutside4), Ip4Addr(group)));
  }
  Audience hear6(const char* group) {
    return hearers(to_group(kOtherMac, Ip6Addr(kOutside6), Ip6Addr(group)));
  }
  void receiver_sends(const Bytes& frame, std::optional<Tag> tag = {}) {
    send(Who::kReceiver, frame, tag);
  }
  std::uint32_t number() { return state(Who::kReceiver).groups; }
};
INSTANTIATE_TEST_SUITE_P(All, Membership, ::testing::ValuesIn(bpf_objects()), object_name);

TEST_P(Membership, IgmpV1) {
  EXPECT_EQ(hear4(kGroup4), kNobody);
  receiver_sends(igmp(Igmp::kV1Report, kGroup4));
  EXPECT_EQ(groups(Who::kReceiver), std::vector{mac_of(Ip4Addr(kGroup4))});
  EXPECT_EQ(number(), 1u);
  EXPECT_EQ(hear4(kGroup4), kReceiver);
  EXPECT_EQ(hear4(kUnjoined4), kNobody);
}

TEST_P(Membership, IgmpV2) {
  receiver_sends(igmp(Igmp::kV2Report, kGroup4));
  EXPECT_EQ(hear4(kGroup4), kReceiver);
  receiver_sends(igmp(Igmp::kV2Leave, kGroup4));
  EXPECT_EQ(hear4(kGroup4), kNobody);
  EXPECT_EQ(groups(Who::kReceiver), std::vector<MacAddr>{});
  EXPECT_EQ(number(), 0u);
}

TEST_P(Membership, MldV1) {
  EXPECT_EQ(hear6(kGroup6), kNobody);
  receiver_sends(mld(Mld::kReport, kGroup6));
  EXPECT_EQ(groups(Who::kReceiver), std::vector{mac_of(Ip6Addr(kGroup6))});
  EXPECT_EQ(hear6(kGroup6), kReceiver);
  EXPECT_EQ(hear6(kUnjoined6), kNobody);
  receiver_sends(mld(Mld::kDone, kGroup6));
  EXPECT_EQ(hear6(kGroup6), kNobody);
  EXPECT_EQ(number(), 0u);
}

// The number of reports says nothing: each end of membership is one leave.
TEST_P(Membership, Repeated) {
  for (int i = 0; i < 3; ++i) receiver_sends(igmp(Igmp::kV2Report, kGroup4));
  EXPECT_EQ(number(), 1u);
  for (int i = 0; i < 2; ++i) receiver_sends(igmp(Igmp::kV2Leave, kGroup4));
  EXPECT_EQ(number(), 0u);
  EXPECT_EQ(hear4(kGroup4), kNobody);
  receiver_sends(igmp(Igmp::kV2Report, kGroup4));
  EXPECT_EQ(hear4(kGroup4), kReceiver);
}

// 23 of a group's bits are in its MAC address (RFC 1112, 6.4), or 32 (RFC 2464, 7).
TEST_P(Membership, MacAddressesOfGroups) {
  for (const char* group : {"239.127.1.1", "239.128.1.2", "239.255.255.255", "224.0.0.255"}) {
    SCOPED_TRACE(group);
    EXPECT_EQ(hear4(group), kNobody);
    receiver_sends(igmp(Igmp::kV2Report, group));
    EXPECT_EQ(hear4(group), kReceiver);
  }
  for (const char* group : {"ff15::ff00:0", "ff02::1:ffff:ffff", "ff3e::8000:1"}) {
    SCOPED_TRACE(group);
    EXPECT_EQ(hear6(group), kNobody);
    receiver_sends(mld(Mld::kReport, group));
    EXPECT_EQ(hear6(group), kReceiver);
  }
}

TEST_P(Membership, LeaveOfOneLeavesTheOthers) {
  send(Who::kThird, igmp(Igmp::kV2Report, kGroup4));
  receiver_sends(igmp(Igmp::kV2Report, kGroup4));
  EXPECT_EQ(hear4(kGroup4), (Audience{Who::kReceiver, Who::kThird}));
  receiver_sends(igmp(Igmp::kV2Leave, kGroup4));
  EXPECT_EQ(hear4(kGroup4), Audience{Who::kThird});
}

TEST_P(Membership, TwoGroupsBehindOneMac) {
  ASSERT_EQ(mac_of(Ip4Addr(kGroup4)), mac_of(Ip4Addr(kTwin4)));
  for (const char* group : {kGroup4, kTwin4}) receiver_sends(igmp(Igmp::kV2Report, group));
  EXPECT_EQ(number(), 1u);
  receiver_sends(igmp(Igmp::kV2Leave, kTwin4));
  EXPECT_EQ(hear4(kGroup4), kReceiver);
  receiver_sends(igmp(Igmp::kV2Leave, kGroup4));
  EXPECT_EQ(hear4(kGroup4), kNobody);

  ASSERT_EQ(mac_of(Ip6Addr(kGroup6)), mac_of(Ip6Addr(kTwin6)));
  for (const char* group : {kGroup6, kTwin6}) receiver_sends(mld(Mld::kReport, group));
  EXPECT_EQ(number(), 1u);
  receiver_sends(mld(Mld::kDone, kGroup6));
  EXPECT_EQ(hear6(kTwin6), kReceiver);
  receiver_sends(mld(Mld::kDone, kTwin6));
  EXPECT_EQ(hear6(kTwin6), kNobody);
  EXPECT_EQ(number(), 0u);
}

// What a record makes of a membership (RFC 3376, 4.2.12): whoever wants any source is a member.
enum class Becomes { kMember, kNone, kAsBefore };
struct RecordCase {
  std::uint8_t type;
  bool sources;
  Becomes becomes;
};
constexpr RecordCase kRecords[] = {
    {RecordType::kIsInclude, true, Becomes::kMember},
    {RecordType::kIsInclude, false, Becomes::kAsBefore},
    {RecordType::kIsExclude, true, Becomes::kMember},
    {RecordType::kIsExclude, false, Becomes::kMember},
    {RecordType::kToInclude, true, Becomes::kMember},
    {RecordType::kToInclude, false, Becomes::kNone},
    {RecordType::kToExclude, true, Becomes::kMember},
    {RecordType::kToExclude, false, Becomes::kMember},
    {RecordType::kAllow, true, Becomes::kMember},
    {RecordType::kAllow, false, Becomes::kAsBefore},
    {RecordType::kBlock, true, Becomes::kAsBefore},
    {RecordType::kBlock, false, Becomes::kAsBefore},
    {0, false, Becomes::kAsBefore},
    {7, true, Becomes::kAsBefore},
    {255, true, Becomes::kAsBefore},
};

TEST_P(Membership, RecordTypes) {
  for (const RecordCase& c : kRecords) {
    for (const bool before : {false, true}) {
      SCOPED_TRACE(testing::Message() << "type " << int{c.type} << ", sources " << c.sources
                                      << ", a member before " << before);
      set({.mode = BV_MODE_L2});
      if (before) {
        receiver_sends(igmp(Igmp::kV2Report, kGroup4));
        receiver_sends(mld(Mld::kReport, kGroup6));
      }
      GroupRecord4 record4{.type = c.type, .group = kGroup4};
      GroupRecord6 record6{.type = c.type, .group = kGroup6};
      if (c.sources) {
        record4.sources = {kOutside4, kParent4};
        record6.sources = {kOutside6, kParent6};
      }
      receiver_sends(igmp3({.records = {record4}}));
      receiver_sends(mld2({.records = {record6}}));
      const bool member =
          c.becomes == Becomes::kMember || (c.becomes == Becomes::kAsBefore && before);
      EXPECT_EQ(hear4(kGroup4), member ? kReceiver : kNobody);
      EXPECT_EQ(hear6(kGroup6), member ? kReceiver : kNobody);
      EXPECT_EQ(number(), member ? 2u : 0u);
    }
  }
}

// Each is found behind the sources and auxiliary data of the one before it.
TEST_P(Membership, SeveralRecords) {
  receiver_sends(igmp(Igmp::kV2Report, kUnjoined4));
  receiver_sends(igmp3({.records = {{.group = numbered4(1)},
                                    {.type = RecordType::kAllow,
                                     .group = numbered4(2),
                                     .sources = {"192.0.2.1", "192.0.2.2", "192.0.2.3"},
                                     .auxiliary = Bytes(8, 4)},
                                    {.type = RecordType::kToInclude, .group = kUnjoined4},
                                    {.group = numbered4(3), .auxiliary = Bytes(4, 4)},
                                    {.group = numbered4(4)}}}));
  EXPECT_EQ(groups(Who::kReceiver), (std::vector{mac_of(numbered4(1)), mac_of(numbered4(2)),
                                                 mac_of(numbered4(3)), mac_of(numbered4(4))}));

  set({.mode = BV_MODE_L2});
  receiver_sends(mld(Mld::kReport, kUnjoined6));
  receiver_sends(mld2({.records = {{.group = numbered6(1)},
                                   {.type = RecordType::kAllow,
                                    .group = numbered6(2),
                                    .sources = {"2001:db8::1", "2001:db8::2"},
                                    .auxiliary = Bytes(8, 4)},
                                   {.type = RecordType::kToInclude, .group = kUnjoined6},
                                   {.group = numbered6(3), .auxiliary = Bytes(4, 4)},
                                   {.group = numbered6(4)}}}));
  EXPECT_EQ(groups(Who::kReceiver), (std::vector{mac_of(numbered6(1)), mac_of(numbered6(2)),
                                                 mac_of(numbered6(3)), mac_of(numbered6(4))}));
}

TEST_P(Membership, CutReports) {
  constexpr std::size_t kHead4 = kEthernet + kIpv4 + 4 + kReportHead, kRecord4 = 8;
  constexpr std::size_t kHead6 = kEthernet + kIpv6 + kRouterAlert + kReportHead, kRecord6 = 20;
  const Bytes report4 = igmp3(
      {.records = {{.group = numbered4(1)}, {.group = numbered4(2)}, {.group = numbered4(3)}}});
  const Bytes report6 = mld2(
      {.records = {{.group = numbered6(1)}, {.group = numbered6(2)}, {.group = numbered6(3)}}});
  for (const Bytes& f : cut(report4, kEthernet, report4.size() + 1)) {
    set({.mode = BV_MODE_L2});
    receiver_sends(f);
    EXPECT_EQ(number(), f.size() < kHead4 ? 0 : (f.size() - kHead4) / kRecord4) << f.size();
  }
  for (const Bytes& f : cut(report6, kEthernet, report6.size() + 1)) {
    set({.mode = BV_MODE_L2});
    receiver_sends(f);
    EXPECT_EQ(number(), f.size() < kHead6 ? 0 : (f.size() - kHead6) / kRecord6) << f.size();
  }
  for (const Bytes& whole : {igmp(Igmp::kV1Report, kGroup4), igmp(Igmp::kV2Report, kGroup4),
                             mld(Mld::kReport, kGroup6)}) {
    for (const Bytes& f : cut(whole, kEthernet, whole.size() + 1)) {
      set({.mode = BV_MODE_L2});
      receiver_sends(f);
      EXPECT_EQ(number(), f.size() == whole.size()) << f.size();
    }
  }
}

// Nothing is read beyond what the report has, and nothing that is right before it is lost.
TEST_P(Membership, NumbersThatLie) {
  const std::vector<GroupRecord4> two = {{.group = numbered4(1)}, {.group = numbered4(2)}};
  struct {
    const char* what;
    IgmpV3Report report;
    std::uint32_t joined;
  } const cases[] = {
      {"no record", {.records = two, .number_of_records = 0}, 0},
      {"fewer records", {.records = two, .number_of_records = 1}, 1},
      {"more records", {.records = two, .number_of_records = 3}, 2},
      {"65,535 records", {.records = two, .number_of_records = 65535}, 2},
      {"65,535 sources",
       {.records = {{.group = numbered4(1), .number_of_sources = 65535}, {.group = numbered4(2)}}},
       1},
      {"255 auxiliary words",
       {.records = {{.group = numbered4(1), .auxiliary_words = 255}, {.group = numbered4(2)}}},
       1},
      {"both",
       {.records = {{.group = numbered4(1), .auxiliary_words = 255, .number_of_sources = 65535},
                    {.group = numbered4(2)}}},
       1},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    set({.mode = BV_MODE_L2});
    receiver_sends(igmp3(c.report));
    EXPECT_EQ(number(), c.joined);
  }
  set({.mode = BV_MODE_L2});
  receiver_sends(mld2(
      {.records = {{.group = numbered6(1), .number_of_sources = 65535}, {.group = numbered6(2)}}}));
  EXPECT_EQ(number(), 1u);
  receiver_sends(mld2({.records = {{.group = numbered6(3)}}, .number_of_records = 65535}));
  EXPECT_EQ(number(), 2u);
}

// As many as one frame of 1,500 bytes has room for.
IgmpV3Report many(std::size_t first, std::size_t number, std::uint8_t type) {
  IgmpV3Report report;
  for (std::size_t i = first; i < first + number; ++i)
    report.records.push_back({.type = type, .group = numbered4(i)});
  return report;
}

TEST_P(Membership, ShareOfAnEndpoint) {
  constexpr std::uint32_t kRefused = 44;
  receiver_sends(igmp3(many(0, 180, RecordType::kToExclude)));
  EXPECT_EQ(number(), 180u);
  receiver_sends(igmp3(many(180, BV_ENDPOINT_GROUPS + kRefused - 180, RecordType::kToExclude)));
  EXPECT_EQ(number(), BV_ENDPOINT_GROUPS);
  EXPECT_EQ(groups(Who::kReceiver).size(), BV_ENDPOINT_GROUPS);
  EXPECT_EQ(counted(BV_REASON_GROUP_REFUSED), kRefused);
  EXPECT_EQ(state(Who::kReceiver).groups_refused, kRefused);

  // What it has joined it may join again; and others have shares of their own.
  receiver_sends(igmp3(many(0, 180, RecordType::kIsExclude)));
  send(Who::kThird, igmp(Igmp::kV2Report, kGroup4));
  EXPECT_EQ(counted(BV_REASON_GROUP_REFUSED), kRefused);
  EXPECT_EQ(hear4(kGroup4), Audience{Who::kThird});

  receiver_sends(igmp3(many(0, 1, RecordType::kToInclude)));
  receiver_sends(igmp(Igmp::kV2Report, kGroup4));
  EXPECT_EQ(hear4(kGroup4), (Audience{Who::kReceiver, Who::kThird}));
  EXPECT_EQ(number(), BV_ENDPOINT_GROUPS);
  EXPECT_EQ(counted(BV_REASON_GROUP_REFUSED), kRefused);

  receiver_sends(igmp(Igmp::kV2Leave, kGroup4));
  receiver_sends(igmp3(many(0, 150, RecordType::kToInclude)));
  receiver_sends(igmp3(many(150, 150, RecordType::kToInclude)));
  EXPECT_EQ(number(), 0u);
}

TEST_P(Membership, FullTable) {
  constexpr std::uint32_t kRoom = 8;
  load({.entries = {{"members", kRoom}}});
  receiver_sends(igmp3(many(0, kRoom + 2, RecordType::kToExclude)));
  EXPECT_EQ(number(), kRoom);
  EXPECT_EQ(counted(BV_REASON_GROUP_REFUSED), 2u);
  send(Who::kThird, igmp(Igmp::kV2Report, kGroup4));
  EXPECT_EQ(state(Who::kThird).groups, 0u);
  EXPECT_EQ(state(Who::kThird).groups_refused, 1u);
  EXPECT_EQ(hear4(kGroup4), kNobody);

  receiver_sends(igmp3(many(0, 1, RecordType::kToInclude)));
  send(Who::kThird, igmp(Igmp::kV2Report, kGroup4));
  EXPECT_EQ(hear4(kGroup4), Audience{Who::kThird});
  EXPECT_EQ(counted(BV_REASON_GROUP_REFUSED), 3u);
}

// Everybody is in these without a word, for as long as it is in mode l2.
TEST_P(Membership, GroupsOfEverybody) {
  receiver_sends(igmp(Igmp::kV2Report, kAllHosts));
  receiver_sends(mld(Mld::kReport, kAllNodes));
  EXPECT_EQ(number(), 0u);
  receiver_sends(igmp(Igmp::kV2Leave, kAllHosts));
  EXPECT_EQ(hear4(kAllHosts), (Audience{Who::kSender, Who::kReceiver, Who::kThird}));
}

TEST_P(Membership, IsRememberedInModeL3) {
  set({.mode = BV_MODE_L2, .receiver_mode = BV_MODE_L3});
  receiver_sends(igmp(Igmp::kV2Report, kGroup4));
  EXPECT_EQ(number(), 1u);
  EXPECT_EQ(hear4(kGroup4), kNobody);
  bv_endpoint switched = settings(Who::kReceiver);
  switched.mode = BV_MODE_L2;
  change(Who::kReceiver, switched);
  EXPECT_EQ(hear4(kGroup4), kReceiver);
}

TEST_P(Membership, OtherHeadersAround) {
  const auto v2 = [](const IPv4& ip) {
    return frame(Ethernet{.dst = mac_of(Ip4Addr(kGroup4)), .src = kMac}, ip,
                 Igmp{.group = kGroup4});
  };
  receiver_sends(v2({.dst = kGroup4}));
  EXPECT_EQ(number(), 1u) << "without options";
  set({.mode = BV_MODE_L2});
  receiver_sends(v2({.dst = kGroup4, .options = Bytes(40, 1)}));
  EXPECT_EQ(number(), 1u) << "with 40 bytes of options";
  set({.mode = BV_MODE_L2});
  receiver_sends(frame(
      Ethernet{.dst = mac_of(Ip6Addr(kGroup6)), .src = kMac}, IPv6{.src = "::", .dst = kGroup6},
      HopByHop{.options = {5, 2, 0, 0, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0}}, Mld{.group = kGroup6}));
  EXPECT_EQ(number(), 1u) << "a hop-by-hop header of 16 bytes, and no source address yet";
}

TEST_P(Membership, NoReports) {
  const Bytes report4 = igmp(Igmp::kV2Report, kGroup4), report6 = mld(Mld::kReport, kGroup6);
  receiver_sends(report4, Tag{.tci = 7});
  receiver_sends(report6, Tag{.tci = 5 << 13 | 7});
  receiver_sends(igmp(Igmp::kQuery, kGroup4));
  receiver_sends(mld(Mld::kQuery, kGroup6));
  // To one MAC address; without the router alert option (RFC 3810, 5); another protocol.
  receiver_sends(frame(kShared, IPv4{.dst = kGroup4}, Igmp{.group = kGroup4}));
  receiver_sends(frame(Ethernet{.dst = mac_of(Ip6Addr(kGroup6)), .src = kMac}, IPv6{.dst = kGroup6},
                       Mld{.group = kGroup6}));
  receiver_sends(frame(Ethernet{.dst = mac_of(Ip4Addr(kGroup4)), .src = kMac},
                       IPv4{.dst = kGroup4, .protocol = 17}, Igmp{.group = kGroup4}));
  receiver_sends(frame(Ethernet{.dst = mac_of(Ip6Addr(kGroup6)), .src = kMac}, IPv6{.dst = kGroup6},
                       HopByHop{.options = kRouterAlert6, .next_header = 17},
                       Mld{.group = kGroup6}));
  EXPECT_EQ(number(), 0u);
  // From the wire.
  reason_of(report4);
  reason_of(report6);
  EXPECT_EQ(under_test().keys<bv_member_key>("members").size(), 0u);
}

}  // namespace
}  // namespace bpfvlan::test
