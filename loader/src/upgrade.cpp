// SPDX-License-Identifier: MIT
// This version's programs in the place of those that another version, or this one, has loaded.
#include <bpf/bpf.h>
#include <unistd.h>

#include <cstdio>

#include "base_programs.hpp"
#include "datapath.hpp"
#include "undo.hpp"
#include "xdp.hpp"
#include "xdp_dispatcher.hpp"

namespace bpfvlan {
namespace {

constexpr std::string_view kNewSuffix = "_new";

Result<> replace_filter(const std::string& dir, int program) {
  const UniqueFd filters(bpf_obj_get(pin_of(dir, kFilters).c_str()));
  if (!filters) return fail(errno, fmt::format("pinned map {}/{}", dir, kFilters));
  const std::uint32_t zero = 0;
  if (bpf_map_update_elem(filters.get(), &zero, &program, BPF_ANY))
    return fail(errno, fmt::format("map {}", kFilters));
  return {};
}

}  // namespace

// Where a program runs, it is replaced at once; elsewhere nothing is to be done.
Result<> Datapath::run_instead(std::string_view name, int program, const Devices& devices) const {
  const auto at = [&](const std::vector<std::uint32_t>& all, Direction direction) -> Result<> {
    for (const auto ifindex : all)
      BV_CHECK(hook_replace(program, ifindex, direction, link_pin(name, ifindex)));
    return {};
  };
  if (name == kRx) return at(devices.parents, Direction::Ingress);
  if (name == kLocal) return at(devices.parents, Direction::Egress);
  if (name == kXmit) return at(devices.host_sides, Direction::Ingress);
  if (name == kNetkit) return at(devices.netkits, Direction::Inner);
  if (name == kXdp || name == kXdpGeneric) {
    for (const auto ifindex : name == kXdp ? devices.xdp_native : devices.xdp_generic)
      BV_CHECK(replace_xdp(program, link_pin(kXdp, ifindex), ifindex));
    return {};
  }
  return name == kFilter ? replace_filter(dir_, program) : Result<>{};
}

// A dispatcher knows no replacing: packets meet the old program, both, or the new one.
Result<> Datapath::share_instead(const Link& parent, XdpMode mode) const {
  BV_TRY(const auto id, parents_map_id());
  const auto old = in_dispatcher(parent.ifindex, id);
  BV_CHECK(share_xdp(dir_, meta_, parent, mode));
  return leave_dispatcher(parent.ifindex, old);
}

Result<> Datapath::upgrade(const Devices& devices) const {
  BV_TRY(auto programs, reload_base(meta_, dir_));
  if (filter) {
    BV_TRY(auto more, reload_filter(dir_, meta_));
    std::move(more.begin(), more.end(), std::back_inserter(programs));
  }
  if (xdp) {
    BV_TRY(auto more, reload_xdp(dir_, meta_));
    std::move(more.begin(), more.end(), std::back_inserter(programs));
  }
  Undo undo;
  std::vector<UniqueFd> before;
  for (const auto& [name, fd] : programs) {
    BV_TRY(auto old, program(name));
    const int old_fd = before.emplace_back(std::move(old)).get();
    const auto pin = pin_of(dir_, name), new_pin = fmt::format("{}{}", pin, kNewSuffix);
    ::unlink(new_pin.c_str());  // of a process that was killed
    if (bpf_obj_pin(fd.get(), new_pin.c_str())) return fail(errno, fmt::format("pin {}", new_pin));
    undo.push([new_pin] { ::unlink(new_pin.c_str()); });
    undo.push([this, name = name, old_fd, &devices] { (void)run_instead(name, old_fd, devices); });
    BV_CHECK(run_instead(name, fd.get(), devices));
  }
  for (const auto& [parent, mode] : devices.xdp_shared) BV_CHECK(share_instead(parent, mode));
  // Nothing can fail any more that a second upgrade would not mend.
  undo.release();
  for (const auto& [name, fd] : programs) {
    const auto pin = pin_of(dir_, name);
    if (std::rename(fmt::format("{}{}", pin, kNewSuffix).c_str(), pin.c_str()))
      return fail(errno, fmt::format("pin {}", pin));
  }
  return {};
}

}  // namespace bpfvlan
