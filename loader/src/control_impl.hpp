// SPDX-License-Identifier: MIT
// The inside of Control: the maps' contents read once under the lock, and kept in step with them.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bpfvlan/control.hpp"
#include "bpfvlan/netns.hpp"
#include "bpfvlan/rules.hpp"
#include "datapath.hpp"
#include "netlink.hpp"

namespace bpfvlan {

// Marks the host sides as ours from the moment they exist: what a killed `endpoint add` left
// behind is recognised by group, name prefix and kind together.
inline constexpr std::uint32_t kHostSideGroup = 0xb9f1;
inline constexpr std::string_view kHostSidePrefix = "bpfv";

struct ParentRules {
  std::uint32_t generation = 0;                                     // 0: it has none
  RuleChains chains{};                                              // without counts
  std::array<std::vector<std::uint32_t>, BV_CHAIN_MAX> counters{};  // of each rule
};

struct Control::Impl {
  // In order of destruction, last first: leave the namespace after all else is closed.
  Netns parent_netns;
  std::optional<InNetns> inside;
  UniqueFd lock;
  std::string dir;
  Netlink nl;
  std::optional<Datapath> dp;                                // none until a parent is attached
  std::map<std::uint32_t, bv_parent> parents;                // by ifindex
  std::map<std::uint32_t, bv_endpoint> endpoints;            // by ifindex of the host side
  std::map<std::uint32_t, std::vector<IpPrefix>> addresses;  // likewise; those listed
  std::map<std::uint32_t, std::string> host_names;           // interface names of the host sides
  std::set<std::uint32_t> stale;  // host sides whose copies are out of date
  // What `group_hints` has in each parent's bucket, by bv_parent.index; read when first needed.
  std::map<std::uint32_t, std::vector<std::optional<std::uint64_t>>> everybody;
  std::map<std::uint32_t, ParentRules> rules;  // by ifindex of the parent, if it has any
  bool rules_loaded = false;                   // when first needed
  std::vector<std::string> notices;

  // state.cpp
  Result<> load();
  Result<std::uint32_t> find_parent(const std::string& name) const;
  Result<std::uint32_t> find_endpoint(const std::string& name) const;
  struct Owner {
    std::uint32_t host_side;
    std::string name;
    bool learned;
  };
  Result<std::optional<Owner>> owner(std::uint32_t parent, const IpPrefix& address) const;
  // The lowest whose host side's name is free too; none: as many as the maps hold.
  Result<std::optional<std::uint32_t>> free_id() const;
  std::vector<std::uint32_t> endpoints_of(std::uint32_t parent) const;

  // state.cpp: one write each, to the maps and to what is kept here.
  Result<> write_endpoint(std::uint32_t host_side, const bv_endpoint& ep);
  Result<> map_address(std::uint32_t host_side, const IpPrefix& address);
  Result<> unmap_address(std::uint32_t host_side, const IpPrefix& address);
  Result<> forget_addresses(std::uint32_t host_side);
  Result<> forget_endpoint(std::uint32_t host_side);
  Result<> write_settings(std::uint32_t host_side, const bv_endpoint& ep);
  Result<> write_copy(std::uint32_t host_side, const IpPrefix& address);
  Result<> apply_settings(std::uint32_t host_side, const bv_endpoint& changed);
  // Inherits what it does not have of its own, and its addresses' copies with it.
  Result<> sync_settings(std::uint32_t host_side);

  // learning.cpp
  struct Learned {
    IpPrefix address;
    bv_addr value;
  };
  Result<std::vector<Learned>> learned(std::uint32_t host_side) const;
  Result<> forget_learned(std::uint32_t host_side);
  bool anybody_learns() const;
  Result<> sync_host_addresses();
  Result<> forget_taken(const std::vector<std::pair<std::uint32_t, IpPrefix>>& of_host);

  // link_local.cpp
  // Lists what the inner side has; `add` waits until it has one.
  Result<> list_link_local(std::uint32_t host_side);
  Result<> follow_link_local(std::uint32_t host_side, const Netlink& inner);
  Result<> follow_link_locals();

  // flooding.cpp
  // What the programs need to know of a parent's l2 endpoints, and its reception of all multicast.
  Result<> sync_flooding(std::uint32_t parent);
  Result<> sync_everybody(const bv_parent& parent, const std::vector<std::uint32_t>& ids);
  Result<> forget_groups(std::uint32_t id);
  Result<> forget_requests(std::uint32_t id);  // DHCP's

