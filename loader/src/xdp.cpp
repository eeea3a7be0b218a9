// SPDX-License-Identifier: MIT
#include "xdp.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/core.h>
#include <linux/if_link.h>

#include <vector>

namespace bpfvlan {
namespace {

std::string name_of(std::uint32_t program_id) {
  const UniqueFd program(bpf_prog_get_fd_by_id(program_id));
  bpf_prog_info info{};
  std::uint32_t len = sizeof(info);
  if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &len)) return "gone by now";
  return info.name;
}

// What has no XDP of its driver's does as well, or better, with the program on TC ingress alone:
// generic XDP copies each packet, and does not see those that a program has redirected. Of a veth's
// packets many have their checksum still to be filled in by a device. Frames of native XDP know
// nothing of that: what it sends back arrives broken.
std::vector<XdpMode> modes_for(const Link& link, std::optional<XdpMode> wanted) {
  if (wanted) return {*wanted};
  if (link.kind == kVeth) return {BV_XDP_OFF};
  return {BV_XDP_NATIVE, BV_XDP_OFF};
}

// The reasons that drivers have for refusing; their own words go to netlink's error messages alone,
// which a link's creation has none of.
const char* driver_says(int err) {
  switch (err) {
    case EOPNOTSUPP:
      return "has a driver without XDP";
    case ERANGE:
      return "has an MTU, or one at the other end, that its driver's XDP does not take";
    case ENOSPC:
      return "has fewer receive queues than its driver's XDP needs";
    default:
      return nullptr;
  }
}

}  // namespace

Result<std::optional<XdpHolder>> xdp_holder(const Link& link) {
  bpf_xdp_query_opts opts{};
  opts.sz = sizeof(opts);
  if (const int err = bpf_xdp_query(static_cast<int>(link.ifindex), 0, &opts))
    return fail(err, fmt::format("ask for the XDP program of '{}'", link.name));
  const auto mode = opts.attach_mode == XDP_ATTACHED_SKB ? BV_XDP_GENERIC : BV_XDP_NATIVE;
  for (const auto id : {opts.prog_id, opts.hw_prog_id, opts.drv_prog_id, opts.skb_prog_id})
    if (id) return std::optional(XdpHolder{id, name_of(id), mode});
  return std::optional<XdpHolder>{};
}

Result<> check_xdp_free(const Link& link) {
  BV_TRY(const auto holder, xdp_holder(link));
  if (!holder) return {};
  return refuse(std::errc::device_or_resource_busy,
                fmt::format("'{}' has an XDP program of somebody else's already: id {}, {}",
                            link.name, holder->id, holder->name));
}

Result<std::pair<UniqueFd, XdpMode>> attach_xdp(int program, const Link& link,
                                                std::optional<XdpMode> wanted) {
  int err = 0;
  for (const auto mode : modes_for(link, wanted)) {
    if (mode == BV_XDP_OFF) return std::pair{UniqueFd(), mode};
    bpf_link_create_opts opts{};
    opts.sz = sizeof(opts);
    opts.flags = mode == BV_XDP_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
    UniqueFd fd(bpf_link_create(program, static_cast<int>(link.ifindex), BPF_XDP, &opts));
    if (fd) return std::pair{std::move(fd), mode};
    err = errno;
    if (err == EBUSY || err == EEXIST) BV_CHECK(check_xdp_free(link));
  }
  if (wanted == BV_XDP_NATIVE && driver_says(err))
    return refuse(static_cast<std::errc>(err),
                  fmt::format("'{}' {}: generic or off will do", link.name, driver_says(err)));
  return fail(err, fmt::format("attach to '{}' (xdp{}{})", link.name, wanted ? ", " : "",
                               wanted ? to_string(*wanted) : ""));
}

Result<> replace_xdp(int program, const std::string& pin, std::uint32_t ifindex) {
  const UniqueFd link(bpf_obj_get(pin.c_str()));
  if (!link) return fail(errno, fmt::format("pinned link {}", pin));
  if (bpf_link_update(link.get(), program, nullptr))
    return fail(errno, fmt::format("replace the XDP program of interface {}", ifindex));
  return {};
}

}  // namespace bpfvlan
