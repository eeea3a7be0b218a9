// SPDX-License-Identifier: MIT
#include "hook.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/core.h>

#include <climits>

namespace bpfvlan {
namespace {

// Not in Debian 12's headers: enum bpf_attach_type of Linux 6.7.
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);
constexpr auto kNetkitPeer = static_cast<bpf_attach_type>(55);

// A fixed place among the filters, so that it is found again. Filters that tc numbers by itself
// start at 49152 and count down from there: those that were there first stay in front.
constexpr std::uint32_t kClsactPriority = 49153;
constexpr std::uint32_t kClsactHandle = 1;

bpf_attach_type link_type(Direction d) {
  switch (d) {
    case Direction::Ingress:
      return kTcxIngress;
    case Direction::Egress:
      return kTcxEgress;
    case Direction::Inner:
      break;
  }
  return kNetkitPeer;
}

// Netkit is younger than TCX, and has links alone.
bool by_link(Direction d) {
  return d == Direction::Inner || hook_kind() == HookKind::Tcx;
}

bpf_tc_hook tc_hook(std::uint32_t ifindex, Direction d) {
  bpf_tc_hook hook{};
  hook.sz = sizeof(hook);
  hook.ifindex = static_cast<int>(ifindex);
  hook.attach_point = d == Direction::Ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
  return hook;
}

bpf_tc_opts tc_filter() {
  bpf_tc_opts opts{};
  opts.sz = sizeof(opts);
  opts.handle = kClsactHandle;
  opts.priority = kClsactPriority;
  return opts;
}

// A kernel that has it looks for the device; one without refuses the attach type first.
bool probe_link(bpf_attach_type type) {
  const auto prog = load_probe_program();
  if (!prog) return false;
  const int err = bpf_link_create(prog.get(), INT_MAX, type, nullptr);
  return err == -ENODEV;
}

// The device a pinned link is on; 0: none any more.
std::uint32_t link_device(const std::string& pin) {
  UniqueFd link(bpf_obj_get(pin.c_str()));
  if (!link) return 0;
  bpf_link_info info{};
  std::uint32_t len = sizeof(info);
  if (bpf_obj_get_info_by_fd(link.get(), &info, &len)) return 0;
  return info.xdp.ifindex;  // a TCX or netkit link's ifindex lies where an XDP link's does
}

// A netkit link names the inner side, by its number in another namespace; its pin, the host side.
bool link_attached(std::uint32_t ifindex, Direction d, const std::string& pin) {
  const auto device = link_device(pin);
  return d == Direction::Inner ? device != 0 : device == ifindex;
}

Result<> attach_link(int prog_fd, std::uint32_t ifindex, Direction d, const std::string& pin) {
  if (link_attached(ifindex, d, pin)) return {};
  UniqueFd link(bpf_link_create(prog_fd, static_cast<int>(ifindex), link_type(d), nullptr));
  if (!link)
    return fail(errno, fmt::format("attach to interface {} ({})", ifindex,
                                   d == Direction::Inner ? "netkit" : "tcx"));
  ::unlink(pin.c_str());  // of an earlier device with this number
  if (bpf_obj_pin(link.get(), pin.c_str())) return fail(errno, fmt::format("pin {}", pin));
  return {};
}

Result<> attach_clsact(int prog_fd, std::uint32_t ifindex, Direction d) {
  BV_CHECK(clsact_create(ifindex));
  const auto hook = tc_hook(ifindex, d);
  auto filter = tc_filter();
  filter.prog_fd = prog_fd;
  filter.flags = BPF_TC_F_REPLACE;
  if (const int err = bpf_tc_attach(&hook, &filter))
    return fail(err, fmt::format("attach to interface {} (clsact)", ifindex));
  return {};
}

}  // namespace

UniqueFd load_probe_program() {
  const bpf_insn insns[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  return UniqueFd(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "bv_probe", "GPL", insns, 2, nullptr));
}

std::string_view to_string(HookKind kind) {
  return kind == HookKind::Tcx ? "tcx" : "clsact";
}

HookKind hook_kind() {
  static const HookKind kind = probe_link(kTcxIngress) ? HookKind::Tcx : HookKind::Clsact;
  return kind;
}

bool has_netkit() {
  static const bool has = probe_link(kNetkitPeer);
  return has;
}

Result<> hook_attach(int prog_fd, std::uint32_t ifindex, Direction d, const std::string& pin) {
  return by_link(d) ? attach_link(prog_fd, ifindex, d, pin) : attach_clsact(prog_fd, ifindex, d);
}

Result<> hook_replace(int prog_fd, std::uint32_t ifindex, Direction d, const std::string& pin) {
  if (!by_link(d)) return attach_clsact(prog_fd, ifindex, d);
  const UniqueFd link(bpf_obj_get(pin.c_str()));
  if (!link) return fail(errno, fmt::format("pinned link {}", pin));
  if (bpf_link_update(link.get(), prog_fd, nullptr))
    return fail(errno, fmt::format("replace the program of interface {}", ifindex));
  return {};
}

Result<> hook_detach(std::uint32_t ifindex, Direction d, const std::string& pin) {
  if (by_link(d)) {
    detach_link(pin);
    if (::unlink(pin.c_str()) && errno != ENOENT) return fail(errno, fmt::format("remove {}", pin));
    return {};
  }
  const auto hook = tc_hook(ifindex, d);
  const auto filter = tc_filter();
  const int err = bpf_tc_detach(&hook, &filter);
  if (err && err != -ENOENT && err != -ENODEV && err != -EINVAL)  // EINVAL: no clsact there
    return fail(err, fmt::format("detach from interface {} (clsact)", ifindex));
  return {};
}

void detach_link(const std::string& pin) {
  const UniqueFd link(bpf_obj_get(pin.c_str()));
  if (link) bpf_link_detach(link.get());
}

Result<bool> clsact_create(std::uint32_t ifindex) {
  auto hook = tc_hook(ifindex, Direction::Ingress);
  const int err = bpf_tc_hook_create(&hook);
  if (err == -EEXIST) return false;
  if (err == -ENOENT)
    return unsupported("this kernel has no clsact qdisc (CONFIG_NET_SCH_INGRESS, since 4.5)");
  if (err) return fail(err, fmt::format("clsact qdisc of interface {}", ifindex));
  return true;
}

Result<> clsact_destroy(std::uint32_t ifindex) {
  auto hook = tc_hook(ifindex, Direction::Ingress);
  hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  const int err = bpf_tc_hook_destroy(&hook);
  if (err && err != -ENOENT && err != -ENODEV)
    return fail(err, fmt::format("clsact qdisc of interface {}", ifindex));
  return {};
}

bool link_dead(const std::string& pin) {
  return link_device(pin) == 0;
}

bool hook_has_program(std::uint32_t ifindex, Direction d) {
  if (by_link(d)) {
    std::uint32_t count = 0;
    return bpf_prog_query(static_cast<int>(ifindex), link_type(d), 0, nullptr, nullptr, &count) ==
               0 &&
           count > 0;
  }
  const auto hook = tc_hook(ifindex, d);
  auto filter = tc_filter();
  return bpf_tc_query(&hook, &filter) == 0;
}

bool hook_attached(std::uint32_t ifindex, Direction d, const std::string& pin) {
  return by_link(d) ? link_attached(ifindex, d, pin) : hook_has_program(ifindex, d);
}

}  // namespace bpfvlan
