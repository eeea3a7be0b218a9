// SPDX-License-Identifier: MIT
#include "frames/fixed_frames.hpp"

#include <linux/if_packet.h>

#include <algorithm>
#include <set>

#include "frames/fixed_frames_list.hpp"
#include "frames/frame_fields.hpp"

namespace bpfvlan::test {
namespace {

const char* suffix(int type) {
  switch (type) {
    case PACKET_OTHERHOST:
      return "(other host)";
    case PACKET_BROADCAST:
      return "(broadcast)";
    case PACKET_MULTICAST:
      return "(multicast)";
    default:
      return "";
  }
}

// Mode l3s, from the wire: the sockets of an endpoint, or else a stack that has it and drops it:
// the host's, or with us the endpoint's too.
std::string who_got_l3s(const Observation& seen) {
  const auto find = [&](auto test) { return std::find_if(seen.begin(), seen.end(), test); };
  for (const auto& [where, name] :
       {std::pair{"input a", "A"}, std::pair{"input b", "B"}, std::pair{"input h", "H"}})
    if (find([&](const Seen& s) { return s.where == where; }) != seen.end()) return name;
  const auto stack = find([](const Seen& s) { return s.where == "stack P" || at_endpoint(s); });
  return stack == seen.end() ? "" : std::string("host") + suffix(stack->type);
}

std::string receiver(const FrameCase& c, const Seen& s) {
  if (s.type == PACKET_OUTGOING || s.where == "stack h" || at_input(s)) return "";
  if (s.where == "a") return "A";
  if (s.where == "b") return "B";
  if (s.where == "h") return "H";
  if (s.where.starts_with("stack")) return "host";
  if (s.where == "X" && c.at != Place::X) return "wire";
  if (s.where == "Y") return "other-interface";
  return "";
}

}  // namespace

const char* Gets::with(Policy policy) const {
  switch (policy) {
    case BV_POLICY_PRIVATE:
      return private_;
    case BV_POLICY_VEPA:
      return vepa;
    default:
      return bridge;
  }
}

std::vector<FixedFrame> fixed_frames(Mode mode) {
  std::vector<FixedFrame> all;
  if (mode == BV_MODE_L2)
    for (auto* add : {add_rx_frames, add_l2_frames}) add(all);
  else
    for (auto* add : {add_rx_frames, add_rx_group_frames, add_rx_discovery_frames,
                      add_sibling_frames, add_routed_frames, add_broken_frames})
      add(all);
  if (mode == BV_MODE_L3S) add_l3s_frames(all);
  return all;
}

std::string who_got(const FrameCase& c, const Observation& seen, Mode mode) {
  if (mode == BV_MODE_L3S && c.at == Place::X && !seen.empty()) return who_got_l3s(seen);
  std::multiset<std::string> receivers;
  for (const auto& s : seen)
    if (const auto name = receiver(c, s); !name.empty())
      receivers.insert(name + (name == "wire" ? "" : suffix(s.type)));
  std::string out;
  for (const auto& name : receivers) out += (out.empty() ? "" : " ") + name;
  return out;
}

}  // namespace bpfvlan::test
