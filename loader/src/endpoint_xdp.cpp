// SPDX-License-Identifier: MIT
// Endpoints that XDP at the parent hands their frames: for whom that is of use, it is another XDP
// program in their namespace. Refused wherever frames would arrive broken, or not at all.
#include <fmt/core.h>

#include "control_impl.hpp"
#include "endpoint_device.hpp"
#include "ethtool.hpp"
#include "xdp.hpp"

namespace bpfvlan {
namespace {

Result<> cannot(const char* name, const std::string& why) {
  return refuse(std::errc::operation_not_supported,
                fmt::format("endpoint '{}' cannot take XDP: {}", name, why));
}

struct OtherEnd {
  Netns netns;
  std::string name;
};

// Of a veth pair, wherever it is by now.
Result<std::optional<OtherEnd>> other_end(const Netlink& nl, const Link& link) {
  std::optional<OtherEnd> none;
  std::optional<Netns> ns;
  if (!link.peer_netns) {
    BV_TRY(ns, Netns::current());
  } else {
    BV_TRY(ns, Netns::search([&](const Netns& n) {
             const auto id = nl.id_of_netns(n.fd());
             return id && *id == link.peer_netns;
           }));
  }
  if (!ns) return none;
  BV_TRY(const auto there, netlink_in(*ns));
  BV_TRY(const auto peer, there.link(static_cast<std::uint32_t>(link.peer_ifindex)));
  if (!peer) return none;
  return std::optional(OtherEnd{std::move(*ns), peer->name});
}

}  // namespace

Result<> Control::Impl::check_takes_xdp(const bv_endpoint& ep) const {
  const auto& parent = parents.at(ep.parent);
  if (parent.xdp == BV_XDP_OFF)
    return cannot(ep.name, fmt::format("'{0}' has none: `attach {0} --xdp native`", parent.ifname));
  if (parent.xdp == BV_XDP_GENERIC)
    return cannot(ep.name, fmt::format("'{0}' has it in generic mode, where it gains nothing: "
                                       "`attach {0} --xdp native`",
                                       parent.ifname));
  if (ep.device != BV_DEVICE_VETH)
    return cannot(ep.name, fmt::format("it is a {} pair, which has none", to_string(ep.device)));
  if (ep.in_parent_netns)
    return cannot(ep.name,
                  "it is in the parent's own namespace, whose programs can have the "
                  "parent itself");
  if (ep.filter) return cannot(ep.name, "it is filtered, and XDP would go past the filter");
  return {};
}

Result<> Control::Impl::check_takers(std::uint32_t ifindex, const bv_parent& changed) const {
  for (const auto host_side : endpoints_of(ifindex)) {
    const auto& ep = endpoints.at(host_side);
    if (!ep.takes_xdp) continue;
    if (changed.xdp != BV_XDP_NATIVE)
      return refuse(std::errc::device_or_resource_busy,
                    fmt::format("endpoint '{0}' takes XDP, which needs --xdp native at '{1}': "
                                "`endpoint set {0} --xdp off` first",
                                ep.name, changed.ifname));
    if (!ep.own_filter && !ep.own_mode && filtered_by_default(changed.mode))
      return refuse(std::errc::device_or_resource_busy,
                    fmt::format("endpoint '{0}' takes XDP, and in mode {1} it would be filtered: "
                                "`endpoint set {0} --xdp off` or `--filter off` first",
                                ep.name, to_string(changed.mode)));
  }
  return {};
}

// XDP frames know nothing of checksums that are left to a device. What comes by a wire has none.
Result<> Control::Impl::check_checksums(std::uint32_t ifindex) const {
  BV_TRY(const auto link, nl.link(ifindex));
  if (!link || link->kind != kVeth) return {};
  BV_TRY(const auto end, other_end(nl, *link));
  if (!end)
    return refuse(std::errc::no_such_device,
                  fmt::format("the other end of '{}' is in a namespace without a name and without "
                              "a process: whether its senders finish their checksums cannot be "
                              "known",
                              link->name));
  BV_TRY(const auto in, InNetns::enter(end->netns.fd()));
  BV_TRY(const bool left, finishes_checksums(end->name));
  if (!left) return {};
  return refuse(std::errc::operation_not_supported,
                fmt::format("senders leave checksums to '{0}', the other end of '{1}', and XDP "
                            "hands on frames without them (their TCP would stand still): "
                            "`ethtool -K {0} tx off` there",
                            end->name, link->name));
}

// A veth takes frames from XDP only if its other side receives by NAPI, which GRO switches on
// there. An XDP program there would too, but there may be none yet, or none any more.
Result<> Control::Impl::switch_gro(std::uint32_t host_side, bool on) {
  auto& ep = endpoints.at(host_side);
  BV_TRY(const auto ns, inner_netns(ep));
  BV_TRY(const auto inner, netlink_in(ns));
  BV_TRY(const auto link, inner.link(ep.inner_ifindex));
  if (!link)
    return refuse(std::errc::no_such_device,
                  fmt::format("the interface of endpoint '{}' is not in its namespace", ep.name));
  BV_TRY(const auto in, InNetns::enter(ns.fd()));
  BV_TRY(const bool is_on, has_gro(link->name));
  if (on && !is_on) {
    ep.owns_gro = 1;  // noted before it is so
    BV_CHECK(dp->endpoints.write(host_side, ep));
    return set_gro(link->name, true);
  }
  if (on) return {};
  BV_CHECK(set_gro(link->name, false));
  ep.owns_gro = 0;
  return dp->endpoints.write(host_side, ep);
}

// Nothing is handed over before the endpoint can take it, nor after.
Result<> Control::Impl::follow_takes_xdp(std::uint32_t host_side) {
  const auto& ep = endpoints.at(host_side);
  if (ep.takes_xdp) {
    BV_CHECK(switch_gro(host_side, true));
    return dp->xdp->devices.write(host_side, host_side);
  }
  if (dp->xdp) BV_CHECK(dp->xdp->devices.erase(host_side));
  return ep.owns_gro ? switch_gro(host_side, false) : Result<>{};
}

// What somebody changed since.
Result<> Control::Impl::follow_takers() {
  std::set<std::uint32_t> with_takers;
  for (const auto& [host_side, ep] : endpoints)
    if (ep.takes_xdp) with_takers.insert(ep.parent);
  for (const auto parent : with_takers)
    if (const auto good = check_checksums(parent); !good)
      notices.push_back(fmt::format("endpoints of '{}' take XDP, but {}", parents.at(parent).ifname,
                                    good.error().what));
  return {};
}

}  // namespace bpfvlan
