// SPDX-License-Identifier: MIT
#include "base_programs.hpp"

#include <bpf/bpf.h>
#include <fmt/core.h>

#include <memory>

#include "bpfvlan.skel.h"
#include "libbpf_log.hpp"

namespace bpfvlan {
namespace {

struct Skeleton {
  struct Destroy {
    void operator()(bpfvlan_bpf* p) const noexcept { bpfvlan_bpf__destroy(p); }
  };
  std::unique_ptr<bpfvlan_bpf, Destroy> s;
};

// The helpers without which no program loads, by the name and age a person can look up.
Result<> check_helpers() {
  const std::pair<bpf_func_id, const char*> needed[] = {
      {BPF_FUNC_redirect_peer, "bpf_redirect_peer (since 5.10)"},
      {BPF_FUNC_redirect_neigh, "bpf_redirect_neigh (since 5.10)"},
      {BPF_FUNC_clone_redirect, "bpf_clone_redirect (since 4.2)"},
      {BPF_FUNC_fib_lookup, "bpf_fib_lookup (since 4.18)"},
      {BPF_FUNC_ktime_get_coarse_ns, "bpf_ktime_get_coarse_ns (since 5.11)"},
      {BPF_FUNC_loop, "bpf_loop (since 5.17)"},
  };
  for (const auto& [id, name] : needed)
    if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, id, nullptr) == 0)
      return unsupported(fmt::format("this kernel has no {}", name));
  return {};
}

Result<Skeleton> open_skeleton(const bv_meta& meta) {
  Skeleton skel{decltype(Skeleton::s)(bpfvlan_bpf__open())};
  if (!skel.s) return fail(errno, "open the BPF object");
  auto& maps = skel.s->maps;
  bpf_map__set_max_entries(maps.endpoints, meta.max_endpoints);
  bpf_map__set_max_entries(maps.ep_counters, meta.max_endpoints);
  bpf_map__set_max_entries(maps.addr4, meta.max_addresses);
  bpf_map__set_max_entries(maps.addr6, meta.max_addresses);
  bpf_map__set_max_entries(maps.ports, meta.max_endpoints);
  bpf_map__set_max_entries(maps.ep_state, meta.max_endpoints);
  bpf_map__set_max_entries(maps.dhcp, BV_ENDPOINT_DHCP * meta.max_endpoints);
  bpf_map__set_max_entries(maps.dhcp_slots, BV_ENDPOINT_DHCP * meta.max_endpoints);
  const auto chunks = (meta.max_endpoints + 63) / 64;
  skel.s->rodata->bv_chunks = chunks;
  bpf_map__set_max_entries(maps.group_hints, (BV_GROUP_BUCKETS + BV_MAX_PARENTS) * chunks);
  return skel;
}

Result<> load(const Skeleton& skel) {
  const LibbpfLog log;
  if (const int err = bpfvlan_bpf__load(skel.s.get())) {
    BV_CHECK(check_helpers());
    return fail(err, fmt::format("load the BPF programs\n{}", log.text()));
  }
  return {};
}

Result<> write_meta(const Skeleton& skel, const bv_meta& meta) {
  const std::uint32_t zero = 0;
  if (bpf_map_update_elem(bpf_map__fd(skel.s->maps.meta), &zero, &meta, BPF_ANY))
    return fail(errno, "map meta");
  return {};
}

Result<> pin_all(const bpfvlan_bpf& s, const std::string& dir) {
  const std::pair<const char*, int> pins[] = {
      {"meta", bpf_map__fd(s.maps.meta)},
      {"parents", bpf_map__fd(s.maps.parents)},
      {"endpoints", bpf_map__fd(s.maps.endpoints)},
      {"addr4", bpf_map__fd(s.maps.addr4)},
      {"addr6", bpf_map__fd(s.maps.addr6)},
      {"addr4_index", bpf_map__fd(s.maps.addr4_index)},
      {"addr6_index", bpf_map__fd(s.maps.addr6_index)},
      {"host_sides", bpf_map__fd(s.maps.host_sides)},
      {"ep_counters", bpf_map__fd(s.maps.ep_counters)},
      {"reasons", bpf_map__fd(s.maps.reasons)},
      {"ports", bpf_map__fd(s.maps.ports)},
      {"ep_state", bpf_map__fd(s.maps.ep_state)},
      {"group_chunks", bpf_map__fd(s.maps.group_chunks)},
      {"group_hints", bpf_map__fd(s.maps.group_hints)},
      {"members", bpf_map__fd(s.maps.members)},
      {"learned", bpf_map__fd(s.maps.learned)},
      {"host_addrs", bpf_map__fd(s.maps.host_addrs)},
      {"dhcp", bpf_map__fd(s.maps.dhcp)},
      {"dhcp_slots", bpf_map__fd(s.maps.dhcp_slots)},
      {"flood_copies", bpf_map__fd(s.maps.flood_copies)},
      {"pending", bpf_map__fd(s.maps.pending)},
      {"filters", bpf_map__fd(s.maps.filters)},
      {kRx, bpf_program__fd(s.progs.bv_rx)},
      {kLocal, bpf_program__fd(s.progs.bv_local)},
      {kXmit, bpf_program__fd(s.progs.bv_xmit)},
      {kNetkit, bpf_program__fd(s.progs.bv_netkit)},
  };
  for (const auto& [name, fd] : pins) BV_CHECK(pin_in(dir, name, fd));
  return {};
}

}  // namespace

Result<> load_base(const bv_meta& meta, const std::string& dir) {
  BV_TRY(const auto skel, open_skeleton(meta));
  BV_CHECK(load(skel));
  BV_CHECK(write_meta(skel, meta));
  return pin_all(*skel.s, dir);
}

Result<std::vector<NewProgram>> reload_base(const bv_meta& meta, const std::string& dir) {
  BV_TRY(const auto skel, open_skeleton(meta));
  BV_CHECK(reuse_pinned_maps(*skel.s->obj, dir));
  BV_CHECK(load(skel));
  return take_programs(*skel.s->obj);
}

}  // namespace bpfvlan
