// SPDX-License-Identifier: MIT
// What is refused before anything is touched.
#pragma once

#include "control_impl.hpp"

namespace bpfvlan {

inline constexpr std::uint32_t kMinMtu4 = 68;    // RFC 791
inline constexpr std::uint32_t kMinMtu6 = 1280;  // RFC 8200

// Name, interface name, and what goes together; nothing that asks the kernel.
Result<> check_request(const EndpointRequest& request, const std::string& ifname);
Result<> check_mtu(const EndpointRequest& request, const bv_parent& parent);
// Free: of siblings, of the parent itself, and each given once. What the endpoint with this host
// side has learned is free for it.
Result<> check_addresses(const Control::Impl& c, std::uint32_t parent,
                         const std::vector<IpPrefix>& addresses, std::uint32_t learner = 0);

}  // namespace bpfvlan
