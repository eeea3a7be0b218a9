// SPDX-License-Identifier: MIT
#include "filter_program.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "bpfvlan_filter.skel.h"
#include "conntrack_settings.hpp"
#include "libbpf_log.hpp"
#include "undo.hpp"

namespace bpfvlan {
namespace {

constexpr auto kFilter = "bv_filter";
constexpr auto kFilters = "filters";

struct Destroy {
  void operator()(bpfvlan_filter_bpf* s) const noexcept { bpfvlan_filter_bpf__destroy(s); }
};
using Skeleton = std::unique_ptr<bpfvlan_filter_bpf, Destroy>;

std::string pin_of(const std::string& dir, const char* name) {
  return fmt::format("{}/{}", dir, name);
}

// Those that bv_rx and bv_xmit have are the same ones.
Result<> share_maps(const bpfvlan_filter_bpf& s, const std::string& dir) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, s.obj) {
    const UniqueFd fd(bpf_obj_get(pin_of(dir, bpf_map__name(map)).c_str()));
    if (!fd) continue;
    if (const int err = bpf_map__reuse_fd(map, fd.get()))
      return fail(err, fmt::format("map {}", bpf_map__name(map)));
  }
  return {};
}

Result<> write_settings(const bpfvlan_filter_bpf& s) {
  const std::uint32_t zero = 0;
  auto settings = default_ct_settings(ticks_per_1000_seconds());
  std::copy(std::begin(s.rodata->bv_hash_key), std::end(s.rodata->bv_hash_key), settings.hash_key);
  if (bpf_map_update_elem(bpf_map__fd(s.maps.ct_settings), &zero, &settings, BPF_ANY))
    return fail(errno, "map ct_settings");
  return {};
}

// Who chooses addresses must not choose places in the table: a key that nobody outside knows.
Result<Skeleton> load(const std::string& dir, const bv_meta& meta) {
  const LibbpfLog log;
  Skeleton skel(bpfvlan_filter_bpf__open());
  if (!skel) return fail(errno, "open the BPF object of the filter");
  BV_CHECK(share_maps(*skel, dir));
  const auto sets = meta.max_connections / BV_CONN_WAYS;
  skel->rodata->bv_conn_sets = sets;
  bpf_map__set_max_entries(skel->maps.conntrack, sets);
  if (getrandom(skel->rodata->bv_hash_key, sizeof(skel->rodata->bv_hash_key), 0) < 0)
    return fail(errno, "getrandom");
  if (const int err = bpfvlan_filter_bpf__load(skel.get()))
    return fail(err, fmt::format("load the BPF program of the filter\n{}", log.text()));
  BV_CHECK(write_settings(*skel));
  return skel;
}

}  // namespace

Result<FilterMaps> FilterMaps::open(const std::string& dir) {
  FilterMaps maps;
  BV_TRY(maps.rules, RulesMap::open(pin_of(dir, "rules"), "rules"));
  BV_TRY(maps.rule_counts,
         decltype(maps.rule_counts)::open(pin_of(dir, "rule_counts"), "rule_counts"));
  BV_TRY(maps.ct_settings,
         decltype(maps.ct_settings)::open(pin_of(dir, "ct_settings"), "ct_settings"));
  return maps;
}

bool filter_loaded(const std::string& dir) {
  return std::filesystem::exists(pin_of(dir, kFilter));
}

// The pin of the program comes last: it says that all is there.
Result<> load_filter(const std::string& dir, const bv_meta& meta) {
  static constexpr const char* kNames[] = {"conntrack", "ct_settings", "ct_stats", "ct_fragments",
                                           "rules",     "rule_counts", "bv_clock", "bv_ct_forget"};
  for (const auto* name : kNames) ::unlink(pin_of(dir, name).c_str());
  BV_TRY(const auto skel, load(dir, meta));
  const auto& maps = skel->maps;
  const int fds[] = {bpf_map__fd(maps.conntrack),
                     bpf_map__fd(maps.ct_settings),
                     bpf_map__fd(maps.ct_stats),
                     bpf_map__fd(maps.ct_fragments),
                     bpf_map__fd(maps.rules),
                     bpf_map__fd(maps.rule_counts),
                     bpf_program__fd(skel->progs.bv_clock),
                     bpf_program__fd(skel->progs.bv_ct_forget)};
  Undo undo;
  const auto pin = [&](const char* name, int fd) -> Result<> {
    const auto path = pin_of(dir, name);
    if (bpf_obj_pin(fd, path.c_str())) return fail(errno, fmt::format("pin {}", path));
    undo.push([path] { ::unlink(path.c_str()); });
    return {};
  };
  for (std::size_t i = 0; i < std::size(kNames); ++i) BV_CHECK(pin(kNames[i], fds[i]));
  const UniqueFd filters(bpf_obj_get(pin_of(dir, kFilters).c_str()));
  if (!filters) return fail(errno, fmt::format("pinned map {}/{}", dir, kFilters));
  const std::uint32_t zero = 0;
  const int program = bpf_program__fd(skel->progs.bv_filter);
  if (bpf_map_update_elem(filters.get(), &zero, &program, BPF_ANY))
    return fail(errno, fmt::format("map {}", kFilters));
  BV_CHECK(pin(kFilter, program));
  undo.release();
  return {};
}

}  // namespace bpfvlan
