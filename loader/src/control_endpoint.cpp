// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstring>
#include <functional>
#include <set>
#include <thread>

#include "control_impl.hpp"
#include "undo.hpp"

namespace bpfvlan {
namespace {

constexpr std::uint32_t kMinMtu4 = 68;    // RFC 791
constexpr std::uint32_t kMinMtu6 = 1280;  // RFC 8200

Result<> check_name(const std::string& name) {
  const bool good = !name.empty() && name.size() < BV_NAME_LEN && name[0] != '-' &&
                    std::all_of(name.begin(), name.end(), [](unsigned char c) {
                      return isalnum(c) || std::strchr("_.:-", c);
                    });
  if (good) return {};
  return refuse(std::errc::invalid_argument,
                fmt::format("'{}' is no endpoint name: 1 to {} letters, digits, '_', '.', ':' or "
                            "'-', not '-' first",
                            name, BV_NAME_LEN - 1));
}

// The kernel's dev_valid_name(), net/core/dev.c.
Result<> check_ifname(const std::string& name) {
  const bool good = !name.empty() && name.size() < BV_IFNAME_LEN && name != "." && name != ".." &&
                    std::none_of(name.begin(), name.end(), [](unsigned char c) {
                      return c == '/' || c == ':' || isspace(c);
                    });
  if (good) return {};
  return refuse(std::errc::invalid_argument,
                fmt::format("'{}' is no interface name (1 to {} characters, no '/', ':' or space): "
                            "give one with --ifname",
                            name, BV_IFNAME_LEN - 1));
}

Result<> check_mtu(const EndpointRequest& request, const bv_parent& parent) {
  if (!request.mtu) return {};
  const bool has6 = std::any_of(request.addresses.begin(), request.addresses.end(),
                                [](const auto& a) { return a.family == AF_INET6; });
  const auto least = has6 ? kMinMtu6 : kMinMtu4;
  if (*request.mtu >= least && *request.mtu <= parent.mtu) return {};
  return refuse(std::errc::invalid_argument,
                fmt::format("MTU {} is not within {} and the MTU {} of '{}'", *request.mtu, least,
                            parent.mtu, parent.ifname));
}

Result<> check_addresses(const Control::Impl& c, std::uint32_t parent,
                         const std::vector<IpPrefix>& addresses) {
  if (addresses.empty()) return {};
  BV_TRY(const auto parents_own, c.nl.addresses(parent));
  for (auto a = addresses.begin(); a != addresses.end(); ++a) {
    const auto same = [&](const IpPrefix& other) { return other.same_address(*a); };
    if (std::any_of(addresses.begin(), a, same))
      return refuse(std::errc::address_in_use,
                    fmt::format("address {} is given twice", a->address()));
    BV_TRY(const auto* owner, c.owner(parent, *a));
    if (owner)
      return refuse(std::errc::address_in_use,
                    fmt::format("address {} belongs to endpoint '{}'", a->address(), owner->name));
    if (std::any_of(parents_own.begin(), parents_own.end(), same))
      return refuse(std::errc::address_in_use,
                    fmt::format("address {} belongs to the parent itself", a->address()));
  }
  return {};
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

// Polls: the kernel finishes some things in its own time, and says so only when asked.
Result<> wait_for(const std::string& what, const std::function<Result<bool>()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < deadline) {
    BV_TRY(const bool yes, done());
    if (yes) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return refuse(std::errc::timed_out, fmt::format("{} is not ready after 10 seconds", what));
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

}  // namespace

Result<Netlink> Control::Impl::inner_netlink(const bv_endpoint& ep) const {
  if (ep.in_parent_netns) return Netlink::open();
  BV_TRY(const auto ns, Netns::find(ep.netns_cookie, ep.netns_inode, ep.netns));
  BV_TRY(const auto in, InNetns::enter(ns.fd()));
  return Netlink::open();
}

Result<> Control::add_endpoint(const EndpointRequest& request) {
  auto& c = *impl_;
  // All that can be refused without touching anything.
  const auto ifname = request.ifname.value_or(request.name);
  BV_CHECK(check_name(request.name));
  BV_CHECK(check_ifname(ifname));
  if (const auto taken = c.find_endpoint(request.name))
    return refuse(std::errc::file_exists, fmt::format("endpoint '{}' exists", request.name));
  if (request.default_route && request.addresses.empty())
    return refuse(std::errc::invalid_argument, "a default route needs an address of its family");
  BV_TRY(auto inner_ns, request.netns ? Netns::open(*request.netns) : Netns::current());
  if (request.netns && request.netns->size() >= BV_NETNS_LEN)
    return refuse(
        std::errc::filename_too_long,
        fmt::format("the path of a namespace has at most {} characters", BV_NETNS_LEN - 1));

  Undo undo;
  BV_TRY(const auto link, c.nl.link(request.parent));
  if (!link || !c.parents.contains(link->ifindex)) {
    AttachRequest attach_request;
    attach_request.parent = request.parent;
    BV_CHECK(attach(attach_request));
    undo.push([&] { (void)detach(request.parent, false); });
  }
  const auto parent = link->ifindex;
  const auto& settings = c.parents.at(parent);
  BV_CHECK(check_mtu(request, settings));
  BV_CHECK(check_addresses(c, parent, request.addresses));
  const auto id = c.free_id();
  if (!id)
    return refuse(std::errc::no_space_on_device,
                  fmt::format("there are {} endpoints, as many as `attach --max-endpoints` allows",
                              c.endpoints.size()));

  bv_endpoint ep{};
  ep.id = *id;
  ep.parent = parent;
  ep.mode = request.mode.value_or(settings.mode);
  ep.policy = request.policy.value_or(settings.policy);
  ep.own_mode = request.mode.has_value();
  ep.own_policy = request.policy.has_value();
  ep.own_mtu = request.mtu.has_value();
  ep.mtu = request.mtu.value_or(settings.mtu);
  ep.device = BV_DEVICE_VETH;
  ep.netns_cookie = inner_ns.cookie();
  ep.netns_inode = inner_ns.inode();
  ep.in_parent_netns = inner_ns.cookie() == c.parent_netns.cookie();
  copy_text(ep.name, request.name);
  copy_text(ep.inner_ifname, ifname);
  copy_text(ep.netns, request.netns.value_or(""));
  BV_CHECK(c.dp->ep_counters.zero_per_cpu(ep.id));

  // The device pair.
  BV_TRY(const auto inner_nl, [&]() -> Result<Netlink> {
    BV_TRY(const auto in, InNetns::enter(inner_ns.fd()));
    return Netlink::open();
  }());
  BV_TRY(const auto taken, inner_nl.link(ifname));
  if (taken)
    return refuse(std::errc::file_exists,
                  fmt::format("interface '{}' exists in {}", ifname,
                              request.netns ? fmt::format("namespace '{}'", *request.netns)
                                            : "the parent's namespace"));
  VethRequest veth;
  veth.host_name = fmt::format("{}{}", kHostSidePrefix, ep.id);
  veth.inner_name = ifname;
  veth.inner_netns = inner_ns.fd();
  std::copy(std::begin(settings.mac), std::end(settings.mac), veth.mac.begin());
  veth.mtu = ep.mtu;
  veth.group = kHostSideGroup;
  BV_CHECK(c.nl.add_veth(veth));
  BV_TRY(const auto host, c.nl.link(veth.host_name));
  if (!host) return refuse(std::errc::no_such_device, fmt::format("'{}' vanished", veth.host_name));
  const auto host_side = host->ifindex;
  undo.push([&c, host_side] { (void)c.nl.delete_link(host_side); });
  ep.inner_ifindex = static_cast<std::uint32_t>(host->peer_ifindex);
  BV_CHECK(c.nl.set_alias(host_side, request.name));
  BV_CHECK(prepare_host_side(veth.host_name));
  c.host_names[host_side] = veth.host_name;

  // The maps, then the program, and only then the devices come up.
  ep.unfinished = 1;
  BV_CHECK(c.write_endpoint(host_side, ep));
  undo.push([&c, host_side] { (void)c.forget_endpoint(host_side); });
  for (const auto& address : request.addresses) BV_CHECK(c.map_address(host_side, address));
  BV_CHECK(c.dp->attach_host_side(host_side));
  undo.push([&c, host_side] { (void)c.dp->detach_host_side(host_side); });
  BV_CHECK(c.nl.set_up(host_side));
  BV_CHECK(configure_inner(inner_nl, ep.inner_ifindex, request));
  BV_CHECK(wait_until_running(c.nl, host_side));
  BV_CHECK(wait_until_running(inner_nl, ep.inner_ifindex));
  for (const auto& address : request.addresses) BV_CHECK(wait_until_local(inner_nl, address));
  ep.unfinished = 0;
  BV_CHECK(c.write_endpoint(host_side, ep));
  undo.release();
  return {};
}

Result<> Control::set_endpoint(const std::string& name, std::optional<Mode> mode,
                               std::optional<Policy> policy) {
  auto& c = *impl_;
  BV_TRY(const auto host_side, c.find_endpoint(name));
  auto ep = c.endpoints.at(host_side);
  if (mode) {
    ep.mode = *mode;
    ep.own_mode = 1;
  }
  if (policy) {
    ep.policy = *policy;
    ep.own_policy = 1;
  }
  return c.apply_settings(host_side, ep);
}

// The first write decides: from there on, who finds the rest deletes it. The program goes with the
// device: taking it off first would be one more wait for all CPUs in the kernel.
Result<> Control::Impl::remove_endpoint(std::uint32_t host_side) {
  bv_endpoint ep = endpoints.at(host_side);
  ep.unfinished = 1;
  BV_CHECK(write_endpoint(host_side, ep));
  BV_CHECK(forget_endpoint(host_side));
  BV_TRY(const auto link, nl.link(host_side));
  if (link && link->group == kHostSideGroup) BV_CHECK(nl.delete_link(host_side));
  return dp->detach_host_side(host_side);
}

Result<> Control::delete_endpoint(const std::string& name) {
  BV_TRY(const auto host_side, impl_->find_endpoint(name));
  return impl_->remove_endpoint(host_side);
}

Result<> Control::add_address(const std::string& name, const IpPrefix& address) {
  auto& c = *impl_;
  BV_TRY(const auto host_side, c.find_endpoint(name));
  const auto& ep = c.endpoints.at(host_side);
  BV_CHECK(check_addresses(c, ep.parent, {address}));
  if (address.family == AF_INET6 && ep.mtu < kMinMtu6)
    return refuse(std::errc::invalid_argument,
                  fmt::format("endpoint '{}' has MTU {}: IPv6 needs {}", name, ep.mtu, kMinMtu6));
  BV_TRY(const auto inner, c.inner_netlink(ep));
  BV_CHECK(inner.add_address(ep.inner_ifindex, address));
  Undo undo;
  undo.push([&] { (void)inner.delete_address(ep.inner_ifindex, address); });
  BV_CHECK(c.map_address(host_side, address));
  undo.push([&] { (void)c.unmap_address(host_side, address); });
  BV_CHECK(wait_until_local(inner, address));
  undo.release();
  return {};
}

Result<> Control::delete_address(const std::string& name, const IpPrefix& address) {
  auto& c = *impl_;
  BV_TRY(const auto host_side, c.find_endpoint(name));
  const auto ep = c.endpoints.at(host_side);
  const auto& list = c.addresses[host_side];
  const auto known = std::find_if(list.begin(), list.end(),
                                  [&](const auto& a) { return a.same_address(address); });
  if (known == list.end())
    return refuse(std::errc::address_not_available,
                  fmt::format("endpoint '{}' has no address {}", name, address.address()));
  const auto exact = *known;
  BV_TRY(const auto inner, c.inner_netlink(ep));
  BV_CHECK(c.unmap_address(host_side, exact));
  Undo undo;
  undo.push([&] { (void)c.map_address(host_side, exact); });
  // The endpoint's owner may have taken it off the interface already.
  const auto gone = inner.delete_address(ep.inner_ifindex, exact);
  if (!gone && gone.error().code != std::errc::address_not_available)
    return tl::unexpected(gone.error());
  undo.release();
  return {};
}

}  // namespace bpfvlan
