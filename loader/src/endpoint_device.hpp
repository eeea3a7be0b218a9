// SPDX-License-Identifier: MIT
// The device pair of an endpoint, from nothing to carrying packets.
#pragma once

#include <functional>

#include "bpfvlan/netns.hpp"
#include "netlink.hpp"

namespace bpfvlan {

// Keeps the host side silent and lets bpf_fib_lookup() ask about it; before it comes up.
Result<> prepare_host_side(const std::string& name);

// A netlink socket stays in the namespace it was opened in; the thread comes back.
Result<Netlink> netlink_in(const Netns& ns);

// Addresses, up, default routes.
Result<> configure_inner(const Netlink& nl, std::uint32_t ifindex, const EndpointRequest& request);

// The kernel finishes some things in its own time: what is sent before is lost.
Result<> wait_for(const std::string& what, const std::function<Result<bool>()>& done);
Result<> wait_until_running(const Netlink& nl, std::uint32_t ifindex);
Result<> wait_until_local(const Netlink& nl, const IpPrefix& address);

}  // namespace bpfvlan
