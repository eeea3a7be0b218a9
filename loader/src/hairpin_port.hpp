// SPDX-License-Identifier: MIT
// The programs and maps of one hairpin port, pinned together in one directory.
#pragma once

#include <string>
#include <vector>

#include "bpf_map.hpp"
#include "bpfvlan/hairpin.hpp"
#include "netlink.hpp"

namespace bpfvlan {

class HairpinPort {
 public:
  // Attached, and the directory there with everything in it; or neither. Without a mode, the one
  // that the device is best in.
  static Result<HairpinPort> create(const std::string& dir, const Link& link,
                                    std::optional<XdpMode> mode,
                                    const std::vector<IpPrefix>& addresses, bool owns_clsact);
  // Refuses maps of another version.
  static Result<HairpinPort> open(const std::string& dir);
  // Off the device too, if that is still there. The qdisc stays.
  static Result<> remove(const std::string& dir);

  // Of pins that may be of another version, or not all there: a link has lost its device. On clsact
  // without XDP there is no link to ask.
  static bool dead(const std::string& dir);

  const bv_hairpin_port& value() const { return value_; }
  bool tc_attached() const;
  // What of it can change while frames pass.
  Result<> follow(const Link& link);
  Result<> repair(bool owns_clsact);
  Result<std::vector<IpPrefix>> addresses() const;
  Result<> set_addresses(const std::vector<IpPrefix>& wanted) const;

  Result<HairpinInfo> info() const;

 private:
  Result<> write(const bv_hairpin_port& value);
  Result<> attach_tc() const;

  std::string dir_;
  bv_hairpin_port value_{};
  BpfMap<std::uint32_t, bv_hairpin_port> port_;
  BpfMap<bv_hairpin_prefix, std::uint32_t> prefixes_;
  BpfMap<bv_hairpin_station, std::uint32_t> stations_;
  BpfMap<std::uint32_t, bv_hairpin_count> counts_;
};

}  // namespace bpfvlan
