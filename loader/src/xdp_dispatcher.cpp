// SPDX-License-Identifier: MIT
#include "xdp_dispatcher.hpp"

#include <bpf/bpf.h>
#include <fmt/core.h>
#include <xdp/libxdp.h>

#include <algorithm>
#include <memory>

#include "libbpf_log.hpp"

namespace bpfvlan {
namespace {

struct Close {
  void operator()(xdp_program* p) const noexcept { xdp_program__close(p); }
  void operator()(xdp_multiprog* p) const noexcept { xdp_multiprog__close(p); }
};
using Program = std::unique_ptr<xdp_program, Close>;
using Dispatcher = std::unique_ptr<xdp_multiprog, Close>;

// None: the hook is free, or a single program's.
Dispatcher dispatcher_of(std::uint32_t ifindex) {
  auto* found = xdp_multiprog__get_from_ifindex(static_cast<int>(ifindex));
  if (libxdp_get_error(found)) return {};
  Dispatcher dispatcher(found);
  if (xdp_multiprog__is_legacy(found)) dispatcher.reset();
  return dispatcher;
}

template <class F>
void for_each(const Dispatcher& dispatcher, F f) {
  if (!dispatcher) return;
  for (auto* p = xdp_multiprog__next_prog(nullptr, dispatcher.get()); p;
       p = xdp_multiprog__next_prog(p, dispatcher.get()))
    f(p);
}

bool uses_map(const xdp_program* program, std::uint32_t map_id) {
  std::vector<std::uint32_t> maps(64);  // MAX_USED_MAPS of the kernel's verifier
  bpf_prog_info info{};
  info.nr_map_ids = static_cast<std::uint32_t>(maps.size());
  info.map_ids = reinterpret_cast<std::uintptr_t>(maps.data());
  std::uint32_t len = sizeof(info);
  if (bpf_obj_get_info_by_fd(xdp_program__fd(program), &info, &len)) return false;
  maps.resize(std::min<std::size_t>(maps.size(), info.nr_map_ids));
  return std::find(maps.begin(), maps.end(), map_id) != maps.end();
}

}  // namespace

bool is_dispatcher(const XdpHolder& holder) {
  return holder.name == "xdp_dispatcher";
}

Result<> join_dispatcher(bpf_object& object, const char* program, const Link& link, XdpMode mode) {
  const LibbpfLog log;
  xdp_program_opts opts{};
  opts.sz = sizeof(opts);
  opts.obj = &object;
  opts.prog_name = program;
  const Program joining(xdp_program__create(&opts));
  if (!joining) return fail(errno, fmt::format("program {}", program));
  if (const int err =
          xdp_program__attach(joining.get(), static_cast<int>(link.ifindex),
                              mode == BV_XDP_NATIVE ? XDP_MODE_NATIVE : XDP_MODE_SKB, 0))
    return fail(err, fmt::format("join libxdp's dispatcher on '{}'\n{}", link.name, log.text()));
  return {};
}

std::vector<std::uint32_t> in_dispatcher(std::uint32_t ifindex, std::uint32_t map_id) {
  const LibbpfLog quiet;
  std::vector<std::uint32_t> ids;
  for_each(dispatcher_of(ifindex), [&](const xdp_program* p) {
    if (uses_map(p, map_id)) ids.push_back(xdp_program__id(p));
  });
  return ids;
}

Result<> leave_dispatcher(std::uint32_t ifindex, const std::vector<std::uint32_t>& programs) {
  const LibbpfLog log;
  const auto dispatcher = dispatcher_of(ifindex);
  std::vector<xdp_program*> leaving;
  for_each(dispatcher, [&](xdp_program* p) {
    if (std::find(programs.begin(), programs.end(), xdp_program__id(p)) != programs.end())
      leaving.push_back(p);
  });
  if (leaving.empty()) return {};
  if (const int err =
          xdp_program__detach_multi(leaving.data(), leaving.size(), static_cast<int>(ifindex),
                                    xdp_multiprog__attach_mode(dispatcher.get()), 0))
    return fail(err,
                fmt::format("leave libxdp's dispatcher on interface {}\n{}", ifindex, log.text()));
  return {};
}

}  // namespace bpfvlan
