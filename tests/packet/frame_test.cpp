// SPDX-License-Identifier: MIT
// The expected bytes are scapy's for the same frames.
#include "bpfvlan/test/frame.hpp"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>
#include <string>

namespace bpfvlan::test {
namespace {

std::string hex(const Bytes& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

struct Golden {
  const char* name;
  Bytes frame;
  const char* expected;
};

class FrameTest : public ::testing::TestWithParam<Golden> {};

TEST_P(FrameTest, EqualsScapy) {
  EXPECT_EQ(hex(GetParam().frame), GetParam().expected);
}

const IPv4 kFlow4{.src = "192.0.2.1", .dst = "192.0.2.2"};
const IPv6 kFlow6{.src = "2001:db8::1", .dst = "2001:db8::2"};

IPv6 neighbor_discovery(const char* src, const char* dst) {
  return {.src = src, .dst = dst, .hop_limit = 255};
}

IPv4 report4(const char* dst) {
  return {.src = kFlow4.src, .dst = dst, .tos = 0xc0, .ttl = 1, .options = kRouterAlert4};
}

IPv6 report6(const char* dst) {
  return {.src = kFlow6.src, .dst = dst, .hop_limit = 1};
}

INSTANTIATE_TEST_SUITE_P(
    Layers, FrameTest,
    ::testing::Values(
        Golden{"udp4",
               frame(Ethernet{},
                     IPv4{.src = "192.0.2.1",
                          .dst = "192.0.2.9",
                          .tos = 4,
                          .id = 7,
                          .dont_fragment = true,
                          .ttl = 1},
                     Udp{}, payload(5)),
               "0200000000010200000000fe080045040021000740000111f5b6c0000201c00002090fa01388000d"
               "2b8301080f161d"},
        Golden{"tcp4_options",
               frame(Ethernet{},
                     IPv4{.src = kFlow4.src, .dst = kFlow4.dst, .options = {0x94, 4, 0, 0}},
                     Tcp{.seq = 1,
                         .ack = 2,
                         .flags = Tcp::kSyn | Tcp::kAck,
                         .options = {2, 4, 0x05, 0xb4}},
                     payload(3)),
               "0200000000010200000000fe08004600003300000000400661bdc0000201c0000202940400000fa0"
               "138800000001000000026012ffffe0dc0000020405b401080f"},
        Golden{"icmp4", frame(Ethernet{}, kFlow4, IcmpEcho{}, payload(4)),
               "0200000000010200000000fe080045000020000000004001f6d9c0000201c00002020800e7df0001"
               "000101080f16"},
        Golden{"fragment4",
               frame(Ethernet{},
                     IPv4{.src = kFlow4.src,
                          .dst = kFlow4.dst,
                          .id = 9,
                          .more_fragments = true,
                          .fragment_offset = 3,
                          .protocol = 17},
                     payload(8)),
               "0200000000010200000000fe08004500001c000920034011d6c1c0000201c000020201080f161d24"
               "2b32"},
        Golden{"udp6_extension_headers",
               frame(Ethernet{},
                     IPv6{.src = kFlow6.src,
                          .dst = kFlow6.dst,
                          .traffic_class = 1,
                          .flow_label = 5,
                          .hop_limit = 3},
                     HopByHop{.options = {5, 2, 0, 0, 1, 0}}, DestinationOptions{},
                     Fragment{.more = true}, Udp{}, payload(6)),
               "0200000000010200000000fe86dd601000050026000320010db80000000000000000000000012001"
               "0db80000000000000000000000023c000502000001002c0001040000000011000001000000010fa0"
               "1388000e53f301080f161d24"},
        Golden{"tcp6", frame(Ethernet{}, kFlow6, Tcp{}),
               "0200000000010200000000fe86dd600000000014064020010db80000000000000000000000012001"
               "0db80000000000000000000000020fa0138800000000000000005002ffff31460000"},
        Golden{"echo6", frame(Ethernet{}, kFlow6, Icmp6Echo{.reply = true}, payload(2)),
               "0200000000010200000000fe86dd60000000000a3a4020010db80000000000000000000000012001"
               "0db80000000000000000000000028100223c000100010108"},
        Golden{"neighbor_solicitation",
               frame(Ethernet{}, neighbor_discovery("::", "ff02::1:ff00:3"),
                     NeighborSolicitation{.target = "2001:db8::3"}),
               "0200000000010200000000fe86dd6000000000183aff00000000000000000000000000000000ff02"
               "00000000000000000001ff00000387004ce90000000020010db8000000000000000000000003"},
        Golden{"neighbor_advertisement",
               frame(Ethernet{}, neighbor_discovery("2001:db8::1", "2001:db8::2"),
                     NeighborAdvertisement{.target = "2001:db8::3",
                                           .target_mac = MacAddr("02:00:00:00:00:fe")}),
               "0200000000010200000000fe86dd6000000000203aff20010db80000000000000000000000012001"
               "0db8000000000000000000000002880089746000000020010db80000000000000000000000030201"
               "0200000000fe"},
        Golden{"igmp_v1",
               frame(Ethernet{}, report4("239.1.1.1"),
                     Igmp{.type = Igmp::kV1Report, .group = "239.1.1.1"}),
               "0200000000010200000000fe080046c000200000000001027214c0000201ef010101940400001200"
               "fdfcef010101"},
        Golden{"igmp_v2_leave",
               frame(Ethernet{}, report4("224.0.0.2"),
                     Igmp{.type = Igmp::kV2Leave, .group = "239.1.1.1"}),
               "0200000000010200000000fe080046c000200000000001028214c0000201e0000002940400001700"
               "f8fcef010101"},
        Golden{"igmp_v3",
               frame(Ethernet{}, report4("224.0.0.22"),
                     IgmpV3Report{.records = {{.group = "239.1.1.1"},
                                              {.type = RecordType::kAllow,
                                               .group = "232.1.1.1",
                                               .sources = {"192.0.2.9", "192.0.2.10"}}}}),
               "0200000000010200000000fe080046c0003800000000010281e8c0000201e0000016940400002200"
               "77e10000000204000000ef01010105000002e8010101c0000209c000020a"},
        Golden{"mld_v1",
               frame(Ethernet{}, report6("ff15::1"), HopByHop{.options = kRouterAlert6},
                     Mld{.group = "ff15::1"}),
               "0200000000010200000000fe86dd600000000020000120010db8000000000000000000000001ff15"
               "00000000000000000000000000013a00050200000100830050c500000000ff150000000000000000"
               "000000000001"},
        Golden{"mld_v1_done",
               frame(Ethernet{}, report6("ff02::2"), HopByHop{.options = kRouterAlert6},
                     Mld{.type = Mld::kDone, .group = "ff15::1"}),
               "0200000000010200000000fe86dd600000000020000120010db8000000000000000000000001ff02"
               "00000000000000000000000000023a0005020000010084004fd700000000ff150000000000000000"
               "000000000001"},
        Golden{"mld_v2",
               frame(Ethernet{}, report6("ff02::16"), HopByHop{.options = kRouterAlert6},
                     MldV2Report{.records = {{.group = "ff15::1"},
                                             {.type = RecordType::kToInclude,
                                              .group = "ff35::1",
                                              .sources = {"2001:db8::9"},
                                              .auxiliary = {1, 2, 3, 4}}}}),
               "0200000000010200000000fe86dd60000000004c000120010db8000000000000000000000001ff02"
               "00000000000000000000000000163a000502000001008f000c940000000204000000ff1500000000"
               "0000000000000000000103010001ff35000000000000000000000000000120010db8000000000000"
               "00000000000901020304"},
        Golden{"qinq_arp",
               frame(Ethernet{}, Vlan{.id = 100, .priority = 3, .tpid = 0x88a8},
                     Vlan{.id = 5, .drop_eligible = true},
                     Arp{.operation = Arp::kReply,
                         .sender_ip = "192.0.2.1",
                         .target_mac = "02:00:00:00:00:01",
                         .target_ip = "192.0.2.2"}),
               "0200000000010200000000fe88a8606481001005080600010800060400020200000000fec0000201"
               "020000000001c0000202"},
        Golden{"mpls", frame(Ethernet{}, Mpls{}, Mpls{.label = 17}, kFlow4),
               "0200000000010200000000fe88470001004000011140450000140000000040fdf5e9c0000201c000"
               "0202"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Frame, DhcpEqualsScapy) {
  const Bytes discover =
      frame(Ethernet{}, IPv4{.src = "0.0.0.0", .dst = "255.255.255.255"},
            Udp{.sport = Dhcp::kClientPort, .dport = Dhcp::kServerPort},
            Dhcp{.xid = 0x01020304,
                 .broadcast = true,
                 .options = {{.code = DhcpOption::kMessageType, .data = {1}},
                             {.code = DhcpOption::kClientId, .data = {1, 2, 0, 0, 0, 0, 0xfe}},
                             {.code = DhcpOption::kPad},
                             {.code = DhcpOption::kEnd}}});
  const std::string padding(2 * (10 + 64 + 128), '0');  // hardware address, names
  EXPECT_EQ(
      hex(discover),
      std::string("0200000000010200000000fe08004500011a00000000401179d400000000ffffffff004400430106"
                  "7734010106000102030400008000000000000000000000000000000000000200000000fe") +
          padding + "638253633501013d07010200000000fe00ff");
}

// What a test writes on purpose stays as it is.
TEST(Frame, KeepsWrongFields) {
  const Bytes ip =
      frame(IPv4{.version = 7, .ihl = 3, .total_length = 9, .checksum = 0xabcd}, Udp{});
  EXPECT_EQ(hex(ip).substr(0, 8), "73000009");
  EXPECT_EQ(hex(ip).substr(20, 4), "abcd");
  const Bytes udp = frame(IPv4{}, Udp{.length = 1, .checksum = 0});
  EXPECT_EQ(hex(udp).substr(48), "00010000");
  EXPECT_EQ(hex(frame(IgmpV3Report{.number_of_records = 9, .checksum = 1})), "2200000100000009");
  EXPECT_EQ(hex(frame(IgmpV3Report{.records = {{.auxiliary_words = 7, .number_of_sources = 8}}}))
                .substr(16, 8),
            "04070008");
  EXPECT_EQ(hex(frame(Ethernet{.ethertype = 0x1234}, IPv4{})).substr(24, 4), "1234");
}

TEST(Frame, HopByHopIsPaddedToEightBytes) {
  for (std::size_t size = 0; size < 20; ++size)
    EXPECT_EQ(frame(HopByHop{.options = Bytes(size)}).size() % 8, 0u) << size;
}

TEST(Frame, ResizedCutsOrPads) {
  EXPECT_EQ(resized({1, 2, 3}, 2), (Bytes{1, 2}));
  EXPECT_EQ(resized({1}, 3), (Bytes{1, 0, 0}));
}

TEST(Address, RefusesWrongText) {
  EXPECT_THROW(Ip4Addr("192.0.2"), std::invalid_argument);
  EXPECT_THROW(Ip6Addr("192.0.2.1"), std::invalid_argument);
  EXPECT_THROW(MacAddr("02:00"), std::invalid_argument);
}

}  // namespace
}  // namespace bpfvlan::test
