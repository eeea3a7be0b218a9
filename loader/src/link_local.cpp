// SPDX-License-Identifier: MIT
// The link-local addresses that endpoints make themselves are listed for them in mode l2: nobody
// types those. The interface decides which they are.
#include "link_local.hpp"

#include <fmt/core.h>
#include <linux/if_link.h>

#include <fstream>

#include "control_impl.hpp"
#include "endpoint_checks.hpp"
#include "endpoint_device.hpp"

namespace bpfvlan {
namespace {

bool is_link_local(const IpPrefix& a) {
  return a.family == AF_INET6 && a.addr[0] == 0xfe && (a.addr[1] & 0xc0) == 0x80;
}

Result<std::vector<IpPrefix>> link_locals(const Netlink& nl, std::uint32_t ifindex) {
  BV_TRY(auto all, nl.addresses(ifindex, AF_INET6));
  std::erase_if(all, [](const auto& a) { return !is_link_local(a); });
  return all;
}

std::string conf(const std::string& ifname, const char* setting) {
  return fmt::format("/proc/sys/net/ipv6/conf/{}/{}", ifname, setting);
}

// In the namespace the thread is in. None: no IPv6 there, or an MTU below 1,280.
std::optional<int> read_conf(const std::string& ifname, const char* setting) {
  std::ifstream file(conf(ifname, setting));
  int value = 0;
  return file >> value ? std::optional(value) : std::nullopt;
}

// Will the kernel make one, if it has not done so?
Result<bool> makes_link_local(const Netns& ns, const std::string& ifname) {
  BV_TRY(const auto in, InNetns::enter(ns.fd()));
  const auto mode = read_conf(ifname, "addr_gen_mode");
  return read_conf(ifname, "disable_ipv6") == 0 && mode && mode != IN6_ADDR_GEN_MODE_NONE;
}

bool contains(const std::vector<IpPrefix>& list, const IpPrefix& address) {
  return std::any_of(list.begin(), list.end(),
                     [&](const auto& a) { return a.same_address(address); });
}

}  // namespace

// An interface that gets IPv6 anew starts with the namespace's settings, and with an address made
// by them, which may follow from the MAC address.
Result<> renew_link_local(const Netns& ns, const Netlink& nl, std::uint32_t ifindex) {
  BV_TRY(const auto link, nl.link(ifindex));
  if (!link) return {};
  BV_TRY(const auto before, link_locals(nl, ifindex));
  {
    BV_TRY(const auto in, InNetns::enter(ns.fd()));
    if (read_conf(link->name, "addr_gen_mode") == IN6_ADDR_GEN_MODE_RANDOM) return {};
    std::ofstream file(conf(link->name, "addr_gen_mode"));
    if (!(file << IN6_ADDR_GEN_MODE_RANDOM << std::flush)) return {};  // no IPv6 after all
  }
  for (const auto& address : before) BV_CHECK(nl.delete_address(ifindex, address));
  return {};
}

Result<> Control::Impl::list_link_local(std::uint32_t host_side) {
  const auto& ep = endpoints.at(host_side);
  BV_TRY(const auto ns, inner_netns(ep));
  BV_TRY(const auto inner, netlink_in(ns));
  BV_TRY(const auto link, inner.link(ep.inner_ifindex));
  if (!link || !link->running) return {};
  BV_TRY(const bool comes, makes_link_local(ns, link->name));
  if (!comes) return {};
  BV_CHECK(
      wait_for(fmt::format("the link-local address of '{}'", link->name), [&]() -> Result<bool> {
        BV_TRY(const auto found, link_locals(inner, ep.inner_ifindex));
        return !found.empty();
      }));
  return follow_link_local(host_side, inner);
}

// An interface without any is down, or moved away: what it had stays.
Result<> Control::Impl::follow_link_local(std::uint32_t host_side, const Netlink& inner) {
  const auto& ep = endpoints.at(host_side);
  BV_TRY(const auto found, link_locals(inner, ep.inner_ifindex));
  if (found.empty()) return {};
  for (const auto& known : std::vector(addresses[host_side]))
    if (is_link_local(known) && !contains(found, known)) BV_CHECK(unmap_address(host_side, known));
  for (const auto& address : found) {
    if (contains(addresses[host_side], address)) continue;
    BV_CHECK(check_addresses(*this, ep.parent, {address}, host_side));
    BV_CHECK(map_address(host_side, address));
  }
  return {};
}

// One visit to each namespace. What is to be found by its name no more is left alone: looking for
// it elsewhere would be a search through all processes, in every command.
Result<> Control::Impl::follow_link_locals() {
  std::map<std::uint64_t, std::vector<std::uint32_t>> by_netns;
  for (const auto& [host_side, ep] : endpoints)
    if (ep.mode == BV_MODE_L2) by_netns[ep.netns_cookie].push_back(host_side);
  for (const auto& [cookie, host_sides] : by_netns) {
    const auto& hint = endpoints.at(host_sides.front()).netns;
    const auto ns = hint[0] ? Netns::open(hint) : Netns::current();
    if (!ns || ns->cookie() != cookie) continue;
    BV_TRY(const auto inner, netlink_in(*ns));
    for (const auto host_side : host_sides) {
      const auto done = follow_link_local(host_side, inner);
      if (!done && done.error().code != std::errc::no_such_device)
        notices.push_back(fmt::format("the link-local address of endpoint '{}' is not listed: {}",
                                      endpoints.at(host_side).name, done.error().what));
    }
  }
  return {};
}

}  // namespace bpfvlan
