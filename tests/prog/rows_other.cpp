// SPDX-License-Identifier: MIT
// Frames that are not IP, and tags.
#include "row.hpp"

namespace bpfvlan::test {
namespace {

constexpr const char* kPauseMac = "01:80:c2:00:00:01";
constexpr const char* kLldpMac = "01:80:c2:00:00:0e";
constexpr auto kNotIp = BV_REASON_RX_NOT_IP;

IPv4 to_receiver() {
  return {.dst = kReceiver4};
}

Bytes of_type(std::uint16_t ethertype) {
  return frame(Ethernet{.ethertype = ethertype}, to_receiver(), Udp{});
}

const bool kProtocols = add_rows(
    "other",
    std::vector<BothWays>{
        {"unknown_ethertype",
         {of_type(0x88b5), of_type(0xffff), of_type(0x0801), of_type(0x86dc)},
         kNotIp,
         BV_REASON_TX_NOT_IP},
        {"ethernet_802_3", {of_type(46), of_type(0), of_type(0x05dc)}, kNotIp, BV_REASON_TX_NOT_IP},
        {"ethernet_header_alone", {frame(Ethernet{})}, kNotIp, BV_REASON_TX_NOT_IP},
        {"mpls",
         {frame(Ethernet{}, Mpls{}, to_receiver(), Udp{}),
          frame(Ethernet{}, Mpls{}, Mpls{}, to_receiver(), Udp{})},
         kNotIp,
         BV_REASON_TX_NOT_IP},
        {"pause", {frame(Ethernet{.dst = kPauseMac}, Pause{})}, kNotIp, BV_REASON_TX_MULTICAST},
        {"pause_unicast", {frame(Ethernet{}, Pause{})}, kNotIp, BV_REASON_TX_NOT_IP},
        {"lldp", {frame(Ethernet{.dst = kLldpMac}, Lldp{})}, kNotIp, BV_REASON_TX_MULTICAST},
        {"lldp_unicast", {frame(Ethernet{}, Lldp{})}, kNotIp, BV_REASON_TX_NOT_IP},
        // A device takes the outermost tag off a real frame; what it leaves is this.
        {"tag_in_frame",
         {frame(Ethernet{}, Vlan{.id = 7}, to_receiver(), Udp{}),
          frame(Ethernet{}, Vlan{.id = 0}, to_receiver(), Udp{}),
          frame(Ethernet{}, Vlan{.id = 7, .tpid = 0x88a8}, Vlan{.id = 8}, to_receiver(), Udp{})},
         kNotIp,
         BV_REASON_TX_NOT_IP},
    });

constexpr Tag kVlan7{.protocol = 0x8100, .tci = 7};
constexpr Tag kService7{.protocol = 0x88a8, .tci = 7};
constexpr Tag kHighestVlan{.protocol = 0x8100, .tci = 0x0fff};
constexpr Tag kHighestBit{.protocol = 0x8100, .tci = 0x0800};
constexpr Tag kPriority5{.protocol = 0x8100, .tci = 5 << 13};
constexpr Tag kZero{.protocol = 0x8100, .tci = 0};

const std::vector<Bytes> kTagged = {udp4({.dst = kReceiver4}), udp6({.dst = kReceiver6}),
                                    frame(Ethernet{}, Arp{.target_ip = kReceiver4})};

// Beside the frame. Netns: RxRealFrames.vlan_tagged, RxRealFrames.priority_tagged and
// XmitRealFrames.vlan_tagged show that a device hands real tags up like this.
const bool kTags = add_rows(
    "tag",
    std::vector<BothWays>{
        {"vlan", kTagged, BV_REASON_RX_VLAN, BV_REASON_TX_VLAN, 0, kVlan7},
        {"service_vlan", kTagged, BV_REASON_RX_VLAN, BV_REASON_TX_VLAN, 0, kService7},
        {"highest_vlan", kTagged, BV_REASON_RX_VLAN, BV_REASON_TX_VLAN, 0, kHighestVlan},
        {"vlan_of_highest_bit", kTagged, BV_REASON_RX_VLAN, BV_REASON_TX_VLAN, 0, kHighestBit},
        {"priority", kTagged, BV_REASON_RX_DELIVERED, BV_REASON_TX_VLAN, 0, kPriority5},
        {"all_zero", kTagged, BV_REASON_RX_DELIVERED, BV_REASON_TX_VLAN, 0, kZero},
        {"vlan_not_ip",
         {frame(Ethernet{}, Lldp{}), frame(Ethernet{}, Vlan{.id = 8}, to_receiver(), Udp{})},
         BV_REASON_RX_VLAN,
         BV_REASON_TX_VLAN,
         0,
         kVlan7},
    });

}  // namespace
}  // namespace bpfvlan::test
