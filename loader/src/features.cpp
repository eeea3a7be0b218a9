// SPDX-License-Identifier: MIT
#include "bpfvlan/features.hpp"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/utsname.h>

#include <memory>

#include "bpfvlan/unique_fd.hpp"
#include "capabilities.hpp"
#include "hook.hpp"
#include "libbpf_log.hpp"

namespace bpfvlan {
namespace {

bool has_helper(bpf_func_id id, bpf_prog_type type = BPF_PROG_TYPE_SCHED_CLS) {
  return libbpf_probe_bpf_helper(type, id, nullptr) == 1;
}

// By which libxdp puts programs into its dispatcher. Some kernels forbid it.
bool has_freplace() {
  return libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_EXT, nullptr) == 1;
}

struct FreeBtf {
  void operator()(btf* b) const noexcept { btf__free(b); }
};
using Btf = std::unique_ptr<btf, FreeBtf>;

bool has_function(btf* b, const char* name) {
  return b && btf__find_by_name_kind(b, name, BTF_KIND_FUNC) > 0;
}

// In the kernel itself, or in the module once something loaded it.
bool has_conntrack_functions(btf* vmlinux) {
  if (has_function(vmlinux, "bpf_skb_ct_alloc")) return true;
  const Btf module(btf__load_module_btf("nf_conntrack", vmlinux));
  return has_function(module.get(), "bpf_skb_ct_alloc");
}

// Asked of a program: the sysctl is to be seen in the first network namespace only.
bool jit_enabled() {
  const auto prog = load_probe_program();
  bpf_prog_info info{};
  std::uint32_t len = sizeof(info);
  return prog && bpf_obj_get_info_by_fd(prog.get(), &info, &len) == 0 && info.jited_prog_len > 0;
}

}  // namespace

std::string kernel_release() {
  utsname name{};
  return uname(&name) == 0 ? name.release : "unknown";
}

Result<std::vector<Feature>> probe_features() {
  BV_CHECK(check_capabilities());
  const LibbpfLog quiet;
  const Btf vmlinux(btf__load_vmlinux_btf());
  return std::vector<Feature>{
      {"btf", vmlinux != nullptr, "5.4 (CONFIG_DEBUG_INFO_BTF)",
       "bpftool cannot name the fields of programs' types"},
      {"tcx", hook_kind() == HookKind::Tcx, "6.6",
       "programs attach by clsact filters, which others can delete by mistake"},
      {"netkit", has_netkit(), "6.7 (CONFIG_NETKIT)", "endpoints are veth pairs"},
      {"redirect_peer", has_helper(BPF_FUNC_redirect_peer), "5.10",
       "no endpoints: packets cannot be delivered into a namespace"},
      {"redirect_neigh", has_helper(BPF_FUNC_redirect_neigh), "5.10",
       "no l3 endpoints: packets cannot be routed out of the parent"},
      {"fib_lookup", has_helper(BPF_FUNC_fib_lookup), "4.18",
       "no l3 endpoints: host-local IPv6 destinations cannot be told apart"},
      {"clone_redirect", has_helper(BPF_FUNC_clone_redirect), "4.2",
       "no l2 endpoints: broadcast and multicast cannot be copied"},
      {"loop", has_helper(BPF_FUNC_loop), "5.17", "no endpoints: no program loads without it"},
      {"ktime_get_coarse_ns", has_helper(BPF_FUNC_ktime_get_coarse_ns), "5.11",
       "no endpoints: the age of learned addresses cannot be told"},
      {"xdp_load_bytes", has_helper(BPF_FUNC_xdp_load_bytes, BPF_PROG_TYPE_XDP), "5.18",
       "no hairpin ports, and no XDP at parents: their programs do not load without it"},
      {"freplace", has_freplace(), "5.10",
       "XDP at parents cannot join other programs in libxdp's dispatcher"},
      {"conntrack", has_conntrack_functions(vmlinux.get()), "6.0 (nf_conntrack, when loaded)",
       "nothing: connection tracking of our own does not use them"},
      {"jit", jit_enabled(), "3.18 (net.core.bpf_jit_enable)",
       "programs are interpreted: several times slower"},
  };
}

}  // namespace bpfvlan