  // control_rules.cpp
  Result<> load_rules();
  Result<ParentRules> rules_of(std::uint32_t parent);
  // Compiled as if the endpoint `without` were not there.
  Result<> write_rules(std::uint32_t parent, ParentRules changed,
                       std::optional<std::uint32_t> without = {});
  Result<std::vector<std::uint32_t>> free_counters(std::size_t count,
                                                   std::optional<std::uint32_t> but_of) const;
  Result<> check_endpoint_of(const Rule& rule, std::uint32_t parent,
                             const ParentRules& before) const;
  enum class Place { Append, Insert, Replace };
  Result<> put_rule(const std::string& parent, bv_chain chain, const Rule& rule, Place place,
                    std::size_t number = 0);
  // Rules know endpoints by their ids: one that comes or leaves changes those that name it.
  Result<> follow_endpoint(std::uint32_t host_side, bool leaves);
  Result<> zero_policy_counts(const bv_parent& parent) const;
  Result<> forget_rules(std::uint32_t parent);

  // reconcile.cpp
  Result<> reconcile();
  Result<> drop_gone_parents(std::map<std::uint32_t, Link>& links);
  Result<> drop_gone_endpoints(std::map<std::uint32_t, Link>& links);
  Result<> drop_orphans(const std::map<std::uint32_t, Link>& links);
  Result<> follow_parents(const std::map<std::uint32_t, Link>& links);
  Result<> follow_parent(std::uint32_t host_side, const Link& parent);

  // control_parent.cpp
  Result<> remove_endpoint(std::uint32_t host_side);
  Result<> change_parent(std::uint32_t ifindex, const bv_parent& changed);
  std::uint32_t free_index() const;  // of the map `parents`; beyond its end if it is full
  Result<bool> will_own_clsact(std::uint32_t ifindex) const;
  Result<> repair(std::uint32_t parent);
  bool attached(std::uint32_t ifindex) const;
  Result<> detach_programs(std::uint32_t ifindex);
  Result<> detach_parent(std::uint32_t ifindex);
  Result<> detach_for_now(std::uint32_t ifindex);
  Result<> remove_if_unused();

  // control_xdp.cpp
  // As `attach --xdp` says, whatever it was before.
  Result<> set_xdp(const Link& parent, XdpMode mode);
  Result<> xdp_off(std::uint32_t parent);
  Result<> xdp_on(const Link& parent, XdpMode mode);
  Result<> follow_xdp(const std::map<std::uint32_t, Link>& links);

  // endpoint_xdp.cpp
  // Of an endpoint with these settings.
  Result<> check_takes_xdp(const bv_endpoint& ep) const;
  // Of those that do, with the parent as it would become.
  Result<> check_takers(std::uint32_t parent, const bv_parent& changed) const;
  // At the other end of the parent's wire.
  Result<> check_checksums(std::uint32_t parent) const;
  // The device map and the inner side's GRO, as ep.takes_xdp says.
  Result<> follow_takes_xdp(std::uint32_t host_side);
  Result<> switch_gro(std::uint32_t host_side, bool on);
  Result<> follow_takers();

  // control_hairpin.cpp
  bool is_hairpin(std::uint32_t ifindex) const;
  Result<> drop_gone_hairpins(const std::map<std::uint32_t, Link>& links);

  // control_conntrack.cpp
  // Before another parent gets this index.
  Result<> forget_connections(std::uint32_t parent_index) const;

  // control_endpoint.cpp
  Result<std::uint32_t> make_devices(bv_endpoint& ep, const Netns& inner_ns,
                                     const Netlink& inner_nl);
  Result<Netns> inner_netns(const bv_endpoint& ep) const;
  // A socket in the endpoint's namespace.
  Result<Netlink> inner_netlink(const bv_endpoint& ep) const;
};

// A NUL-terminated field of the schema.
template <std::size_t N>
void copy_text(char (&to)[N], const std::string& from) {
  std::fill(std::begin(to), std::end(to), '\0');
  from.copy(to, N - 1);
}

std::string host_side_name(std::uint32_t id);
// The device of this endpoint, whatever it is called by now.
bool is_host_side_of(const Link& link, const bv_endpoint& ep);

// Of an endpoint that was told nothing else.
inline bool filtered_by_default(Mode mode) {
  return mode == BV_MODE_L3S;
}

bv_port port_value(std::uint32_t host_side, const bv_endpoint& ep);
bv_addr address_value(std::uint32_t host_side, const bv_endpoint& ep, const IpPrefix& address);

}  // namespace bpfvlan
