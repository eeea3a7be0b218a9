// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <linux/if.h>
#include <linux/if_arp.h>

#include <algorithm>
#include <bit>
#include <filesystem>

#include "control_impl.hpp"
#include "endpoint_device.hpp"
#include "undo.hpp"
#include "xdp.hpp"

namespace bpfvlan {
namespace {

// behaviour.md, "Objects", 4.
Result<> check_parent(const Link& link) {
  if (link.flags & IFF_LOOPBACK)
    return refuse(std::errc::invalid_argument,
                  fmt::format("'{}' is a loopback: it cannot be a parent", link.name));
  if (link.arptype != ARPHRD_ETHER)
    return refuse(std::errc::invalid_argument,
                  fmt::format("'{}' is not an Ethernet device: it cannot be a parent", link.name));
  if (link.group == kHostSideGroup)
    return refuse(std::errc::invalid_argument,
                  fmt::format("'{}' is the host side of endpoint '{}': it cannot be a parent",
                              link.name, link.alias));
  return {};
}

Result<> check_size(const char* option, const std::optional<std::uint32_t>& asked,
                    std::uint32_t has) {
  if (asked && *asked != has)
    return refuse(std::errc::device_or_resource_busy,
                  fmt::format("{} is {} since this namespace's first parent was attached: detach "
                              "all parents to change it",
                              option, has));
  return {};
}

// Rounded up, as programs find a set of connections with a mask.
Result<std::optional<std::uint32_t>> table_size(const std::optional<std::uint32_t>& connections) {
  if (!connections) return connections;
  if (*connections < BV_MIN_CONNECTIONS || *connections > BV_MAX_CONNECTIONS)
    return refuse(std::errc::invalid_argument,
                  fmt::format("--max-connections {} is not within {} and {}", *connections,
                              BV_MIN_CONNECTIONS, BV_MAX_CONNECTIONS));
  return std::optional(std::bit_ceil(*connections));
}

bv_parent new_parent(const Link& link, const AttachRequest& request) {
  bv_parent p{};
  p.mode = request.mode.value_or(BV_MODE_L3);
  p.policy = request.policy.value_or(BV_POLICY_BRIDGE);
  p.mtu = link.mtu;
  std::copy(link.mac.begin(), link.mac.end(), p.mac);
  copy_text(p.ifname, link.name);
  return p;
}

}  // namespace

Result<> Control::attach(const AttachRequest& request) {
  auto& c = *impl_;
  BV_TRY(const auto link, c.nl.link(request.parent));
  if (!link)
    return refuse(std::errc::no_such_device,
                  fmt::format("no interface '{}' in this namespace", request.parent));
  BV_CHECK(check_parent(*link));
  const auto ifindex = link->ifindex;
  if (c.is_hairpin(ifindex))
    return refuse(std::errc::device_or_resource_busy,
                  fmt::format("'{}' is a hairpin port: it cannot be a parent", link->name));

  if (request.max_endpoints > BV_MAX_ENDPOINTS)
    return refuse(std::errc::invalid_argument,
                  fmt::format("--max-endpoints {} is more than {}", *request.max_endpoints,
                              BV_MAX_ENDPOINTS));

  BV_TRY(const auto max_connections, table_size(request.max_connections));

  Undo undo;
  if (!c.dp) {
    Datapath::remove_dead(std::filesystem::path(c.dir).parent_path());
    const Datapath::Sizes defaults;
    BV_TRY(c.dp, Datapath::create(c.dir, {request.max_endpoints.value_or(defaults.endpoints),
                                          request.max_addresses.value_or(defaults.addresses),
                                          max_connections.value_or(defaults.connections)}));
    undo.push([&c] { (void)c.remove_if_unused(); });
  }
  BV_CHECK(check_size("--max-endpoints", request.max_endpoints, c.dp->meta().max_endpoints));
  BV_CHECK(check_size("--max-addresses", request.max_addresses, c.dp->meta().max_addresses));
  BV_CHECK(check_size("--max-connections", max_connections, c.dp->meta().max_connections));

  const auto known = c.parents.find(ifindex);
  bv_parent parent = known == c.parents.end() ? new_parent(*link, request) : known->second;
  parent.mode = request.mode.value_or(parent.mode);
  parent.policy = request.policy.value_or(parent.policy);
  const auto xdp = request.xdp.value_or(static_cast<XdpMode>(parent.xdp));
  if (known != c.parents.end()) {
    auto changed = parent;
    changed.xdp = static_cast<std::uint8_t>(xdp);
    BV_CHECK(c.check_takers(ifindex, changed));
    undo.push([&c, ifindex, before = known->second] { (void)c.change_parent(ifindex, before); });
    BV_CHECK(c.change_parent(ifindex, parent));
    if (parent.detached) undo.push([&c, ifindex] { (void)c.detach_programs(ifindex); });
    BV_CHECK(c.repair(ifindex));
    BV_CHECK(c.set_xdp(*link, xdp));
    auto& attached = c.parents.at(ifindex);
    attached.detached = 0;  // last: with programs, or detached, it is not forgotten
    BV_CHECK(c.dp->parents.replace(ifindex, attached));
    undo.release();
    return {};
  }

  // Noted before it is made: a qdisc that nobody knows of would stay for ever.
  BV_TRY(parent.owns_clsact, c.will_own_clsact(ifindex));
  parent.index = c.free_index();
  BV_CHECK(c.zero_policy_counts(parent));
  BV_CHECK(c.dp->parents.insert(ifindex, parent));
  c.parents[ifindex] = parent;
  undo.push([&c, ifindex] { (void)c.detach_parent(ifindex); });
  if (c.anybody_learns()) BV_CHECK(c.sync_host_addresses());
  BV_CHECK(c.dp->attach_parent(ifindex));  // last: the maps are complete
  BV_CHECK(c.set_xdp(*link, xdp));
  undo.release();
  return {};
}

std::uint32_t Control::Impl::free_index() const {
  std::uint32_t index = 0;
  while (std::any_of(parents.begin(), parents.end(),
                     [&](const auto& p) { return p.second.index == index; }))
    ++index;
  return index;
}

Result<> Control::Impl::change_parent(std::uint32_t ifindex, const bv_parent& changed) {
  BV_CHECK(dp->parents.replace(ifindex, changed));
  parents[ifindex] = changed;
  for (const auto host_side : endpoints_of(ifindex)) BV_CHECK(sync_settings(host_side));
  return {};
}

// Attaching will make the qdisc, so it is ours to remove.
Result<bool> Control::Impl::will_own_clsact(std::uint32_t ifindex) const {
  if (hook_kind() == HookKind::Tcx) return false;
  BV_TRY(const bool there, nl.has_clsact(ifindex));
  return !there;
}

// Somebody took programs off, or switched forwarding off for all interfaces: put them back.
Result<> Control::Impl::repair(std::uint32_t ifindex) {
  if (!dp->parent_attached(ifindex)) {
    auto& parent = parents.at(ifindex);
    BV_TRY(const bool owned, will_own_clsact(ifindex));
    parent.owns_clsact |= owned;
    BV_CHECK(dp->parents.replace(ifindex, parent));
    BV_CHECK(dp->detach_parent(ifindex));
    BV_CHECK(dp->attach_parent(ifindex));
  }
  for (const auto host_side : endpoints_of(ifindex)) {
    BV_CHECK(prepare_host_side(host_names.at(host_side)));
    const bool netkit = endpoints.at(host_side).device == BV_DEVICE_NETKIT;
    if (!dp->host_side_attached(host_side, netkit))
      BV_CHECK(dp->attach_host_side(host_side, netkit));
  }
  return {};
}

Result<> Control::detach(const std::string& parent, bool force, bool keep_state) {
  auto& c = *impl_;
  BV_TRY(const auto ifindex, c.find_parent(parent));
  const auto users = c.endpoints_of(ifindex);
  if (!users.empty() && !force) {
    std::string names;
    for (const auto host_side : users)
      names += fmt::format("{}{}", names.empty() ? "" : ", ", c.endpoints.at(host_side).name);
    return refuse(
        std::errc::device_or_resource_busy,
        fmt::format("'{}' has endpoints ({}): delete them first, or use --force", parent, names));
  }
  for (const auto host_side : users) BV_CHECK(c.remove_endpoint(host_side));
  BV_CHECK(keep_state ? c.detach_for_now(ifindex) : c.detach_parent(ifindex));
  return c.remove_if_unused();
}

bool Control::Impl::attached(std::uint32_t ifindex) const {
  const auto parent = parents.find(ifindex);
  return parent != parents.end() && !parent->second.detached;
}

Result<> Control::Impl::detach_programs(std::uint32_t ifindex) {
  BV_CHECK(dp->detach_xdp(ifindex, parents.at(ifindex).xdp_shared != 0));
  BV_CHECK(dp->detach_parent(ifindex));
  if (parents.at(ifindex).owns_clsact) {
    const auto filters = nl.count_clsact_filters(ifindex);
    if (filters && *filters == 0) BV_CHECK(clsact_destroy(ifindex));
  }
  return {};
}

// Noted first: what has neither programs nor endpoints is forgotten otherwise.
Result<> Control::Impl::detach_for_now(std::uint32_t ifindex) {
  auto& parent = parents.at(ifindex);
  parent.detached = 1;
  BV_CHECK(dp->parents.replace(ifindex, parent));
  BV_CHECK(detach_programs(ifindex));
  parent.owns_clsact = 0;
  parent.xdp_shared = 0;
  return dp->parents.replace(ifindex, parent);
}

Result<> Control::upgrade() {
  const auto& c = *impl_;
  if (!c.dp) return refuse(std::errc::not_connected, "no parent is attached in this namespace");
  Datapath::Devices devices;
  for (const auto& [ifindex, parent] : c.parents) {
    if (c.dp->parent_attached(ifindex)) devices.parents.push_back(ifindex);
    if (parent.xdp == BV_XDP_OFF || !c.dp->xdp_attached(ifindex, parent.xdp_shared != 0)) continue;
    BV_TRY(const auto link, c.nl.link(ifindex));
    if (!parent.xdp_shared) {
      (parent.xdp == BV_XDP_NATIVE ? devices.xdp_native : devices.xdp_generic).push_back(ifindex);
    } else if (link) {
      devices.xdp_shared.emplace_back(*link, static_cast<XdpMode>(parent.xdp));
    }
  }
  for (const auto& [host_side, ep] : c.endpoints) {
    const bool netkit = ep.device == BV_DEVICE_NETKIT;
    if (!c.dp->host_side_attached(host_side, netkit)) continue;
    devices.host_sides.push_back(host_side);
    if (netkit) devices.netkits.push_back(host_side);
  }
  return c.dp->upgrade(devices);
}

// Programs first, then what they read. The device may be gone.
Result<> Control::Impl::detach_parent(std::uint32_t ifindex) {
  BV_CHECK(detach_programs(ifindex));
  BV_CHECK(forget_connections(parents.at(ifindex).index));
  BV_CHECK(forget_rules(ifindex));
  BV_CHECK(dp->parents.erase(ifindex));
  parents.erase(ifindex);
  return {};
}

Result<> Control::Impl::remove_if_unused() {
  if (!parents.empty()) return {};
  dp.reset();
  return Datapath::remove(dir);
}

}  // namespace bpfvlan
