// SPDX-License-Identifier: MIT
#include "frames/fixed_frames.hpp"

#include <linux/if_packet.h>

#include <set>

#include "frames/fixed_frames_list.hpp"

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

std::string receiver(const FrameCase& c, const Seen& s) {
  if (s.type == PACKET_OUTGOING || s.where == "stack h") return "";
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
  return all;
}

std::string who_got(const FrameCase& c, const Observation& seen) {
  std::multiset<std::string> receivers;
  for (const auto& s : seen)
    if (const auto name = receiver(c, s); !name.empty())
      receivers.insert(name + (name == "wire" ? "" : suffix(s.type)));
  std::string out;
  for (const auto& name : receivers) out += (out.empty() ? "" : " ") + name;
  return out;
}

}  // namespace bpfvlan::test
