// SPDX-License-Identifier: MIT
// What happened behind our back since the last command: devices and namespaces that are gone,
// processes that were killed half-way, a parent whose MAC address or MTU changed.
#include <fmt/core.h>

#include <set>

#include "address_maps.hpp"
#include "control_impl.hpp"
#include "endpoint_checks.hpp"
#include "endpoint_device.hpp"
#include "link_local.hpp"

namespace bpfvlan {
namespace {

bool is_host_side(const Link& link) {
  return is_pair(link) && link.group == kHostSideGroup && link.name.starts_with(kHostSidePrefix);
}

}  // namespace

Result<> Control::Impl::reconcile() {
  BV_TRY(const auto list, nl.links());
  std::map<std::uint32_t, Link> links;
  for (const auto& link : list) links.emplace(link.ifindex, link);

  if (dp) {
    BV_CHECK(drop_gone_parents(links));
    BV_CHECK(drop_gone_endpoints(links));
  }
  BV_CHECK(drop_orphans(links));
  BV_CHECK(drop_gone_hairpins(links));
  if (!dp) return {};
  BV_CHECK(follow_parents(links));
  BV_CHECK(follow_xdp(links));
  for (const auto& [host_side, ep] : std::map(endpoints)) {
    if (const auto done = sync_settings(host_side); !done)
      notices.push_back(fmt::format("endpoint '{}' does not follow '{}': {}", ep.name,
                                    parents.at(ep.parent).ifname, done.error().what));
  }
  for (const auto& [ifindex, parent] : std::map(parents)) BV_CHECK(sync_flooding(ifindex));
  if (anybody_learns()) BV_CHECK(sync_host_addresses());
  BV_CHECK(follow_link_locals());
  BV_CHECK(follow_takers());
  dp->remove_stale_links([&](std::uint32_t ifindex) {
    return parents.contains(ifindex) || endpoints.contains(ifindex);
  });
  return remove_if_unused();
}

// Like the driver, which deletes its interfaces when theirs goes. A parent that an interrupted
// `attach` or `detach` left without its programs is forgotten unless it has endpoints.
Result<> Control::Impl::drop_gone_parents(std::map<std::uint32_t, Link>& links) {
  for (const auto& [ifindex, parent] : std::map(parents)) {
    const bool gone = !links.contains(ifindex);
    const auto users = endpoints_of(ifindex);
    if (!gone && (!users.empty() || parent.detached || dp->parent_attached(ifindex))) continue;
    for (const auto host_side : users) {
      BV_CHECK(remove_endpoint(host_side));
      links.erase(host_side);
    }
    notices.push_back(
        gone ? fmt::format("parent '{}' is gone, and with it {} endpoints", parent.ifname,
                           users.size())
             : fmt::format("parent '{}' has lost its programs: forgotten", parent.ifname));
    BV_CHECK(detach_parent(ifindex));
  }
  return {};
}

Result<> Control::Impl::drop_gone_endpoints(std::map<std::uint32_t, Link>& links) {
  for (const auto& [host_side, ep] : std::map(endpoints)) {
    const auto link = links.find(host_side);
    if (link != links.end() && is_host_side_of(link->second, ep) && parents.contains(ep.parent) &&
        !ep.unfinished) {
      host_names[host_side] = link->second.name;
      if (link->second.alias != ep.name) BV_CHECK(nl.set_alias(host_side, ep.name));
      continue;
    }
    const std::string name = ep.name;
    if (ep.unfinished) {
      BV_CHECK(remove_endpoint(host_side));
      links.erase(host_side);
      notices.push_back(fmt::format("endpoint '{}' was left unfinished: deleted", name));
      continue;
    }
    BV_CHECK(dp->detach_host_side(host_side));
    BV_CHECK(forget_endpoint(host_side));
    notices.push_back(fmt::format("endpoint '{}': its device or namespace is gone", name));
  }
  return {};
}

// Devices that never got their endpoint, addresses that lost theirs or have expired. A host side
// that has its program is no orphan, though its endpoint is not to be seen: the pins are in another
// BPF file system, such as another mount namespace's.
Result<> Control::Impl::drop_orphans(const std::map<std::uint32_t, Link>& links) {
  for (const auto& [ifindex, link] : links) {
    if (!is_host_side(link) || endpoints.contains(ifindex)) continue;
    if (hook_has_program(ifindex, Direction::Ingress)) {
      notices.push_back(
          fmt::format("'{}' belongs to an endpoint ('{}') that is not in this BPF "
                      "file system: left alone",
                      link.name, link.alias));
      continue;
    }
    BV_CHECK(nl.delete_link(ifindex));
    notices.push_back(fmt::format("deleted '{}', left by an unfinished endpoint", link.name));
  }
  if (!dp) return {};
  BV_TRY(const auto all4, dp->addr4.all());
  BV_TRY(const auto all6, dp->addr6.all());
  const auto nobodys = [&](const bv_addr& value) {
    const auto ep = endpoints.find(value.to.host_side);
    if (ep == endpoints.end()) return true;
    return value.age && (expired(value) || !ep->second.learn_age);
  };
  for (const auto& [key, value] : all4)
    if (nobodys(value)) BV_CHECK(dp->addr4.erase(key));
  for (const auto& [key, value] : all6)
    if (nobodys(value)) BV_CHECK(dp->addr6.erase(key));
  std::erase_if(addresses, [&](const auto& entry) { return !endpoints.contains(entry.first); });
  return {};
}

// behaviour.md, "Objects", 2: endpoints have the parent's MAC address and follow its MTU.
Result<> Control::Impl::follow_parents(const std::map<std::uint32_t, Link>& links) {
  for (auto& [ifindex, parent] : parents) {
    const Link& link = links.at(ifindex);
    const bool same_mac = std::equal(link.mac.begin(), link.mac.end(), parent.mac);
    if (same_mac && link.mtu == parent.mtu && link.name == parent.ifname) continue;
    // What one endpoint refuses must not keep others, or this command, from going on.
    for (const auto host_side : endpoints_of(ifindex))
      if (const auto done = follow_parent(host_side, link); !done)
        notices.push_back(fmt::format("endpoint '{}' does not follow '{}': {}",
                                      endpoints.at(host_side).name, link.name, done.error().what));
    std::copy(link.mac.begin(), link.mac.end(), parent.mac);
    parent.mtu = link.mtu;
    copy_text(parent.ifname, link.name);
    BV_CHECK(dp->parents.replace(ifindex, parent));
  }
  return {};
}

// Whoever is given a MAC address, even its own, forgets its neighbours.
static Result<> take_mac(const Netlink& nl, std::uint32_t ifindex, const Mac& mac) {
  BV_TRY(const auto link, nl.link(ifindex));
  return link && link->mac == mac ? Result<>{} : nl.set_mac(ifindex, mac);
}

Result<> Control::Impl::follow_parent(std::uint32_t host_side, const Link& parent) {
  auto ep = endpoints.at(host_side);
  BV_TRY(const auto inner_ns, inner_netns(ep));
  BV_TRY(const auto inner, netlink_in(inner_ns));
  BV_CHECK(take_mac(nl, host_side, parent.mac));
  BV_CHECK(take_mac(inner, ep.inner_ifindex, parent.mac));
  const auto mtu = ep.own_mtu ? std::min(ep.own_mtu, parent.mtu) : parent.mtu;
  if (mtu == ep.mtu) return {};
  BV_CHECK(nl.set_mtu(host_side, mtu));
  BV_CHECK(prepare_host_side(host_names.at(host_side)));  // below 1,280 its IPv6 was taken down
  const bool ipv6_begins = ep.mtu < kMinMtu6 && mtu >= kMinMtu6;
  BV_CHECK(inner.set_mtu(ep.inner_ifindex, mtu));
  if (ipv6_begins) BV_CHECK(renew_link_local(inner_ns, inner, ep.inner_ifindex));
  ep.mtu = mtu;
  return write_endpoint(host_side, ep);
}

}  // namespace bpfvlan
