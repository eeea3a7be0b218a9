// SPDX-License-Identifier: MIT
#include "endpoint_device.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/socket.h>

#include <chrono>
#include <set>
#include <thread>

#include "bpfvlan/unique_fd.hpp"

namespace bpfvlan {
namespace {

// The kernel's work queue for IPv6 addresses is one for all namespaces, and waits for the lock that
// all changes of interfaces take: on a machine that makes thousands of them it is seconds late.
constexpr std::chrono::seconds kPatience{30};

}  // namespace

// Polls: the kernel finishes some things in its own time, and says so only when asked.
Result<> wait_for(const std::string& what, const std::function<Result<bool>()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    BV_TRY(const bool yes, done());
    if (yes) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return refuse(std::errc::timed_out,
                fmt::format("{} is not ready after {} seconds", what, kPatience.count()));
}

Result<Netlink> netlink_in(const Netns& ns) {
  BV_TRY(const auto in, InNetns::enter(ns.fd()));
  return Netlink::open();
}

// The host side needs no addresses and must stay silent: what its own IPv6 would send (MLD, router
// solicitations) would reach the endpoint. Forwarding is asked for by bpf_fib_lookup(), of this
// interface alone; no other's is touched.
Result<> prepare_host_side(const std::string& name) {
  const auto dir = fmt::format("/proc/sys/net/ipv6/conf/{}", name);
  if (access("/proc/sys/net/ipv6", F_OK)) return {};  // no IPv6 in this kernel or namespace
  for (const auto* setting : {"disable_ipv6", "forwarding"}) {
    const auto path = fmt::format("{}/{}", dir, setting);
    UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) {
      if (errno == ENOENT) return {};  // an MTU below 1,280: no IPv6 on this interface
      return fail(errno, path);
    }
    if (::write(fd.get(), "1", 1) != 1) return fail(errno, path);
  }
  return {};
}

// A device that has its carrier drops what it sends until the kernel's link watch has switched its
// queue on, which is when its operational state is "up".
Result<> wait_until_running(const Netlink& nl, std::uint32_t ifindex) {
  return wait_for(fmt::format("interface {}", ifindex), [&]() -> Result<bool> {
    BV_TRY(const auto link, nl.link(ifindex));
    if (!link)
      return refuse(std::errc::no_such_device, fmt::format("interface {} is gone", ifindex));
    return link->running;
  });
}

// An IPv6 address gets its local route from a work queue, duplicate address detection or not.
Result<> wait_until_local(const Netlink& nl, const IpPrefix& address) {
  if (address.family == AF_INET) return {};
  return wait_for(fmt::format("address {}", address.address()),
                  [&] { return nl.is_local(address); });
}

Result<> configure_inner(const Netlink& nl, std::uint32_t ifindex, const EndpointRequest& request) {
  for (const auto& address : request.addresses) BV_CHECK(nl.add_address(ifindex, address));
  BV_CHECK(nl.set_up(ifindex));
  if (!request.default_route) return {};
  std::set<int> families;
  for (const auto& address : request.addresses) families.insert(address.family);
  for (const auto family : families) BV_CHECK(nl.add_default_route(ifindex, family));
  return {};
}

}  // namespace bpfvlan
