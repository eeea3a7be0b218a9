// SPDX-License-Identifier: MIT
// What happened behind our back since the last command: devices and namespaces that are gone,
// processes that were killed half-way, a parent whose MAC address or MTU changed.
#include <fmt/core.h>

#include <set>

#include "control_impl.hpp"

namespace bpfvlan {
namespace {

bool is_host_side(const Link& link) {
  return link.kind == "veth" && link.group == kHostSideGroup &&
         link.name.starts_with(kHostSidePrefix);
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
  if (!dp) return {};
  BV_CHECK(follow_parents(links));
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
    if (!gone && (!users.empty() || dp->parent_attached(ifindex))) continue;
    for (const auto host_side : users) {
      BV_CHECK(remove_endpoint(host_side));
      links.erase(host_side);
    }
    if (gone)
      notices.push_back(fmt::format("parent '{}' is gone, and with it {} endpoints", parent.ifname,
                                    users.size()));
    BV_CHECK(detach_parent(ifindex));
  }
  return {};
}

Result<> Control::Impl::drop_gone_endpoints(std::map<std::uint32_t, Link>& links) {
  for (const auto& [host_side, ep] : std::map(endpoints)) {
    const auto link = links.find(host_side);
    if (link != links.end() && link->second.kind == "veth" && link->second.alias == ep.name &&
        parents.contains(ep.parent) && !ep.unfinished) {
      host_names[host_side] = link->second.name;
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

// Devices that never got their endpoint, addresses that lost theirs.
Result<> Control::Impl::drop_orphans(const std::map<std::uint32_t, Link>& links) {
  for (const auto& [ifindex, link] : links) {
    if (!is_host_side(link) || endpoints.contains(ifindex)) continue;
    BV_CHECK(nl.delete_link(ifindex));
    notices.push_back(fmt::format("deleted '{}', left by an unfinished endpoint", link.name));
  }
  if (!dp) return {};
  BV_TRY(const auto all4, dp->addr4.all());
  BV_TRY(const auto all6, dp->addr6.all());
  for (const auto& [key, value] : all4)
    if (!endpoints.contains(value.host_side)) BV_CHECK(dp->addr4.erase(key));
  for (const auto& [key, value] : all6)
    if (!endpoints.contains(value.host_side)) BV_CHECK(dp->addr6.erase(key));
  std::erase_if(addresses, [&](const auto& entry) { return !endpoints.contains(entry.first); });
  return {};
}

// behaviour.md, "Objects", 2: endpoints have the parent's MAC address and follow its MTU.
Result<> Control::Impl::follow_parents(const std::map<std::uint32_t, Link>& links) {
  for (auto& [ifindex, parent] : parents) {
    const Link& link = links.at(ifindex);
    const bool mac_changed = !std::equal(link.mac.begin(), link.mac.end(), parent.mac);
    if (!mac_changed && link.mtu == parent.mtu && link.name == parent.ifname) continue;
    for (const auto host_side : endpoints_of(ifindex)) {
      auto ep = endpoints.at(host_side);
      const auto mtu = ep.own_mtu ? std::min(ep.mtu, link.mtu) : link.mtu;
      auto inner = inner_netlink(ep);
      if (mac_changed) {
        BV_CHECK(nl.set_mac(host_side, link.mac));
        if (inner) BV_CHECK(inner->set_mac(ep.inner_ifindex, link.mac));
      }
      if (mtu != ep.mtu) {
        BV_CHECK(nl.set_mtu(host_side, mtu));
        if (inner) BV_CHECK(inner->set_mtu(ep.inner_ifindex, mtu));
        ep.mtu = mtu;
        BV_CHECK(write_endpoint(host_side, ep));
      }
    }
    std::copy(link.mac.begin(), link.mac.end(), parent.mac);
    parent.mtu = link.mtu;
    copy_text(parent.ifname, link.name);
    BV_CHECK(dp->parents.replace(ifindex, parent));
  }
  return {};
}

}  // namespace bpfvlan
