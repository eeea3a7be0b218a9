// SPDX-License-Identifier: MIT
// XDP in front of a parent.
#include <fmt/core.h>

#include "control_impl.hpp"
#include "ethtool.hpp"
#include "undo.hpp"
#include "xdp.hpp"
#include "xdp_dispatcher.hpp"

namespace bpfvlan {

// Noted first: who is killed leaves a program that the next command takes off.
Result<> Control::Impl::xdp_off(std::uint32_t ifindex) {
  auto& parent = parents.at(ifindex);
  parent.xdp = BV_XDP_OFF;
  BV_CHECK(dp->parents.replace(ifindex, parent));
  BV_CHECK(dp->detach_xdp(ifindex, parent.xdp_shared != 0));
  if (!parent.xdp_shared) return {};
  parent.xdp_shared = 0;
  return dp->parents.replace(ifindex, parent);
}

// Noted last, for the same reason; that it is one of a dispatcher's, before.
Result<> Control::Impl::xdp_on(const Link& link, XdpMode mode) {
  BV_TRY(const auto holder, xdp_holder(link));
  const bool shared = holder && is_dispatcher(*holder);
  if (!shared) BV_CHECK(check_xdp_free(link));
  if (shared && holder->mode != mode)
    return refuse(std::errc::device_or_resource_busy,
                  fmt::format("'{}' has libxdp's dispatcher, in {} mode: --xdp {} would join it",
                              link.name, to_string(holder->mode), to_string(holder->mode)));
  BV_CHECK(dp->need_xdp());
  auto& parent = parents.at(link.ifindex);
  parent.xdp_shared = shared;
  BV_CHECK(dp->parents.replace(link.ifindex, parent));
  Undo undo;
  undo.push([this, &link] { (void)xdp_off(link.ifindex); });
  BV_CHECK(dp->attach_xdp(link, mode, shared));
  parent.xdp = mode;
  BV_CHECK(dp->parents.replace(link.ifindex, parent));
  undo.release();
  return {};
}

// The kernel takes one mode at a time: in between the programs on TC do it all, as they do without.
Result<> Control::Impl::set_xdp(const Link& link, XdpMode mode) {
  const auto before = parents.at(link.ifindex);
  const auto had = static_cast<XdpMode>(before.xdp);
  if (had == mode && (mode == BV_XDP_OFF || dp->xdp_attached(link.ifindex, before.xdp_shared != 0)))
    return {};
  Undo undo;
  undo.push([this, &link, had] {
    if (had != BV_XDP_OFF && !xdp_on(link, had)) {
      auto& parent = parents.at(link.ifindex);  // asked for still, and put back by `attach`
      parent.xdp = had;
      (void)dp->parents.replace(link.ifindex, parent);
    }
  });
  BV_CHECK(xdp_off(link.ifindex));
  if (mode != BV_XDP_OFF) BV_CHECK(xdp_on(link, mode));
  undo.release();
  return {};
}

// What was killed between a program and its note.
Result<> Control::Impl::follow_xdp(const std::map<std::uint32_t, Link>& links) {
  for (const auto& [ifindex, parent] : std::map(parents)) {
    if (parent.detached || !links.contains(ifindex)) continue;
    const bool there = dp->xdp_attached(ifindex, parent.xdp_shared != 0);
    if (parent.xdp == BV_XDP_OFF && (there || parent.xdp_shared)) {
      BV_CHECK(xdp_off(ifindex));
      notices.push_back(fmt::format("XDP of '{}' was left unfinished: off", parent.ifname));
    } else if (parent.xdp != BV_XDP_OFF && !there) {
      notices.push_back(
          fmt::format("'{}' has lost its XDP program: `attach` puts it back", parent.ifname));
    }
  }
  return {};
}

Result<std::vector<std::string>> Control::xdp_notes(const std::string& name) const {
  const auto& c = *impl_;
  BV_TRY(const auto ifindex, c.find_parent(name));
  std::vector<std::string> notes;
  if (c.parents.at(ifindex).xdp == BV_XDP_OFF) return notes;
  BV_TRY(const auto links, c.nl.links());
  const bool has_vlans = std::any_of(links.begin(), links.end(), [&](const Link& link) {
    return link.kind == "vlan" && !link.peer_netns &&
           link.peer_ifindex == static_cast<int>(ifindex);
  });
  const auto takes_out = takes_tags_out(name);
  if (has_vlans && takes_out && *takes_out)
    notes.push_back(
        fmt::format("'{}' has VLAN devices, and its driver takes tags out of frames, which XDP "
                    "then takes for untagged ones: `ethtool -K {} rxvlan off`",
                    name, name));
  return notes;
}

}  // namespace bpfvlan
