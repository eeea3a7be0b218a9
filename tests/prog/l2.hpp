// SPDX-License-Identifier: MIT
// Frames that the l2 rows share. Behind the shared MAC address everybody sends from it.
#pragma once

#include <string>
#include <vector>

#include "row.hpp"

namespace bpfvlan::test {

inline constexpr const char* kBroadcastMac = "ff:ff:ff:ff:ff:ff";
inline constexpr const char* kZeroMac = "00:00:00:00:00:00";
inline constexpr const char* kPauseMac = "01:80:c2:00:00:01";
inline constexpr const char* kAllHosts = "224.0.0.1";
inline constexpr const char* kAllNodes = "ff02::1";
inline constexpr const char* kGroup4 = "239.1.1.1";  // joined() joins these
inline constexpr const char* kGroup6 = "ff15::1:1";
inline constexpr const char* kUnjoined4 = "224.0.0.251";
inline constexpr const char* kUnjoined6 = "ff02::fb";

// Of frames that one endpoint sends to another, and of frames that come from outside.
inline const Ethernet kShared{.dst = kMac, .src = kMac};

// RFC 1112, 6.4; RFC 2464, 7.
MacAddr mac_of(const Ip4Addr& group);
MacAddr mac_of(const Ip6Addr& group);
Ip6Addr solicited_node(const Ip6Addr& target);  // RFC 4291, 2.7.1

Bytes to_group(const char* from_mac, const Ip4Addr& src, const Ip4Addr& group);
Bytes to_group(const char* from_mac, const Ip6Addr& src, const Ip6Addr& group);

// To everybody, as RFC 826 has it.
Bytes arp_request(const char* from_mac, const char* sender, const char* target);

// To the solicited-node group, as RFC 4861, 7.2.2 and RFC 4862, 5.4.2 have it.
Bytes solicitation(const char* from_mac, const char* sender, const char* target);
Bytes dad_solicitation(const char* from_mac, const char* target);

// Reports by which `who` joins kGroup4 and kGroup6.
std::vector<Sent> joined(const std::vector<Who>& who);

struct Pair {
  bv_policy sender, receiver;
  std::string name;  // "bridge_to_vepa"
};
std::vector<Pair> all_pairs();

// A row for each pair of policies, with the reason of the stricter one.
std::vector<Row> with_each_pair(const Row& row, bv_reason bridge, bv_reason vepa,
                                bv_reason isolated);

}  // namespace bpfvlan::test
