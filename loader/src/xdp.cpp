// SPDX-License-Identifier: MIT
#include "xdp.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/core.h>
#include <linux/if_link.h>

#include <vector>

namespace bpfvlan {
namespace {

// On the hook in whichever mode; 0: none.
Result<std::uint32_t> program_on(const Link& link) {
  bpf_xdp_query_opts opts{};
  opts.sz = sizeof(opts);
  if (const int err = bpf_xdp_query(static_cast<int>(link.ifindex), 0, &opts))
    return fail(err, fmt::format("ask for the XDP program of '{}'", link.name));
  for (const auto id : {opts.prog_id, opts.hw_prog_id, opts.drv_prog_id, opts.skb_prog_id})
    if (id) return id;
  return 0;
}

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

}  // namespace

Result<> check_xdp_free(const Link& link) {
  BV_TRY(const auto id, program_on(link));
  if (!id) return {};
  return refuse(std::errc::device_or_resource_busy,
                fmt::format("'{}' has an XDP program of somebody else's already: id {}, {}",
                            link.name, id, name_of(id)));
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
  if (err == EOPNOTSUPP && wanted == BV_XDP_NATIVE)
    return refuse(std::errc::operation_not_supported,
                  fmt::format("'{}' has a driver without XDP: generic or off will do", link.name));
  return fail(err, fmt::format("attach to '{}' (xdp{}{})", link.name, wanted ? ", " : "",
                               wanted ? to_string(*wanted) : ""));
}

void detach_xdp(const std::string& pin) {
  const UniqueFd link(bpf_obj_get(pin.c_str()));
  if (link) bpf_link_detach(link.get());
}

}  // namespace bpfvlan
