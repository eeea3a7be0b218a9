// SPDX-License-Identifier: MIT
#include "conntrack_programs.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/core.h>
#include <linux/if_ether.h>

#include <array>
#include <cstring>

namespace bpfvlan {
namespace {

Result<UniqueFd> open_program(const std::string& path) {
  UniqueFd fd(bpf_obj_get(path.c_str()));
  if (!fd) return fail(errno, fmt::format("pinned program {}", path));
  return fd;
}

// `argument` goes behind an Ethernet header, and comes back as the program left it.
template <class T>
Result<std::uint32_t> run(const UniqueFd& program, const char* name, T& argument) {
  std::array<std::uint8_t, ETH_HLEN + sizeof(T)> in{}, out{};
  std::memcpy(in.data() + ETH_HLEN, &argument, sizeof(T));
  bpf_test_run_opts opts{};
  opts.sz = sizeof(opts);
  opts.data_in = in.data();
  opts.data_size_in = in.size();
  opts.data_out = out.data();
  opts.data_size_out = out.size();
  if (const int err = bpf_prog_test_run_opts(program.get(), &opts))
    return fail(err, fmt::format("run program {}", name));
  std::memcpy(&argument, out.data() + ETH_HLEN, sizeof(T));
  return opts.retval;
}

}  // namespace

Result<ConntrackPrograms> ConntrackPrograms::open(const std::string& dir) {
  ConntrackPrograms programs;
  BV_TRY(programs.clock_, open_program(fmt::format("{}/bv_clock", dir)));
  BV_TRY(programs.forget_, open_program(fmt::format("{}/bv_ct_forget", dir)));
  return programs;
}

Result<std::uint32_t> ConntrackPrograms::now() const {
  bv_ct_clock clock{};
  BV_CHECK(run(clock_, "bv_clock", clock));
  return static_cast<std::uint32_t>(clock.jiffies >> BV_CT_TICK_SHIFT);
}

Result<std::uint32_t> ConntrackPrograms::forget(const bv_ct_forget& what) const {
  auto argument = what;
  return run(forget_, "bv_ct_forget", argument);
}

Result<std::uint32_t> ConntrackPrograms::forget_all(std::uint32_t parent_index) const {
  bv_ct_forget what{};
  what.parent_index = parent_index;
  what.what = BV_CT_FORGET_ALL;
  return forget(what);
}

Result<std::uint32_t> ConntrackPrograms::forget(const bv_conn_key& key) const {
  bv_ct_forget what{};
  what.parent_index = key.parent;
  what.what = BV_CT_FORGET_ONE;
  what.key = key;
  return forget(what);
}

}  // namespace bpfvlan
