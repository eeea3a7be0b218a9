// SPDX-License-Identifier: MIT
#include <linux/if_packet.h>
#include <netinet/in.h>

#include <optional>

#include "frames/differences_list.hpp"
#include "frames/frame_fields.hpp"
#include "frames/groups.hpp"

namespace bpfvlan::test {
namespace {

bool is_endpoints(const Seen& s) {
  return at_endpoint(s) || s.where == "stack h";
}

const Seen* find(const Observation& seen, std::string_view where, bool outgoing) {
  const auto it = std::find_if(seen.begin(), seen.end(), [&](const Seen& s) {
    return s.where == where && (s.type == PACKET_OUTGOING) == outgoing;
  });
  return it == seen.end() ? nullptr : &*it;
}

bool left_by_wire(const Observation& seen) {
  return find(seen, "P", true);
}

// To the shared MAC address, or to any that it comes from: what the driver looks at more closely.
bool to_its_source(const Bytes& frame) {
  return frame.size() >= kEthernet &&
         std::equal(frame.begin(), frame.begin() + 6, frame.begin() + 6);
}

// Of the endpoints these alone get it, as it came by this interface.
bool heard_by(Observation& seen, const Seen* like, const std::vector<Place>& who) {
  Observation now = seen;
  std::erase_if(now, is_endpoints);
  if (like)
    for (const auto place : who) {
      now.push_back(*like);
      now.back().where = interface_of(place);
      if (place != Place::H) continue;
      now.push_back(*like);
      now.back().where = "stack h";
      now.back().tag.reset();
    }
  std::sort(now.begin(), now.end());
  std::sort(seen.begin(), seen.end());
  const bool changed = now != seen;
  seen = std::move(now);
  return changed;
}

bool from_group(const Bytes& frame) {
  return frame.size() >= kEthernet && (frame[6] & 1);
}

// By the parent, to a group, from whom may send.
bool group_arrived(const FrameCase& c, const Observation& seen) {
  return arrived(seen) && to_group(c.frame) && !from_group(c.frame);
}

bool comes_back(const FrameCase& c) {
  return has(c.frame, 6, MacAddr(kMacP));
}

// No host has a group's MAC address: an endpoint could send past the policies by one.
bool rx_group_source(const FrameCase& c, Observation& seen) {
  if (!arrived(seen) || !to_group(c.frame) || !from_group(c.frame)) return false;
  return heard_by(seen, nullptr, {});
}

// From the wire, a request goes to the one it asks for, and to the host.
bool rx_solicited(const FrameCase& c, Observation& seen) {
  const auto who = asked_for(c.frame);
  if (!group_arrived(c, seen) || !who || (comes_back(c) && sender_of(c.frame))) return false;
  return heard_by(seen, find(seen, "P", false), {*who});
}

// With vepa, siblings hear a group's frame when it comes back; the sender does not.
bool rx_reflected(const FrameCase& c, Observation& seen) {
  const auto sender = sender_of(c.frame);
  if (!group_arrived(c, seen) || !comes_back(c) || !sender) return false;
  auto who = members(c.frame);
  const auto asked = asked_for(c.frame);
  if (asked && asked != sender) who = {*asked};
  std::erase(who, *sender);
  return heard_by(seen, find(seen, "P", false), who);
}

// With private, it is no use to lie about one's address.
bool rx_reflected_unknown(const FrameCase& c, Observation& seen) {
  if (!group_arrived(c, seen) || !comes_back(c) || sender_of(c.frame)) return false;
  return heard_by(seen, nullptr, {});
}

// A request for a sibling's address is the sibling's alone.
bool xmit_solicited(Policy policy, const FrameCase& c, Observation& seen) {
  const auto who = asked_for(c.frame);
  if (!is_endpoint(c.at) || !to_group(c.frame) || !left_by_wire(seen) || !who || *who == c.at)
    return false;
  switch (policy) {
    case BV_POLICY_PRIVATE:
      return dropped(seen);
    case BV_POLICY_VEPA:
      return heard_by(seen, nullptr, {});
    case BV_POLICY_BRIDGE:
      break;
  }
  const auto* at_x = find(seen, "X", false);
  if (!at_x) return false;
  const Seen like = *at_x;
  seen.clear();
  return heard_by(seen, &like, {*who});
}

// The policy holds for groups too.
bool xmit_group(const FrameCase& c, Observation& seen) {
  if (!is_endpoint(c.at) || !to_group(c.frame) || !left_by_wire(seen)) return false;
  return heard_by(seen, nullptr, {});
}

// The driver does not look behind a tag before the frame is in the parent, where no policy is.
bool priority_tag(const FrameCase& c, Observation& seen) {
  return is_endpoint(c.at) && to_its_source(c.frame) && has_priority_tag(c.frame) &&
         meant_for(c.frame) && dropped(seen);
}

// The driver counts the Ethernet header as 14 bytes of what is behind it: it may take what lies
// behind the frame for a sibling's address.
bool is_cut(const Bytes& frame) {
  const auto size = frame.size() - kEthernet;
  constexpr std::size_t kArp = 28, kSolicitation = kIpv6 + 24;
  switch (ethertype(frame)) {
    case ETHERTYPE_IP:
      return size < kIpv4;
    case ETHERTYPE_ARP:
      return size < kArp;
    case ETHERTYPE_IPV6:
      return size < kIpv6 ||
             (size < kSolicitation && frame[20] == IPPROTO_ICMPV6 && has(frame, 22, Ip6Addr()));
    default:
      return false;
  }
}

int type_of(const Bytes& frame) {
  if (has(frame, 0, MacAddr(kMacP))) return PACKET_HOST;
  if (!to_group(frame)) return PACKET_OTHERHOST;
  return has(frame, 0, MacAddr("ff:ff:ff:ff:ff:ff")) ? PACKET_BROADCAST : PACKET_MULTICAST;
}

bool cut_header(const FrameCase& c, Observation& seen) {
  if (!is_endpoint(c.at) || !to_its_source(c.frame) || arrived(seen) || left_by_wire(seen) ||
      !is_cut(c.frame))
    return false;
  Seen s{.where = "P", .type = type_of(c.frame), .frame = c.frame};
  seen = {s};
  s.where = "stack P";
  seen.push_back(s);
  if (to_group(c.frame)) heard_by(seen, find(seen, "P", false), members(c.frame));
  return true;
}

// The device pair takes the tag off, and drops what has none of its type behind it.
bool cut_tag(const FrameCase& c, Observation& seen) {
  constexpr std::size_t kLeast = 20;
  const auto type = ethertype(c.frame);
  if (!is_endpoint(c.at) || (type != ETHERTYPE_VLAN && type != 0x88a8)) return false;
  return c.frame.size() < kLeast && dropped(seen);
}

}  // namespace

bool without_collisions(const Setting& setting, const FrameCase& c, Observation& ipvlan) {
  if (setting.mode != BV_MODE_L2 || !to_group(c.frame)) return false;
  // Delivered for its IP address.
  if (is_endpoint(c.at) && to_its_source(c.frame) && setting.policy != BV_POLICY_VEPA &&
      !arrived(ipvlan))
    return false;
  const auto collides = [&](const Seen& s) {
    if (s.where == "a") return !has_joined(Place::A, c.frame);
    if (s.where == "b") return !has_joined(Place::B, c.frame);
    return is_endpoints(s) && !has_joined(Place::H, c.frame);
  };
  return std::erase_if(ipvlan, collides) > 0;
}

Differences differences_l2(Policy policy) {
  Differences all{
      {"rx_group_source", rx_group_source},
      {"rx_solicited", rx_solicited},
      {"xmit_sibling_discovery",
       [policy](const FrameCase& c, Observation& seen) { return xmit_solicited(policy, c, seen); }},
      {"rx_other_host", other_host},
      {"rx_vlan", in_vlan},
      {"xmit_cut_header", cut_header},
      {"xmit_lying_segments", lying_segments},
      {"xmit_cut_tag", cut_tag},
  };
  const auto add = [&](const char* row, auto apply) { all.push_back({row, apply}); };
  if (policy == BV_POLICY_VEPA) add("rx_reflected", rx_reflected);
  if (policy == BV_POLICY_PRIVATE) {
    add("rx_reflected_unknown", rx_reflected_unknown);
    add("xmit_priority_tag", priority_tag);
  }
  if (policy != BV_POLICY_BRIDGE) add("xmit_group_policy", xmit_group);
  return all;
}

}  // namespace bpfvlan::test
