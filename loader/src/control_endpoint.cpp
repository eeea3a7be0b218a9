// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>

#include "address_maps.hpp"
#include "control_impl.hpp"
#include "endpoint_checks.hpp"
#include "endpoint_device.hpp"
#include "undo.hpp"

namespace bpfvlan {
namespace {

// With the length that it has there.
Result<std::optional<IpPrefix>> address_on(const Netlink& nl, std::uint32_t ifindex,
                                           const IpPrefix& address) {
  BV_TRY(const auto all, nl.addresses(ifindex, address.family));
  for (const auto& a : all)
    if (a.same_address(address)) return std::optional(a);
  return std::optional<IpPrefix>{};
}

bv_device device_for(const EndpointRequest& request) {
  return request.device.value_or(has_netkit() ? BV_DEVICE_NETKIT : BV_DEVICE_VETH);
}

}  // namespace

Result<Netns> Control::Impl::inner_netns(const bv_endpoint& ep) const {
  return ep.in_parent_netns ? Netns::current()
                            : Netns::find(ep.netns_cookie, ep.netns_inode, ep.netns);
}

Result<Netlink> Control::Impl::inner_netlink(const bv_endpoint& ep) const {
  BV_TRY(const auto ns, inner_netns(ep));
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
  if (!link || !c.attached(link->ifindex)) {
    const bool kept = link && c.parents.contains(link->ifindex);
    AttachRequest attach_request;
    attach_request.parent = request.parent;
    BV_CHECK(attach(attach_request));
    undo.push([this, &request, kept] { (void)detach(request.parent, false, kept); });
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
  ep.filter = request.filter.value_or(filtered_by_default(ep.mode));
  ep.own_filter = request.filter.has_value();
  ep.parent_index = static_cast<std::uint8_t>(parent.index);
  ep.own_mtu = request.mtu.value_or(0);
  ep.mtu = request.mtu.value_or(parent.mtu);
  ep.learn_age = request.learn_age;
  ep.device = device_for(request);
  ep.netns_cookie = inner_ns.cookie();
  ep.netns_inode = inner_ns.inode();
  ep.in_parent_netns = inner_ns.cookie() == c.parent_netns.cookie();
  ep.unfinished = 1;
  ep.takes_xdp = request.takes_xdp;
  copy_text(ep.name, request.name);
  copy_text(ep.inner_ifname, ifname);
  copy_text(ep.netns, request.netns.value_or(""));

  if (ep.takes_xdp) {
    BV_CHECK(c.check_takes_xdp(ep));
    BV_CHECK(c.check_checksums(ep.parent));
  }

  // Before it can learn; with other learners there, it is done already.
  if (ep.learn_age && !c.anybody_learns()) BV_CHECK(c.sync_host_addresses());
  BV_TRY(const auto inner_nl, netlink_in(inner_ns));
  BV_TRY(const auto host_side, c.make_devices(ep, inner_ns, inner_nl));
  undo.push([&c, host_side] { (void)c.nl.delete_link(host_side); });

  // The maps, then the program, and only then the devices come up.
  BV_CHECK(c.write_endpoint(host_side, ep));
  undo.push([&c, host_side] { (void)c.forget_endpoint(host_side); });
  BV_CHECK(c.follow_takes_xdp(host_side));
  ep.owns_gro = c.endpoints.at(host_side).owns_gro;
  BV_CHECK(c.follow_endpoint(host_side, false));
  for (const auto& address : request.addresses) BV_CHECK(c.map_address(host_side, address));
  BV_CHECK(c.sync_flooding(ep.parent));
  BV_CHECK(c.dp->attach_host_side(host_side, ep.device == BV_DEVICE_NETKIT));
  undo.push([&c, host_side] { (void)c.dp->detach_host_side(host_side); });
  BV_CHECK(c.nl.set_up(host_side));
  BV_CHECK(configure_inner(inner_nl, ep.inner_ifindex, request));
  BV_CHECK(wait_until_running(c.nl, host_side));
  BV_CHECK(wait_until_running(inner_nl, ep.inner_ifindex));
  for (const auto& address : request.addresses) BV_CHECK(wait_until_local(inner_nl, address));
  if (ep.mode == BV_MODE_L2) BV_CHECK(c.list_link_local(host_side));
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
  PairRequest pair;
  pair.host_name = host_side_name(ep.id);
  pair.inner_name = ep.inner_ifname;
  pair.inner_netns = inner_ns.fd();
  std::copy(std::begin(parent.mac), std::end(parent.mac), pair.mac.begin());
  pair.mtu = ep.mtu;
  pair.group = kHostSideGroup;
  pair.arp = ep.mode == BV_MODE_L2;
  const bool netkit = ep.device == BV_DEVICE_NETKIT;
  BV_CHECK(netkit ? nl.add_netkit(pair) : nl.add_veth(pair));
  BV_TRY(const auto host, nl.link(pair.host_name));
  if (!host) return refuse(std::errc::no_such_device, fmt::format("'{}' vanished", pair.host_name));
  Undo undo;
  undo.push([&] { (void)nl.delete_link(host->ifindex); });
  BV_CHECK(nl.set_alias(host->ifindex, ep.name));
  BV_CHECK(prepare_host_side(pair.host_name));
  ep.inner_ifindex = static_cast<std::uint32_t>(host->peer_ifindex);
  // A netkit pair cannot be made without ARP.
  if (netkit && !pair.arp) BV_CHECK(inner_nl.set_arp(ep.inner_ifindex, false));
  // All have one MAC address, from which all would make the same one.
  BV_CHECK(inner_nl.set_random_link_local(ep.inner_ifindex));
  host_names[host->ifindex] = pair.host_name;
  undo.release();
  return host->ifindex;
}

Result<> Control::set_endpoint(const std::string& name, std::optional<Mode> mode,
                               std::optional<Policy> policy, std::optional<std::uint32_t> learn_age,
                               std::optional<bool> filter, std::optional<bool> takes_xdp) {
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
  if (filter) {
    ep.filter = *filter;
    ep.own_filter = 1;
  }
  if (!ep.own_filter) ep.filter = filtered_by_default(ep.mode);
  if (takes_xdp) ep.takes_xdp = *takes_xdp;
  if (ep.takes_xdp) BV_CHECK(c.check_takes_xdp(ep));
  if (ep.takes_xdp && takes_xdp) BV_CHECK(c.check_checksums(ep.parent));
  if (learn_age) ep.learn_age = *learn_age;
  if (ep.learn_age && !c.anybody_learns()) BV_CHECK(c.sync_host_addresses());
  return c.apply_settings(host_side, ep);
}

// The first write decides: from there on, who finds the rest deletes it. The program goes with the
// device: taking it off first would be one more wait for all CPUs in the kernel.
Result<> Control::Impl::remove_endpoint(std::uint32_t host_side) {
  bv_endpoint ep = endpoints.at(host_side);
  ep.unfinished = 1;
  ep.learn_age = 0;
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

Result<> Control::add_address(const std::string& name, const IpPrefix& given) {
  auto& c = *impl_;
  BV_TRY(const auto host_side, c.find_endpoint(name));
  const auto& ep = c.endpoints.at(host_side);
  BV_CHECK(check_addresses(c, ep.parent, {given}, host_side));
  if (given.family == AF_INET6 && ep.mtu < kMinMtu6)
    return refuse(std::errc::invalid_argument,
                  fmt::format("endpoint '{}' has MTU {}: IPv6 needs {}", name, ep.mtu, kMinMtu6));
  BV_TRY(const auto inner, c.inner_netlink(ep));
  BV_TRY(const auto before, find_address(*c.dp, ep.parent, given));
  const bool learned = before && before->to.host_side == host_side && !expired(*before);
  std::optional<IpPrefix> there;
  if (learned) {
    BV_TRY(there, address_on(inner, ep.inner_ifindex, given));
  }
  const auto address = there.value_or(given);

  // The map first, and last in `del`: after a kill between the two, `del` mends it.
  Undo undo;
  BV_CHECK(c.map_address(host_side, address));
  undo.push([&] {
    (void)c.unmap_address(host_side, address);
    if (learned)
      (void)with_map(*c.dp, ep.parent, address,
                     [&](const auto& map, const auto& key) { return map.insert(key, *before); });
  });
  if (!there) {
    BV_CHECK(inner.add_address(ep.inner_ifindex, address));
    undo.push([&] { (void)inner.delete_address(ep.inner_ifindex, address); });
  }
  BV_CHECK(wait_until_local(inner, address));
  undo.release();
  return {};
}

Result<> Control::delete_address(const std::string& name, const IpPrefix& address) {
  auto& c = *impl_;
  BV_TRY(const auto host_side, c.find_endpoint(name));
  const auto ep = c.endpoints.at(host_side);
  BV_TRY(const auto owner, c.owner(ep.parent, address));
  if (!owner || owner->host_side != host_side)
    return refuse(std::errc::address_not_available,
                  fmt::format("endpoint '{}' has no address {}", name, address.address()));
  BV_TRY(const auto inner, c.inner_netlink(ep));
  Undo undo;
  // The endpoint's owner may have taken it off the interface already.
  BV_TRY(const auto before, inner.addresses(ep.inner_ifindex));
  for (const auto& there : before) {
    if (!there.same_address(address)) continue;
    BV_CHECK(inner.delete_address(ep.inner_ifindex, there));
    undo.push([&] { (void)inner.add_address(ep.inner_ifindex, there); });
  }
  // With the first address of an IPv4 subnet the kernel deletes the others (net/ipv4/devinet.c).
  BV_TRY(const auto after, inner.addresses(ep.inner_ifindex));
  for (const auto& other : before)
    if (!other.same_address(address) && std::find(after.begin(), after.end(), other) == after.end())
      BV_CHECK(inner.add_address(ep.inner_ifindex, other));
  BV_CHECK(c.unmap_address(host_side, address));
  undo.release();
  return {};
}

}  // namespace bpfvlan
