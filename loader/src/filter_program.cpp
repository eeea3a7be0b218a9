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

struct Destroy {
  void operator()(bpfvlan_filter_bpf* s) const noexcept { bpfvlan_filter_bpf__destroy(s); }
};
using Skeleton = std::unique_ptr<bpfvlan_filter_bpf, Destroy>;

// Who chooses addresses must not choose places in the table: a key that nobody outside knows.
Result<> choose_key(bpfvlan_filter_bpf& s) {
  if (getrandom(s.rodata->bv_hash_key, sizeof(s.rodata->bv_hash_key), 0) < 0)
    return fail(errno, "getrandom");
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

// Maps that are pinned are used; those that bv_rx and bv_xmit have always are.
Result<Skeleton> open_skeleton(const std::string& dir, const bv_meta& meta) {
  Skeleton skel(bpfvlan_filter_bpf__open());
  if (!skel) return fail(errno, "open the BPF object of the filter");
  const auto sets = meta.max_connections / BV_CONN_WAYS;
  skel->rodata->bv_conn_sets = sets;
  bpf_map__set_max_entries(skel->maps.conntrack, sets);
  BV_CHECK(reuse_pinned_maps(*skel->obj, dir));
  return skel;
}

Result<> load(const Skeleton& skel) {
  const LibbpfLog log;
  if (const int err = bpfvlan_filter_bpf__load(skel.get()))
    return fail(err, fmt::format("load the BPF program of the filter\n{}", log.text()));
  return {};
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
  BV_TRY(const auto skel, open_skeleton(dir, meta));
  BV_CHECK(choose_key(*skel));
  BV_CHECK(load(skel));
  BV_CHECK(write_settings(*skel));
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
  for (std::size_t i = 0; i < std::size(kNames); ++i)
    BV_CHECK(pin_in(dir, kNames[i], fds[i], undo));
  const UniqueFd filters(bpf_obj_get(pin_of(dir, kFilters).c_str()));
  if (!filters) return fail(errno, fmt::format("pinned map {}/{}", dir, kFilters));
  const std::uint32_t zero = 0;
  const int program = bpf_program__fd(skel->progs.bv_filter);
  if (bpf_map_update_elem(filters.get(), &zero, &program, BPF_ANY))
    return fail(errno, fmt::format("map {}", kFilters));
  BV_CHECK(pin_in(dir, kFilter, program, undo));
  undo.release();
  return {};
}

Result<std::vector<NewProgram>> reload_filter(const std::string& dir, const bv_meta& meta) {
  BV_TRY(const auto maps, FilterMaps::open(dir));
  BV_TRY(const auto settings, maps.ct_settings.find(0));
  BV_TRY(const auto skel, open_skeleton(dir, meta));
  std::copy(std::begin(settings->hash_key), std::end(settings->hash_key),
            skel->rodata->bv_hash_key);
  BV_CHECK(load(skel));
  return take_programs(*skel->obj);
}

}  // namespace bpfvlan
