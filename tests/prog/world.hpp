// SPDX-License-Identifier: MIT
// The small world of the suite: one parent, an endpoint that sends, one that receives, a third one,
// an endpoint of another parent, and the addresses of each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bpfvlan/schema.h"
#include "bpfvlan/test/address.hpp"

namespace bpfvlan::test {

class Devices;
class Programs;

// Of the parent and, as the control plane sets it, of every host side.
inline constexpr const char* kMac = "02:00:00:00:00:01";
inline constexpr const char* kOtherMac = "02:00:00:00:00:99";

inline constexpr const char* kParent4 = "10.0.0.1";
inline constexpr const char* kSender4 = "10.0.0.2";
inline constexpr const char* kReceiver4 = "10.0.0.3";
inline constexpr const char* kReceiverLinkLocal4 = "169.254.0.3";
inline constexpr const char* kThird4 = "10.0.0.6";
inline constexpr const char* kForeign4 = "10.0.0.4";
inline constexpr const char* kOutside4 = "192.0.2.9";

inline constexpr const char* kParent6 = "2001:db8::1";
inline constexpr const char* kSender6 = "2001:db8::2";
inline constexpr const char* kReceiver6 = "2001:db8::3";
inline constexpr const char* kReceiverLinkLocal6 = "fe80::3";
inline constexpr const char* kThird6 = "2001:db8::6";
inline constexpr const char* kForeign6 = "2001:db8::4";
inline constexpr const char* kOutside6 = "2001:db8:ffff::9";      // has a route by the parent
inline constexpr const char* kByOther6 = "2001:db8:eeee::9";      // by another interface
inline constexpr const char* kUnreachable6 = "2001:db8:dead::9";  // by an "unreachable" route
inline constexpr const char* kUnrouted6 = "2001:db9::9";

// Indices into `ep_counters`; 0 stays unused, so that a wrong one shows.
inline constexpr std::uint32_t kSenderId = 3, kReceiverId = 5, kThirdId = 6, kForeignId = 7,
                               kIds = 8;

// Of each family, all parents together.
inline constexpr std::uint32_t kAddresses = 5;

// Behind the parent's place in `group_chunks`; 0 stays unused here too.
inline constexpr std::uint32_t kParentIndex = 2, kOtherIndex = 3;

inline constexpr std::uint32_t kLearnAge = 300;  // seconds
inline constexpr std::uint32_t kNoDevice = 1'000'000;

// The endpoints of the parent.
enum class Who { kSender, kReceiver, kThird };

struct Sent {
  Who from = Who::kReceiver;
  Bytes frame{};
};

// Rules as people write them.
struct Chain {
  std::vector<std::string> rules{};
  bv_target policy = BV_TARGET_ACCEPT;
};

enum class FilterProgram { kThere, kMissing };

// What of it differs from row to row.
struct World {
  bv_mode mode = BV_MODE_L3;
  bv_policy sender = BV_POLICY_BRIDGE;
  bv_policy receiver = BV_POLICY_BRIDGE;
  bool receiver_in_parent_netns = false;
  std::optional<bv_mode> receiver_mode{};  // if it is another
  bool third_has_device = true;            // else it cannot be given anything
  std::vector<Sent> sent_before{};         // reports, DHCP requests
  bool learns = false;                     // the sender
  bool shares_used_up = false;   // the sender has joined and learned what one endpoint may
  std::optional<bool> filter{};  // of all endpoints; by default as their mode has it
  Chain input{}, output{};       // of the parent; endpoints are "sender", "receiver"
  FilterProgram filter_program = FilterProgram::kThere;
  bool table_full = false;                 // of assured connections
  bool xdp = false;                        // in front of the parent's other programs
  std::optional<std::uint32_t> xdp_mtu{};  // the receiver takes XDP, frames of so many bytes of IP
  bool xdp_device = true;                  // its device is in the map of those
};

// Of the clock that `seen` counts by.
std::uint32_t seconds_now();

std::uint32_t id_of(Who who);
std::uint32_t device_of(Who who, const Devices& devices);

// As if the sender's device were that of the endpoint with this id.
void send_as(std::uint32_t id, const Bytes& frame, const Devices& devices, Programs& programs);

// Writes it into the maps, in place of what frames have taught.
void install(const World& world, const Devices& devices, Programs& programs);

}  // namespace bpfvlan::test
