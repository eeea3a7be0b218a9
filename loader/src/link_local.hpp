// SPDX-License-Identifier: MIT
#pragma once

#include "bpfvlan/netns.hpp"
#include "netlink.hpp"

namespace bpfvlan {

// To be called when an interface that is up has got IPv6 back: with a larger MTU, say.
Result<> renew_link_local(const Netns& ns, const Netlink& nl, std::uint32_t ifindex);

}  // namespace bpfvlan
