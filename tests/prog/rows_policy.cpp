// SPDX-License-Identifier: MIT
// Policies: between two endpoints the stricter holds; to everybody else they mean nothing.
#include <string>

#include "row.hpp"

namespace bpfvlan::test {
namespace {

const Bytes kArp = frame(Ethernet{}, Arp{.sender_ip = kSender4, .target_ip = kReceiver4});
const Bytes kDad = frame(Ethernet{.dst = "33:33:ff:00:00:03"},
                         IPv6{.src = "::", .dst = "ff02::1:ff00:3", .hop_limit = 255},
                         NeighborSolicitation{.target = kReceiver6});

// [sender][receiver], in the order of kPolicies. V: treated as if there were no sibling.
constexpr char kMatrix[3][4] = {"BVP",   //
                                "VVP",   //
                                "PPP"};  //

// `otherwise`: what a packet for no sibling ends with.
std::vector<Row> matrix(const std::string& name, const std::vector<Bytes>& frames,
                        bv_reason otherwise) {
  std::vector<Row> rows;
  for (std::size_t s = 0; s < 3; ++s) {
    for (std::size_t r = 0; r < 3; ++r) {
      Row& row = rows.emplace_back();
      row.name = name + "_" + kPolicies[s].name + "_to_" + kPolicies[r].name;
      row.frames = frames;
      row.reason = kMatrix[s][r] == 'B'   ? BV_REASON_TX_SIBLING
                   : kMatrix[s][r] == 'P' ? BV_REASON_TX_PRIVATE
                                          : otherwise;
      row.world.sender = kPolicies[s].policy;
      row.world.receiver = kPolicies[r].policy;
    }
  }
  return rows;
}

const bool kPairs4 =
    add_rows(Hook::kXmit, "pair",
             matrix("ipv4", {udp4({.src = kSender4, .dst = kReceiver4})}, BV_REASON_TX_ROUTED));
const bool kPairs6 =
    add_rows(Hook::kXmit, "pair",
             matrix("ipv6", {udp6({.src = kSender6, .dst = kReceiver6})}, BV_REASON_TX_ROUTED));
const bool kPairsArp = add_rows(Hook::kXmit, "pair", matrix("arp", {kArp}, BV_REASON_TX_NOT_IP));
const bool kPairsDad = add_rows(Hook::kXmit, "pair", matrix("dad", {kDad}, BV_REASON_TX_MULTICAST));

// The sender's policy is the only one there is.
const bool kItself = add_rows(Hook::kXmit, "itself",
                              std::vector<Row>{
                                  {.name = "vepa",
                                   .frames = {udp4({.src = kSender4, .dst = kSender4})},
                                   .reason = BV_REASON_TX_ROUTED,
                                   .world = {.sender = BV_POLICY_VEPA}},
                                  {.name = "private",
                                   .frames = {udp4({.src = kSender4, .dst = kSender4})},
                                   .reason = BV_REASON_TX_PRIVATE,
                                   .world = {.sender = BV_POLICY_PRIVATE}},
                              });

const bool kAnyPolicyXmit = add_rows(
    Hook::kXmit, "any_policy",
    with_each_policy({
        {.name = "routed",
         .frames = {udp4({.dst = kOutside4}), udp6({.dst = kOutside6})},
         .reason = BV_REASON_TX_ROUTED},
        {.name = "host", .frames = {udp6({.dst = kParent6})}, .reason = BV_REASON_TX_HOST},
        {.name = "malformed",
         .frames = {udp4({.dst = kReceiver4, .ihl = 4}), udp6({.dst = kReceiver6, .version = 5})},
         .reason = BV_REASON_TX_MALFORMED},
        {.name = "multicast",
         .frames = {udp4({.dst = "224.0.0.1"}), udp6({.dst = "ff02::1"})},
         .reason = BV_REASON_TX_MULTICAST},
        {.name = "not_ip", .frames = {frame(Ethernet{}, Lldp{})}, .reason = BV_REASON_TX_NOT_IP},
        {.name = "vlan",
         .frames = {udp4({.dst = kReceiver4})},
         .reason = BV_REASON_TX_VLAN,
         .tag = Tag{.tci = 7}},
        {.name = "truncated",
         .frames = {resized(udp4({.dst = kReceiver4}), 20)},
         .reason = BV_REASON_TX_TRUNCATED},
    }));

const bool kAnyPolicyRx = add_rows(
    Hook::kRx, "any_policy",
    with_each_policy({
        {.name = "delivered",
         .frames = {udp4({.dst = kReceiver4}), udp6({.dst = kReceiver6}), kArp, kDad},
         .reason = BV_REASON_RX_DELIVERED},
        // The policies are about pairs, so a sibling's address as source changes nothing.
        {.name = "delivered_from_sibling",
         .frames = {udp4({.src = kSender4, .dst = kReceiver4})},
         .reason = BV_REASON_RX_DELIVERED},
        {.name = "no_endpoint",
         .frames = {udp4({.dst = kOutside4})},
         .reason = BV_REASON_RX_NO_ENDPOINT},
        {.name = "other_host",
         .frames = {frame(Ethernet{.dst = kOtherMac}, IPv4{.dst = kReceiver4}, Udp{})},
         .reason = BV_REASON_RX_OTHER_HOST},
        {.name = "vlan",
         .frames = {udp4({.dst = kReceiver4})},
         .reason = BV_REASON_RX_VLAN,
         .tag = Tag{.tci = 7}},
        {.name = "not_ip", .frames = {frame(Ethernet{}, Lldp{})}, .reason = BV_REASON_RX_NOT_IP},
        {.name = "malformed",
         .frames = {udp4({.dst = kReceiver4, .ihl = 4})},
         .reason = BV_REASON_RX_MALFORMED},
    }));

}  // namespace
}  // namespace bpfvlan::test
