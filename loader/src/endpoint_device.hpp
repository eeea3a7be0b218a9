// SPDX-License-Identifier: MIT
// The device pair of an endpoint, from nothing to carrying packets.
#pragma once

#include "netlink.hpp"

namespace bpfvlan {

// Keeps the host side silent and lets bpf_fib_lookup() ask about it; before it comes up.
Result<> prepare_host_side(const std::string& name);

// Addresses, up, default routes.
Result<> configure_inner(const Netlink& nl, std::uint32_t ifindex, const EndpointRequest& request);

// The kernel finishes some things in its own time: what is sent before is lost.
Result<> wait_until_running(const Netlink& nl, std::uint32_t ifindex);
Result<> wait_until_local(const Netlink& nl, const IpPrefix& address);

}  // namespace bpfvlan
