// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>

#include "control_impl.hpp"
#include "endpoint_checks.hpp"
#include "endpoint_device.hpp"
#include "undo.hpp"

namespace bpfvlan {
namespace {

// A netlink socket stays in the namespace it was opened in; the thread comes back.
Result<Netlink> netlink_in(const Netns& ns) {
  BV_TRY(const auto in, InNetns::enter(ns.fd()));
  return Netlink::open();
}

}  // namespace

Result<Netlink> Control::Impl::inner_netlink(const bv_endpoint& ep) const {
  if (ep.in_parent_netns) return Netlink::open();
  BV_TRY(const auto ns, Netns::find(ep.netns_cookie, ep.netns_inode, ep.netns));
  return netlink_in(ns);
}

Result<> Control::add_endpoint(const EndpointRequest& request) {
  auto& c = *impl_;
  const auto ifname = request.ifname.value_or(request.name);
  BV_CHECK(check_request(request, ifname));
  if (const auto taken = c.find_endpoint(request.name))
    return refuse(std::errc::file_exists, fmt::format("endpoint '{}' exists", request.name));
  BV_TRY(const auto inner_ns, request.netns ? Netns::open(*request.netns) : Netns::current());
  if (request.default_route && inner_ns.cookie() == c.parent_netns.cookie())
    return refuse(std::errc::invalid_argument,
                  "--default-route in the parent's own namespace would take the host's route away");

  Undo undo;
  BV_TRY(const auto link, c.nl.link(request.parent));
  if (!link || !c.parents.contains(link->ifindex)) {
    AttachRequest attach_request;
    attach_request.parent = request.parent;
    BV_CHECK(attach(attach_request));
    undo.push([&] { (void)detach(request.parent, false); });
  }
  const auto& parent = c.parents.at(link->ifindex);
  BV_CHECK(check_mtu(request, parent));
  BV_CHECK(check_addresses(c, link->ifindex, request.addresses));
  BV_TRY(const auto id, c.free_id());
  if (!id)
    return refuse(std::errc::no_space_on_device,
                  fmt::format("there are {} endpoints, as many as `attach --max-endpoints` allows",
                              c.endpoints.size()));
  BV_CHECK(c.dp->ep_counters.zero_per_cpu(*id));
  BV_CHECK(c.forget_groups(*id));

  bv_endpoint ep{};
  ep.id = *id;
  ep.parent = link->ifindex;
  ep.mode = request.mode.value_or(parent.mode);
  ep.policy = request.policy.value_or(parent.policy);
  ep.own_mode = request.mode.has_value();
  ep.own_policy = request.policy.has_value();
  ep.own_mtu = request.mtu.value_or(0);
  ep.mtu = request.mtu.value_or(parent.mtu);
  ep.device = BV_DEVICE_VETH;
  ep.netns_cookie = inner_ns.cookie();
  ep.netns_inode = inner_ns.inode();
  ep.in_parent_netns = inner_ns.cookie() == c.parent_netns.cookie();
  ep.unfinished = 1;
  copy_text(ep.name, request.name);
  copy_text(ep.inner_ifname, ifname);
  copy_text(ep.netns, request.netns.value_or(""));

  BV_TRY(const auto inner_nl, netlink_in(inner_ns));
  BV_TRY(const auto host_side, c.make_devices(ep, inner_ns, inner_nl));
  undo.push([&c, host_side] { (void)c.nl.delete_link(host_side); });

  // The maps, then the program, and only then the devices come up.
  BV_CHECK(c.write_endpoint(host_side, ep));
  undo.push([&c, host_side] { (void)c.forget_endpoint(host_side); });
  for (const auto& address : request.addresses) BV_CHECK(c.map_address(host_side, address));
  BV_CHECK(c.sync_flooding(ep.parent));
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

// Gives the ifindex of the host side, and fills in that of the inner side.
Result<std::uint32_t> Control::Impl::make_devices(bv_endpoint& ep, const Netns& inner_ns,
                                                  const Netlink& inner_nl) {
  BV_TRY(const auto taken, inner_nl.link(ep.inner_ifname));
  if (taken)
    return refuse(std::errc::file_exists,
                  fmt::format("interface '{}' exists in {}", ep.inner_ifname,
                              ep.netns[0] ? fmt::format("namespace '{}'", ep.netns)
                                          : "the parent's namespace"));
  const auto& parent = parents.at(ep.parent);
  VethRequest veth;
  veth.host_name = host_side_name(ep.id);
  veth.inner_name = ep.inner_ifname;
  veth.inner_netns = inner_ns.fd();
  std::copy(std::begin(parent.mac), std::end(parent.mac), veth.mac.begin());
  veth.mtu = ep.mtu;
  veth.group = kHostSideGroup;
  veth.arp = ep.mode == BV_MODE_L2;
  BV_CHECK(nl.add_veth(veth));
  BV_TRY(const auto host, nl.link(veth.host_name));
  if (!host) return refuse(std::errc::no_such_device, fmt::format("'{}' vanished", veth.host_name));
  Undo undo;
  undo.push([&] { (void)nl.delete_link(host->ifindex); });
  BV_CHECK(nl.set_alias(host->ifindex, ep.name));
  BV_CHECK(prepare_host_side(veth.host_name));
  ep.inner_ifindex = static_cast<std::uint32_t>(host->peer_ifindex);
  host_names[host->ifindex] = veth.host_name;
  undo.release();
  return host->ifindex;
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
  BV_CHECK(forget_addresses(host_side));
  BV_TRY(const auto link, nl.link(host_side));
  if (link && is_host_side_of(*link, ep)) BV_CHECK(nl.delete_link(host_side));
  BV_CHECK(dp->detach_host_side(host_side));
  return forget_endpoint(host_side);
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
  // The map first, and last in `del`: after a kill between the two, `del` mends it.
  BV_CHECK(c.map_address(host_side, address));
  Undo undo;
  undo.push([&] { (void)c.unmap_address(host_side, address); });
  BV_CHECK(inner.add_address(ep.inner_ifindex, address));
  undo.push([&] { (void)inner.delete_address(ep.inner_ifindex, address); });
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
  // The endpoint's owner may have taken it off the interface already.
  const auto gone = inner.delete_address(ep.inner_ifindex, exact);
  if (!gone && gone.error().code != std::errc::address_not_available)
    return tl::unexpected(gone.error());
  Undo undo;
  undo.push([&] { (void)inner.add_address(ep.inner_ifindex, exact); });
  // With the first address of an IPv4 subnet the kernel deletes the others (net/ipv4/devinet.c).
  for (const auto& other : list) {
    if (other.family != AF_INET || other.same_address(exact)) continue;
    const auto back = inner.add_address(ep.inner_ifindex, other);
    if (!back && back.error().code != std::errc::file_exists) return tl::unexpected(back.error());
  }
  BV_CHECK(c.unmap_address(host_side, exact));
  undo.release();
  return {};
}

}  // namespace bpfvlan
