// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "address_maps.hpp"
#include "control_impl.hpp"
#include "undo.hpp"

namespace bpfvlan {
namespace {

template <class Key>
IpPrefix to_prefix(int family, const Key& key, const bv_addr& value) {
  IpPrefix p;
  p.family = family;
  p.length = value.prefix_len;
  std::copy_n(key.addr, sizeof(key.addr), p.addr.begin());
  return p;
}

// What of a copy `endpoint set` and `attach` change.
bool same_settings(const bv_port& copy, const bv_endpoint& ep) {
  return copy.mode == ep.mode && copy.policy == ep.policy && copy.filter == ep.filter &&
         copy.takes_xdp == ep.takes_xdp;
}

}  // namespace

std::string host_side_name(std::uint32_t id) {
  return fmt::format("{}{}", kHostSidePrefix, id);
}

bool is_host_side_of(const Link& link, const bv_endpoint& ep) {
  return is_pair(link) && (link.group == kHostSideGroup || link.alias == ep.name);
}

bv_port port_value(std::uint32_t host_side, const bv_endpoint& ep) {
  bv_port p{};
  p.host_side = host_side;
  p.id = ep.id;
  p.parent = ep.parent;
  p.mode = ep.mode;
  p.policy = ep.policy;
  p.in_parent_netns = ep.in_parent_netns;
  p.filter = ep.filter;
  p.parent_index = ep.parent_index;
  p.takes_xdp = ep.takes_xdp;
  p.learn_age = ep.learn_age;
  p.mtu = ep.mtu;
  return p;
}

bv_addr address_value(std::uint32_t host_side, const bv_endpoint& ep, const IpPrefix& address) {
  bv_addr v{};
  v.to = port_value(host_side, ep);
  v.prefix_len = address.length;
  return v;
}

Result<> Control::Impl::load() {
  BV_TRY(auto all_parents, dp->parents.all());
  BV_TRY(auto all_endpoints, dp->endpoints.all());
  BV_TRY(auto all4, dp->addr4.all());
  BV_TRY(auto all6, dp->addr6.all());
  parents = {all_parents.begin(), all_parents.end()};
  endpoints = {all_endpoints.begin(), all_endpoints.end()};
  addresses.clear();
  stale.clear();
  for (const auto& [host_side, ep] : endpoints) {
    BV_TRY(const auto port, dp->ports.find(ep.id));
    if (!port || !same_settings(*port, ep)) stale.insert(host_side);
    if (ep.owns_gro && !ep.takes_xdp) stale.insert(host_side);
  }
  const auto take = [&](const IpPrefix& address, const bv_addr& value) {
    if (!value.age) addresses[value.to.host_side].push_back(address);
    const auto found = endpoints.find(value.to.host_side);
    if (found == endpoints.end()) return;
    const auto& ep = found->second;
    if (!same_settings(value.to, ep) || (value.age && ep.learn_age && value.age != ep.learn_age))
      stale.insert(value.to.host_side);
  };
  for (const auto& [key, value] : all4) take(to_prefix(AF_INET, key, value), value);
  for (const auto& [key, value] : all6) take(to_prefix(AF_INET6, key, value), value);
  for (auto& [host_side, list] : addresses)
    std::sort(list.begin(), list.end(), [](const IpPrefix& a, const IpPrefix& b) {
      return std::tie(a.family, a.addr) < std::tie(b.family, b.addr);
    });
  return {};
}

Result<std::uint32_t> Control::Impl::find_parent(const std::string& name) const {
  BV_TRY(const auto link, nl.link(name));
  if (!link)
    return refuse(std::errc::no_such_device,
                  fmt::format("no interface '{}' in this namespace", name));
  if (!parents.contains(link->ifindex))
    return refuse(std::errc::not_connected, fmt::format("'{}' is not attached", name));
  return link->ifindex;
}

Result<std::uint32_t> Control::Impl::find_endpoint(const std::string& name) const {
  for (const auto& [host_side, ep] : endpoints)
    if (ep.name == name) return host_side;
  return refuse(std::errc::no_such_file_or_directory, fmt::format("no endpoint '{}'", name));
}

// Asks the map, which knows at once however many addresses there are.
Result<std::optional<Control::Impl::Owner>> Control::Impl::owner(std::uint32_t parent,
                                                                 const IpPrefix& address) const {
  BV_TRY(const auto value, find_address(*dp, parent, address));
  const auto ep = value ? endpoints.find(value->to.host_side) : endpoints.end();
  if (ep == endpoints.end() || expired(*value)) return std::optional<Owner>{};
  return std::optional(Owner{ep->first, ep->second.name, value->age != 0});
}

Result<std::optional<std::uint32_t>> Control::Impl::free_id() const {
  const auto max = dp->meta().max_endpoints;
  std::vector<bool> used(max);
  for (const auto& [host_side, ep] : endpoints) used.at(ep.id) = true;
  for (std::uint32_t id = 0; id < max; ++id) {
    if (used[id]) continue;
    BV_TRY(const auto taken, nl.link(host_side_name(id)));
    if (!taken) return std::optional(id);
  }
  return std::optional<std::uint32_t>{};
}

std::vector<std::uint32_t> Control::Impl::endpoints_of(std::uint32_t parent) const {
  std::vector<std::uint32_t> out;
  for (const auto& [host_side, ep] : endpoints)
    if (ep.parent == parent) out.push_back(host_side);
  return out;
}

Result<> Control::Impl::write_endpoint(std::uint32_t host_side, const bv_endpoint& ep) {
  if (ep.filter) BV_CHECK(dp->need_filter());
  BV_CHECK(dp->endpoints.write(host_side, ep));
  BV_CHECK(dp->ports.write(ep.id, port_value(host_side, ep)));
  endpoints[host_side] = ep;
  return {};
}

// Over what the endpoint itself has learned, and over what anybody learned that has expired.
Result<> Control::Impl::map_address(std::uint32_t host_side, const IpPrefix& address) {
  const auto& ep = endpoints.at(host_side);
  const auto value = address_value(host_side, ep, address);
  BV_TRY(const auto before, find_address(*dp, ep.parent, address));
  const bool free =
      before && before->age && (before->to.host_side == host_side || expired(*before));
  BV_CHECK(with_map(*dp, ep.parent, address, [&](const auto& map, const auto& key) {
    return free ? map.write(key, value) : map.insert(key, value);
  }));
  addresses[host_side].push_back(address);
  return {};
}

Result<> Control::Impl::unmap_address(std::uint32_t host_side, const IpPrefix& address) {
  const auto& ep = endpoints.at(host_side);
  BV_CHECK(with_map(*dp, ep.parent, address,
                    [&](const auto& map, const auto& key) { return map.erase(key); }));
  std::erase_if(addresses[host_side], [&](const auto& a) { return a.same_address(address); });
  return {};
}

Result<> Control::Impl::forget_addresses(std::uint32_t host_side) {
  for (const auto& address : std::vector(addresses[host_side]))
    BV_CHECK(unmap_address(host_side, address));
  addresses.erase(host_side);
  return forget_learned(host_side);
}

// The addresses first: a packet finds the whole endpoint or none of it. Then the rules, while who
// is killed here still leaves the endpoint behind: its id may be another's next.
Result<> Control::Impl::forget_endpoint(std::uint32_t host_side) {
  const auto ep = endpoints.at(host_side);
  BV_CHECK(forget_addresses(host_side));
  BV_CHECK(follow_endpoint(host_side, true));
  BV_CHECK(dp->ports.write(ep.id, {}));
  if (dp->xdp) BV_CHECK(dp->xdp->devices.erase(host_side));
  BV_CHECK(forget_groups(ep.id));
  BV_CHECK(dp->endpoints.erase(host_side));
  endpoints.erase(host_side);
  return parents.contains(ep.parent) ? sync_flooding(ep.parent) : Result<>{};
}

// To the endpoint and to every copy. Mode l2 alone has ARP and neighbour discovery: behaviour.md,
// "Objects", 2. The copy in `ports` comes after them, so that it shows what a kill left undone.
Result<> Control::Impl::write_settings(std::uint32_t host_side, const bv_endpoint& changed) {
  auto ep = changed;
  ep.owns_gro = endpoints.at(host_side).owns_gro;  // as it is, not as it was
  const bool other_mode = ep.mode != endpoints.at(host_side).mode || stale.contains(host_side);
  if (ep.filter) BV_CHECK(dp->need_filter());
  BV_CHECK(dp->endpoints.replace(host_side, ep));
  endpoints[host_side] = ep;
  if (other_mode) {
    BV_TRY(const auto inner, inner_netlink(ep));
    BV_CHECK(inner.set_arp(ep.inner_ifindex, ep.mode == BV_MODE_L2));
  }
  BV_CHECK(follow_takes_xdp(host_side));
  BV_CHECK(dp->ports.write(ep.id, port_value(host_side, ep)));
  for (const auto& address : addresses[host_side]) BV_CHECK(write_copy(host_side, address));
  BV_TRY(const auto of_traffic, learned(host_side));
  for (const auto& [address, value] : of_traffic) BV_CHECK(write_copy(host_side, address));
  return sync_flooding(ep.parent);
}

// A learned address keeps the moment at which it was used last.
Result<> Control::Impl::write_copy(std::uint32_t host_side, const IpPrefix& address) {
  const auto& ep = endpoints.at(host_side);
  BV_TRY(auto value, find_address(*dp, ep.parent, address));
  if (!value || value->to.host_side != host_side) return {};  // expired since
  value->to = port_value(host_side, ep);
  if (value->age && ep.learn_age) value->age = ep.learn_age;
  return with_map(*dp, ep.parent, address,
                  [&](const auto& map, const auto& key) { return map.write(key, *value); });
}

Result<> Control::Impl::apply_settings(std::uint32_t host_side, const bv_endpoint& changed) {
  const bv_endpoint before = endpoints.at(host_side);
  Undo undo;
  undo.push([&] { (void)write_settings(host_side, before); });
  BV_CHECK(write_settings(host_side, changed));
  if (changed.mode == BV_MODE_L2 && before.mode != BV_MODE_L2) BV_CHECK(list_link_local(host_side));
  undo.release();
  // Last, as it cannot be taken back: the endpoint learns no more, what it has goes.
  return changed.learn_age ? Result<>{} : forget_learned(host_side);
}

Result<> Control::Impl::sync_settings(std::uint32_t host_side) {
  bv_endpoint ep = endpoints.at(host_side);
  const auto& parent = parents.at(ep.parent);
  const auto mode = ep.own_mode ? ep.mode : parent.mode;
  const auto policy = ep.own_policy ? ep.policy : parent.policy;
  const bool filter = ep.own_filter ? ep.filter != 0 : filtered_by_default(mode);
  if (ep.mode == mode && ep.policy == policy && ep.filter == filter && !stale.contains(host_side))
    return {};
  ep.mode = mode;
  ep.policy = policy;
  ep.filter = filter;
  BV_CHECK(apply_settings(host_side, ep));
  stale.erase(host_side);
  return {};
}

}  // namespace bpfvlan
