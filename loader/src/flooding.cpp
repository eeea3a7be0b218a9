// SPDX-License-Identifier: MIT
// Broadcast and multicast: who of a parent's endpoints hears them, as far as the programs do not
// find out by themselves (schema.h, `members`), and that the parent lets them in.
#include <linux/if.h>

#include <algorithm>

#include "control_impl.hpp"

namespace bpfvlan {

// The driver pushes each endpoint's groups down to the parent's filter. The programs learn groups
// without a process that could; so the parent receives all of them while it has l2 endpoints.
Result<> Control::Impl::sync_flooding(std::uint32_t ifindex) {
  std::vector<std::uint32_t> ids;
  for (const auto& [host_side, ep] : endpoints)
    if (ep.parent == ifindex && ep.mode == BV_MODE_L2) ids.push_back(ep.id);
  auto parent = parents.at(ifindex);
  BV_CHECK(sync_everybody(parent, ids));
  const auto count = static_cast<std::uint32_t>(ids.size());
  if (!count && !parent.l2_endpoints) return {};

  BV_TRY(const auto link, nl.link(ifindex));
  const bool receives_all = link && (link->flags & IFF_ALLMULTI);
  const bool was_ours = parent.owns_allmulti;
  const bool wants = link && count && !receives_all;
  // Noted before it is done, and undone before it is forgotten.
  if (!count && was_ours && link) BV_CHECK(nl.set_allmulti(ifindex, false));
  parent.owns_allmulti = count && (was_ours || wants);
  if (parent.l2_endpoints != count || parent.owns_allmulti != was_ours) {
    parent.l2_endpoints = count;
    BV_CHECK(dp->parents.replace(ifindex, parent));
    parents[ifindex] = parent;
  }
  return wants ? nl.set_allmulti(ifindex, true) : Result<>{};
}

// The endpoints of a chunk before the chunk: who is announced is there.
Result<> Control::Impl::sync_everybody(const bv_parent& parent,
                                       const std::vector<std::uint32_t>& ids) {
  const std::uint32_t bucket = BV_GROUP_BUCKETS + parent.index;
  std::vector<std::uint64_t> hints(dp->chunks());
  bv_group_chunks chunks{};
  for (const auto id : ids) {
    const auto chunk = id / 64;
    hints[chunk] |= 1ULL << id % 64;
    chunks.words[chunk / 64] |= 1ULL << chunk % 64;
  }
  auto& known = everybody[parent.index];
  known.resize(hints.size());
  for (std::uint32_t c = 0; c < hints.size(); ++c) {
    const auto at = bucket * dp->chunks() + c;
    if (!known[c]) {
      BV_TRY(known[c], dp->group_hints.find(at));
    }
    if (*known[c] == hints[c]) continue;
    BV_CHECK(dp->group_hints.write(at, hints[c]));
    known[c] = hints[c];
  }
  return dp->group_chunks.write(bucket, chunks);
}

// Bits in the buckets stay, as the programs write them at any time; they decide nothing.
Result<> Control::Impl::forget_groups(std::uint32_t id) {
  BV_TRY(const auto state, dp->ep_state.find(id));
  if (state && state->groups) {
    BV_TRY(const auto all, dp->members.all());
    for (const auto& [key, groups] : all)
      if (key.id == id) BV_CHECK(dp->members.erase(key));
  }
  BV_CHECK(forget_requests(id));
  return dp->ep_state.write(id, {});
}

// An answer that comes late is nobody's, not the next endpoint's with this id.
Result<> Control::Impl::forget_requests(std::uint32_t id) {
  for (std::uint32_t at = id * BV_ENDPOINT_DHCP; at < (id + 1) * BV_ENDPOINT_DHCP; ++at) {
    BV_TRY(const auto asked, dp->dhcp_slots.find(at));
    if (!asked || !asked->parent) continue;
    BV_TRY(const auto holder, dp->dhcp.find(*asked));
    if (holder == id) BV_CHECK(dp->dhcp.erase(*asked));
    BV_CHECK(dp->dhcp_slots.write(at, {}));
  }
  return {};
}

}  // namespace bpfvlan
