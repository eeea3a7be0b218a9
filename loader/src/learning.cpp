// SPDX-License-Identifier: MIT
// Addresses that the programs take from an endpoint's traffic, and those that they must not.
#include <fmt/core.h>

#include <set>

#include "address_maps.hpp"
#include "control_impl.hpp"

namespace bpfvlan {
namespace {

// As the map `host_addrs` has it.
std::array<std::uint8_t, 16> mapped(const IpPrefix& a) {
  if (a.family != AF_INET) return a.addr;
  std::array<std::uint8_t, 16> out{};
  out[10] = out[11] = 0xff;
  std::copy_n(a.addr.begin(), 4, out.begin() + 12);
  return out;
}

bv_host_addr host_key(const std::array<std::uint8_t, 16>& addr) {
  bv_host_addr key{};
  std::copy(addr.begin(), addr.end(), key.addr);
  return key;
}

}  // namespace

// From the maps each time: the programs add and take away while we look.
Result<std::vector<Control::Impl::Learned>> Control::Impl::learned(std::uint32_t host_side) const {
  const auto& ep = endpoints.at(host_side);
  std::vector<Learned> out;
  BV_TRY(const auto state, dp->ep_state.find(ep.id));
  if (!state || !state->learned_hand) return out;
  for (std::uint32_t slot = 0; slot < BV_ENDPOINT_LEARNED; ++slot) {
    BV_TRY(const auto entry, dp->learned.find({.id = ep.id, .slot = slot}));
    if (!entry) continue;
    IpPrefix address;
    address.family = static_cast<int>(entry->family);
    address.length = address.family == AF_INET ? 32 : 128;
    std::copy(std::begin(entry->addr), std::end(entry->addr), address.addr.begin());
    const bool twice = std::any_of(out.begin(), out.end(), [&](const auto& other) {
      return other.address.same_address(address);
    });
    BV_TRY(const auto value, find_address(*dp, ep.parent, address));
    if (!twice && value && value->age && value->to.host_side == host_side)
      out.push_back({address, *value});
  }
  return out;
}

Result<> Control::Impl::forget_learned(std::uint32_t host_side) {
  const auto& ep = endpoints.at(host_side);
  BV_TRY(const auto list, learned(host_side));
  for (const auto& [address, value] : list) BV_CHECK(unmap_address(host_side, address));
  BV_TRY(const auto state, dp->ep_state.find(ep.id));
  if (!state || !state->learned_hand) return {};
  for (std::uint32_t slot = 0; slot < BV_ENDPOINT_LEARNED; ++slot)
    BV_CHECK(dp->learned.erase({.id = ep.id, .slot = slot}));
  return {};
}

bool Control::Impl::anybody_learns() const {
  return std::any_of(endpoints.begin(), endpoints.end(),
                     [](const auto& entry) { return entry.second.learn_age != 0; });
}

// Addresses of all interfaces of the parent's namespace that are no endpoint's. The parents' come
// first, should the map be too small for all.
Result<> Control::Impl::sync_host_addresses() {
  BV_TRY(auto found, nl.all_addresses());
  std::erase_if(found, [&](const auto& entry) {
    return std::any_of(endpoints.begin(), endpoints.end(), [&](const auto& e) {
      return e.second.in_parent_netns && e.second.inner_ifindex == entry.first;
    });
  });
  std::stable_partition(found.begin(), found.end(),
                        [&](const auto& entry) { return parents.contains(entry.first); });
  std::set<std::array<std::uint8_t, 16>> wanted;
  for (const auto& [ifindex, address] : found)
    if (wanted.size() < BV_MAX_HOST_ADDRS) wanted.insert(mapped(address));
  if (found.size() > BV_MAX_HOST_ADDRS)
    notices.push_back(
        fmt::format("this namespace has {} addresses: only {} are kept from being "
                    "learned by endpoints",
                    found.size(), BV_MAX_HOST_ADDRS));

  BV_TRY(const auto known, dp->host_addrs.all());
  for (const auto& [key, one] : known) {
    std::array<std::uint8_t, 16> addr{};
    std::copy(std::begin(key.addr), std::end(key.addr), addr.begin());
    if (!wanted.erase(addr)) BV_CHECK(dp->host_addrs.erase(key));
  }
  for (const auto& addr : wanted) BV_CHECK(dp->host_addrs.write(host_key(addr), 1));
  return forget_taken(found);
}

// The host got an address that an endpoint had learned before: now it is the host's.
Result<> Control::Impl::forget_taken(
    const std::vector<std::pair<std::uint32_t, IpPrefix>>& of_host) {
  for (const auto& [ifindex, address] : of_host) {
    for (const auto& [parent, ignored] : parents) {
      BV_TRY(const auto value, find_address(*dp, parent, address));
      if (!value || !value->age || !endpoints.contains(value->to.host_side)) continue;
      BV_CHECK(unmap_address(value->to.host_side, address));
      notices.push_back(
          fmt::format("address {} is the host's: endpoint '{}', which had learned "
                      "it, has lost it",
                      address.address(), endpoints.at(value->to.host_side).name));
    }
  }
  return {};
}

}  // namespace bpfvlan
