// SPDX-License-Identifier: MIT
// What counts beside a packet's verdict, in each mode that has it.
#include "l2.hpp"

namespace bpfvlan::test {
namespace {

World in_mode(bv_mode mode) {
  World world{};
  world.mode = mode;
  return world;
}

Bytes report4(const std::vector<GroupRecord4>& records) {
  return frame(Ethernet{.dst = mac_of(Ip4Addr("224.0.0.22")), .src = kMac},
               IPv4{.src = kSender4, .dst = "224.0.0.22", .ttl = 1, .options = kRouterAlert4},
               IgmpV3Report{.records = records});
}

Bytes report6(const std::vector<GroupRecord6>& records) {
  return frame(Ethernet{.dst = mac_of(Ip6Addr("ff02::16")), .src = kMac},
               IPv6{.src = "fe80::2", .dst = "ff02::16", .hop_limit = 1},
               HopByHop{.options = kRouterAlert6}, MldV2Report{.records = records});
}

// What l2 forwards to somebody, l3 routes there; and what l2 floods, l3 drops.
std::vector<Row> notes_in(bv_mode mode, const std::string& prefix) {
  const bool l2 = mode == BV_MODE_L2;
  const bv_reason unicast = l2 ? BV_REASON_TX_FORWARDED : BV_REASON_TX_ROUTED;
  const bv_reason group = l2 ? BV_REASON_TX_FLOODED : BV_REASON_TX_MULTICAST;
  const Ethernet out{.dst = kOtherMac, .src = kMac};
  World full = in_mode(mode), learning = in_mode(mode);
  full.learns = full.shares_used_up = learning.learns = true;
  return with_each_policy(
      {{.name = prefix + "group_refused",
        .frames = {report4({{.group = kGroup4}}), report6({{.group = kGroup6}})},
        .reason = group,
        .world =
            [&] {
              World w = full;
              w.learns = false;
              return w;
            }(),
        .notes = {BV_REASON_GROUP_REFUSED}},
       {.name = prefix + "groups_refused",
        .frames = {report4({{.group = kGroup4}, {.group = "239.1.1.2"}}),
                   report6({{.group = kGroup6}, {.group = "ff15::2"}})},
        .reason = group,
        .world =
            [&] {
              World w = full;
              w.learns = false;
              return w;
            }(),
        .notes = {BV_REASON_GROUP_REFUSED, BV_REASON_GROUP_REFUSED}},
       {.name = prefix + "address_of_a_sibling",
        .frames = {frame(out, IPv4{.src = kReceiver4, .dst = kOutside4}, Udp{}),
                   frame(out, IPv6{.src = kReceiver6, .dst = kOutside6}, Udp{})},
        .reason = unicast,
        .world = learning,
        .notes = {BV_REASON_ADDRESS_REFUSED}},
       {.name = prefix + "no_room_for_address",
        .frames = {frame(out, IPv4{.src = "10.0.0.77", .dst = kOutside4}, Udp{}),
                   frame(out, IPv6{.src = "2001:db8::77", .dst = kOutside6}, Udp{})},
        .reason = unicast,
        .world = full,
        .notes = {BV_REASON_ADDRESS_FULL}},
       // It knows these already, or never learns them.
       {.name = prefix + "nothing_to_learn",
        .frames = {frame(out, IPv4{.src = kSender4, .dst = kOutside4}, Udp{}),
                   frame(out, IPv6{.src = kSender6, .dst = kOutside6}, Udp{}),
                   frame(out, IPv4{.src = "127.0.0.1", .dst = kOutside4}, Udp{})},
        .reason = unicast,
        .world = full}});
}

const bool kL2 = add_rows(Hook::kXmit, "note", notes_in(BV_MODE_L2, "l2_"));
const bool kL3 = add_rows(Hook::kXmit, "note", notes_in(BV_MODE_L3, "l3_"));

// The third endpoint's device is gone.
World gone() {
  World world = in_mode(BV_MODE_L2);
  world.third_has_device = false;
  return world;
}

const bool kLostRx = add_rows(
    Hook::kRx, "note",
    with_each_policy({{.name = "l2_copy_lost",
                       .frames = {to_group(kOtherMac, Ip4Addr(kOutside4), Ip4Addr(kAllHosts)),
                                  arp_request(kOtherMac, kOutside4, kParent4)},
                       .reason = BV_REASON_RX_FLOODED,
                       .world = gone(),
                       .copies = {Who::kSender, Who::kReceiver},
                       .notes = {BV_REASON_COPY_LOST}},
                      {.name = "l2_copy_lost_of_request",
                       .frames = {arp_request(kOtherMac, kOutside4, kThird4),
                                  solicitation(kOtherMac, kOutside6, kThird6)},
                       .reason = BV_REASON_RX_SOLICITED,
                       .world = gone(),
                       .notes = {BV_REASON_COPY_LOST}}}));
const bool kLostXmit =
    add_rows(Hook::kXmit, "note",
             std::vector<Row>{{.name = "l2_copy_lost",
                               .frames = {to_group(kMac, Ip4Addr(kSender4), Ip4Addr(kAllHosts)),
                                          to_group(kMac, Ip6Addr(kSender6), Ip6Addr(kAllNodes))},
                               .reason = BV_REASON_TX_FLOODED,
                               .world = gone(),
                               .copies = {Who::kReceiver},
                               .notes = {BV_REASON_COPY_LOST}}});

}  // namespace
}  // namespace bpfvlan::test
