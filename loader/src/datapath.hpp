// SPDX-License-Identifier: MIT
// The programs and maps of one namespace, pinned together in one directory.
#pragma once

#include <string>
#include <vector>

#include "address_index.hpp"
#include "bpf_map.hpp"
#include "bpfvlan/schema.h"
#include "filter_program.hpp"
#include "hook.hpp"
#include "xdp_program.hpp"

namespace bpfvlan {

// Where all pins are. ENOENT with a way out if no BPF file system is mounted there.
Result<std::string> pin_root();

class Datapath {
 public:
  struct Sizes {
    std::uint32_t endpoints = BV_DEFAULT_ENDPOINTS;
    std::uint32_t addresses = BV_DEFAULT_ADDRESSES;
    std::uint32_t connections = BV_DEFAULT_CONNECTIONS;  // a power of two
  };

  // The directory appears with everything in it, or not at all.
  static Result<Datapath> create(const std::string& dir, const Sizes& sizes);
  // Refuses maps of another schema version.
  static Result<Datapath> open(const std::string& dir);
  static bool exists(const std::string& dir);
  static Result<> remove(const std::string& dir);
  // Of namespaces that ended without `detach`: all their links are dead. Clsact leaves no trace of
  // its devices in the pins, so on kernels without TCX these directories stay.
  static void remove_dead(const std::string& root);

  Result<> attach_parent(std::uint32_t ifindex) const;
  Result<> detach_parent(std::uint32_t ifindex) const;
  bool parent_attached(std::uint32_t ifindex) const;
  // What all that leaves by the parent pays for: only while somebody's packets are routed there.
  Result<> attach_local(std::uint32_t ifindex) const;
  Result<> detach_local(std::uint32_t ifindex) const;
  bool local_attached(std::uint32_t ifindex) const;
  // XDP in front of a parent, by a link of ours, or as one of the programs of libxdp's dispatcher,
  // which has the hook already: `shared`. Detaching what is not attached is no error.
  Result<> attach_xdp(const Link& parent, XdpMode mode, bool shared) const;
  Result<> detach_xdp(std::uint32_t ifindex, bool shared) const;
  bool xdp_attached(std::uint32_t ifindex, bool shared) const;
  // A netkit pair has a program at its inner side too; what that one passes comes in here.
  Result<> attach_host_side(std::uint32_t ifindex, bool netkit) const;
  Result<> detach_host_side(std::uint32_t ifindex) const;
  bool host_side_attached(std::uint32_t ifindex, bool netkit) const;

  // The programs of this version in the place of those that are there, at these devices. Maps stay
  // as they are, so no connection is lost, and each packet meets the old programs or the new ones.
  struct Devices {
    // Those that are attached; `locals` are parents too.
    std::vector<std::uint32_t> parents, locals, host_sides, netkits;
    std::vector<std::uint32_t> xdp_native, xdp_generic;  // parents, by a link of ours
    std::vector<std::pair<Link, XdpMode>> xdp_shared;    // parents, by a dispatcher
  };
  Result<> upgrade(const Devices& devices) const;

  // Pins of TCX links whose device is gone stay behind; `keep` says which are in use.
  template <class Keep>
  void remove_stale_links(Keep keep) const;

  const std::string& dir() const { return dir_; }
  const bv_meta& meta() const { return meta_; }
  // Chunks of 64 endpoints: bv_chunks of the programs.
  std::uint32_t chunks() const { return (meta_.max_endpoints + 63) / 64; }

  BpfMap<std::uint32_t, bv_parent> parents;
  BpfMap<std::uint32_t, bv_endpoint> endpoints;
  BpfMap<bv_addr4_key, bv_addr> addr4;
  BpfMap<bv_addr6_key, bv_addr> addr6;
  AddressIndex address_index;  // in step with these two: address_maps.hpp
  BpfMap<std::uint32_t, std::uint32_t> host_sides;
  BpfMap<std::uint32_t, bv_ep_counters> ep_counters;
  BpfMap<std::uint32_t, bv_reason_count> reasons;
  BpfMap<std::uint32_t, bv_port> ports;
  BpfMap<std::uint32_t, bv_ep_state> ep_state;
  BpfMap<std::uint32_t, bv_group_chunks> group_chunks;
  BpfMap<std::uint32_t, std::uint64_t> group_hints;
  BpfMap<bv_member_key, std::uint64_t> members;
  BpfMap<bv_learned_key, bv_learned> learned;
  BpfMap<bv_host_addr, std::uint8_t> host_addrs;
  BpfMap<bv_dhcp_key, std::uint32_t> dhcp;
  BpfMap<std::uint32_t, bv_dhcp_key> dhcp_slots;
  std::optional<FilterMaps> filter;  // none until somebody has needed it
  Result<> need_filter();
  std::optional<XdpMaps> xdp;  // likewise; the filter is there then
  Result<> need_xdp();

 private:
  std::string link_pin(std::string_view program, std::uint32_t ifindex) const;
  Result<UniqueFd> program(std::string_view name) const;
  Result<std::uint32_t> parents_map_id() const;
  Result<> share_instead(const Link& parent, XdpMode mode) const;
  Result<> run_instead(std::string_view name, int program, const Devices& devices) const;
  static std::vector<std::pair<std::string, std::uint32_t>> link_pins(const std::string& dir);

  std::string dir_;
  bv_meta meta_{};
};

template <class Keep>
void Datapath::remove_stale_links(Keep keep) const {
  for (const auto& [path, ifindex] : link_pins(dir_))
    if (!keep(ifindex)) ::unlink(path.c_str());
}

}  // namespace bpfvlan
