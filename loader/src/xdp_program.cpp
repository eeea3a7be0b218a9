// SPDX-License-Identifier: MIT
#include "xdp_program.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "bpfvlan_xdp.skel.h"
#include "filter_program.hpp"
#include "libbpf_log.hpp"
#include "undo.hpp"
#include "xdp_dispatcher.hpp"

namespace bpfvlan {
namespace {

constexpr auto kDevices = "xdp_devices";

struct Destroy {
  void operator()(bpfvlan_xdp_bpf* s) const noexcept { bpfvlan_xdp_bpf__destroy(s); }
};
using Skeleton = std::unique_ptr<bpfvlan_xdp_bpf, Destroy>;

// It looks for connections where the filter enters them: by its key.
Result<Skeleton> open_skeleton(const std::string& dir, const bv_meta& meta) {
  BV_TRY(const auto filter, FilterMaps::open(dir));
  BV_TRY(const auto settings, filter.ct_settings.find(0));
  Skeleton skel(bpfvlan_xdp_bpf__open());
  if (!skel) return fail(errno, "open the BPF object of XDP");
  skel->rodata->bv_conn_sets = meta.max_connections / BV_CONN_WAYS;
  std::copy(std::begin(settings->hash_key), std::end(settings->hash_key),
            skel->rodata->bv_hash_key);
  bpf_map__set_max_entries(skel->maps.xdp_devices, meta.max_endpoints);
  BV_CHECK(reuse_pinned_maps(*skel->obj, dir));
  return skel;
}

Result<> check_helpers() {
  const std::pair<bpf_func_id, const char*> needed[] = {
      {BPF_FUNC_xdp_load_bytes, "bpf_xdp_load_bytes (since 5.18)"},
      {BPF_FUNC_redirect_map, "bpf_redirect_map (since 4.14)"},
  };
  for (const auto& [id, name] : needed)
    if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, id, nullptr) == 0)
      return unsupported(fmt::format("this kernel has no {}", name));
  return {};
}

Result<> load(const Skeleton& skel) {
  const LibbpfLog log;
  if (const int err = bpfvlan_xdp_bpf__load(skel.get())) {
    BV_CHECK(check_helpers());
    return fail(err, fmt::format("load the BPF programs of XDP\n{}", log.text()));
  }
  return {};
}

}  // namespace

Result<XdpMaps> XdpMaps::open(const std::string& dir) {
  XdpMaps maps;
  BV_TRY(maps.devices, decltype(maps.devices)::open(pin_of(dir, kDevices), kDevices));
  return maps;
}

bool xdp_loaded(const std::string& dir) {
  return std::filesystem::exists(pin_of(dir, kXdp));
}

// The pin of bv_xdp comes last: it says that all is there.
Result<> load_xdp(const std::string& dir, const bv_meta& meta) {
  for (const auto* name : {kDevices, kXdpGeneric}) ::unlink(pin_of(dir, name).c_str());
  BV_TRY(const auto skel, open_skeleton(dir, meta));
  BV_CHECK(load(skel));
  Undo undo;
  BV_CHECK(pin_in(dir, kDevices, bpf_map__fd(skel->maps.xdp_devices), undo));
  BV_CHECK(pin_in(dir, kXdpGeneric, bpf_program__fd(skel->progs.bv_xdp_generic), undo));
  BV_CHECK(pin_in(dir, kXdp, bpf_program__fd(skel->progs.bv_xdp), undo));
  undo.release();
  return {};
}

Result<std::vector<NewProgram>> reload_xdp(const std::string& dir, const bv_meta& meta) {
  BV_TRY(const auto skel, open_skeleton(dir, meta));
  BV_CHECK(load(skel));
  return take_programs(*skel->obj);
}

Result<> share_xdp(const std::string& dir, const bv_meta& meta, const Link& link, XdpMode mode) {
  BV_TRY(const auto skel, open_skeleton(dir, meta));
  auto* other = mode == BV_XDP_NATIVE ? skel->progs.bv_xdp_generic : skel->progs.bv_xdp;
  bpf_program__set_autoload(other, false);
  return join_dispatcher(*skel->obj, xdp_program_for(mode), link, mode);
}

}  // namespace bpfvlan
