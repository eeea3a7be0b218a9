// SPDX-License-Identifier: MIT
// The part of Programs that is about the objects beside the main one: the filter's, XDP's.
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <string_view>

#include "bpfvlan/unique_fd.hpp"
#include "programs_impl.hpp"

namespace bpfvlan::test {

namespace {

// bpfvlan.clang-19.bpf.o, bpfvlan_filter.clang-19.bpf.o
std::string beside(std::string path, std::string_view name) {
  constexpr std::string_view kMain = "/bpfvlan.";
  return path.replace(path.rfind(kMain), kMain.size(), name);
}

}  // namespace

void Programs::need_filter() {
  if (filter_) return;
  const auto path = beside(path_, "/bpfvlan_filter.");
  Object object = open(path);
  set_constant(object.get(), kRecord, static_cast<std::uint8_t>(record_ == Record::kYes));
  set_constant(object.get(), "bv_conn_sets", connections_ / BV_CONN_WAYS);
  set_entries(object.get(), "conntrack", connections_ / BV_CONN_WAYS);
  share_maps(object.get());
  check(bpf_object__load(object.get()), "load " + path);
  filter_ = std::move(object);
}

void Programs::need_xdp() {
  need_filter();
  if (xdp_) return;
  const auto path = beside(path_, "/bpfvlan_xdp.");
  Object object = open(path);
  set_constant(object.get(), kRecord, static_cast<std::uint8_t>(record_ == Record::kYes));
  set_constant(object.get(), "bv_conn_sets", connections_ / BV_CONN_WAYS);
  share_maps(object.get());
  check(bpf_object__load(object.get()), "load " + path);
  xdp_ = std::move(object);
}

Outcome Programs::run_xdp(const Bytes& frame, const Context& context, std::uint32_t repeat) const {
  xdp_md md{};
  md.data_end = static_cast<std::uint32_t>(frame.size());
  md.ingress_ifindex = context.device;
  Outcome out;
  out.frame.resize(frame.size() + 64);  // a longer one must not pass for an unchanged one
  LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.data(), .data_out = out.frame.data(),
              .data_size_in = static_cast<std::uint32_t>(frame.size()),
              .data_size_out = static_cast<std::uint32_t>(out.frame.size()), .ctx_in = &md,
              .ctx_size_in = sizeof(md), .repeat = static_cast<int>(repeat));
  check(bpf_prog_test_run_opts(program(Hook::kXdp), &opts), "run bv_xdp");
  out.frame.resize(opts.data_size_out);
  out.returned = static_cast<std::int32_t>(opts.retval);
  out.nanoseconds = opts.duration;
  return out;
}

void Programs::need_matcher() {
  need_filter();
  if (matcher_) return;
  const auto compiler = path_.substr(path_.rfind('/') + std::strlen("/bpfvlan"));
  Object object = open(BV_MATCHER_DIR "/matcher" + compiler);
  share_maps(object.get());
  check(bpf_object__load(object.get()), "load matcher" + compiler);
  matcher_ = std::move(object);
}

RuleAnswer Programs::match(const RuleQuestion& question) const {
  Bytes in(ETH_HLEN + sizeof(question));
  std::memcpy(in.data() + ETH_HLEN, &question, sizeof(question));
  LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in.data(),
              .data_size_in = static_cast<std::uint32_t>(in.size()));
  const bpf_program* program = bpf_object__find_program_by_name(matcher_.get(), "match");
  check(bpf_prog_test_run_opts(bpf_program__fd(program), &opts), "run match");
  return {.counter = opts.retval / 4, .target = static_cast<bv_target>(opts.retval % 4)};
}

void Programs::call_filter(bool yes) {
  const std::uint32_t slot = 0;
  if (yes) {
    put("filters", slot, filter_program("bv_filter"));
    return;
  }
  const int err = bpf_map_delete_elem(map("filters"), &slot);
  if (err && err != -ENOENT) fail(err, "map filters");
}

void Programs::share_maps(bpf_object* object) const {
  bpf_map* theirs = nullptr;
  bpf_object__for_each_map(theirs, object) {
    const auto* ours = bpf_object__find_map_by_name(object_.get(), bpf_map__name(theirs));
    if (!ours && filter_) ours = bpf_object__find_map_by_name(filter_.get(), bpf_map__name(theirs));
    if (ours && !bpf_map__is_internal(theirs))
      check(bpf_map__reuse_fd(theirs, bpf_map__fd(ours)), bpf_map__name(theirs));
  }
}

int Programs::filter_program(const char* name) const {
  const bpf_program* found = bpf_object__find_program_by_name(filter_.get(), name);
  if (!found) fail(ENOENT, name);
  return bpf_program__fd(found);
}

Size Programs::filter_size() const {
  return size_of(filter_program("bv_filter"));
}

void Programs::put_pages(std::uint32_t parent_index, const std::vector<bv_rule_page>& pages) {
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP);
  auto count = static_cast<std::uint32_t>(pages.size());
  const UniqueFd inner(bpf_map_create(BPF_MAP_TYPE_ARRAY, "rule_pages", sizeof(std::uint32_t),
                                      sizeof(bv_rule_page), count, &options));
  if (!inner) fail(errno, "make a map of rules");
  std::vector<std::uint32_t> keys(pages.size());
  std::iota(keys.begin(), keys.end(), 0U);
  check(bpf_map_update_batch(inner.get(), keys.data(), pages.data(), &count, nullptr),
        "fill a map of rules");
  put("rules", parent_index, inner.get());
}

void Programs::erase_pages(std::uint32_t parent_index) {
  const int err = bpf_map_delete_elem(map("rules"), &parent_index);
  if (err && err != -ENOENT) fail(err, "map rules");
}

bv_rule_count Programs::rule_count(std::uint32_t counter) const {
  bv_rule_count sum{};
  for (const auto& cpu : read_per_cpu<bv_rule_count>("rule_counts", counter)) {
    sum.packets += cpu.packets;
    sum.bytes += cpu.bytes;
  }
  return sum;
}

void Programs::clear_rule_count(std::uint32_t counter) {
  write_per_cpu("rule_counts", counter, bv_rule_count{});
}

std::uint64_t Programs::ct_stat(bv_ct_stat stat) const {
  std::uint64_t sum = 0;
  for (const auto cpu : read_per_cpu<std::uint64_t>("ct_stats", stat)) sum += cpu;
  return sum;
}

std::uint32_t Programs::now_ticks() const {
  std::array<std::uint8_t, ETH_HLEN + sizeof(bv_ct_clock)> out{};
  const auto in = out;
  LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in.data(), .data_out = out.data(),
              .data_size_in = in.size(), .data_size_out = out.size());
  check(bpf_prog_test_run_opts(filter_program("bv_clock"), &opts), "run bv_clock");
  bv_ct_clock clock{};
  std::memcpy(&clock, out.data() + ETH_HLEN, sizeof(clock));
  return static_cast<std::uint32_t>(clock.jiffies >> BV_CT_TICK_SHIFT);
}

}  // namespace bpfvlan::test
