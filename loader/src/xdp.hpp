// SPDX-License-Identifier: MIT
// Programs on the XDP hook of a device: a link, which goes with the last of its pins.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "bpfvlan/hairpin.hpp"
#include "bpfvlan/unique_fd.hpp"
#include "netlink.hpp"

namespace bpfvlan {

inline constexpr std::string_view kVeth = "veth";

// Who is on the hook, in whichever mode.
struct XdpHolder {
  std::uint32_t id = 0;
  std::string name;
  XdpMode mode = BV_XDP_OFF;
};
Result<std::optional<XdpHolder>> xdp_holder(const Link& link);

// Refused if anybody else's program is there; the sentence says which.
Result<> check_xdp_free(const Link& link);

// In this mode; without one in the one that the device is best in. No link: off.
Result<std::pair<UniqueFd, XdpMode>> attach_xdp(int program, const Link& link,
                                                std::optional<XdpMode> mode);

// Another program in the place of ours: each packet meets the one or the other.
Result<> replace_xdp(int program, const std::string& pin, std::uint32_t ifindex);

}  // namespace bpfvlan
