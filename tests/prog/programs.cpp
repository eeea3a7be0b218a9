// SPDX-License-Identifier: MIT
#include "programs.hpp"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>

#include <cerrno>
#include <cstring>
#include <numeric>
#include <string_view>
#include <system_error>

#include "bpfvlan/test/frame.hpp"
#include "bpfvlan/unique_fd.hpp"
#include "world.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kHeaders = 14 + 40;  // newer kernels refuse IP frames without these
constexpr const char* kRecord = "bv_record_verdict";

[[noreturn]] void fail(int err, const std::string& what) {
  throw std::system_error(err < 0 ? -err : err, std::generic_category(), what);
}

void check(int result, const std::string& what) {
  if (result < 0) fail(result, what);
}

const char* name_of(Hook hook) {
  switch (hook) {
    case Hook::kRx:
      return "bv_rx";
    case Hook::kXmit:
      return "bv_xmit";
    case Hook::kLocal:
      return "bv_local";
  }
  return "";
}

Object open(const std::string& path) {
  Object object(bpf_object__open_file(path.c_str(), nullptr));
  if (!object) fail(errno, "open " + path);
  return object;
}

// The compiler may put tables of its own into .rodata too, so BTF says where a variable is.
std::size_t rodata_offset(const bpf_object* object, std::string_view variable) {
  const btf* types = bpf_object__btf(object);
  const int id = btf__find_by_name_kind(types, ".rodata", BTF_KIND_DATASEC);
  check(id, ".rodata");
  const btf_type* section = btf__type_by_id(types, static_cast<std::uint32_t>(id));
  const btf_var_secinfo* vars = btf_var_secinfos(section);
  for (std::uint32_t i = 0; i < btf_vlen(section); ++i) {
    const btf_type* var = btf__type_by_id(types, vars[i].type);
    if (btf__name_by_offset(types, var->name_off) == variable) return vars[i].offset;
  }
  fail(ENOENT, std::string(variable));
}

template <class Value>
void set_constant(bpf_object* object, const char* variable, Value value) {
  bpf_map* rodata = bpf_object__find_map_by_name(object, ".rodata");
  if (!rodata) fail(ENOENT, "map .rodata");
  std::size_t size = 0;
  const void* initial = bpf_map__initial_value(rodata, &size);
  Bytes image(size);
  std::memcpy(image.data(), initial, size);
  const std::size_t at = rodata_offset(object, variable);
  if (at + sizeof(value) > size) fail(ERANGE, variable);
  std::memcpy(image.data() + at, &value, sizeof(value));
  check(bpf_map__set_initial_value(rodata, image.data(), size), variable);
}

void set_entries(bpf_object* object, const std::string& name, std::uint32_t entries) {
  bpf_map* map = bpf_object__find_map_by_name(object, name.c_str());
  if (!map) fail(ENOENT, name);
  check(bpf_map__set_max_entries(map, entries), name);
}

void set_limits(bpf_object* object, const Limits& limits) {
  for (const auto& [name, entries] : limits.entries) set_entries(object, name, entries);
  if (!limits.endpoints) return;
  const std::uint32_t chunks = *limits.endpoints / 64;
  for (const char* name : {"endpoints", "ports", "ep_state", "ep_counters"})
    set_entries(object, name, *limits.endpoints);
  set_entries(object, "group_hints", (BV_GROUP_BUCKETS + BV_MAX_PARENTS) * chunks);
  set_constant(object, "bv_chunks", chunks);
}

Size size_of(int program) {
  bpf_prog_info info{};
  std::uint32_t length = sizeof(info);
  check(bpf_obj_get_info_by_fd(program, &info, &length), "program info");
  return {info.xlated_prog_len / static_cast<std::uint32_t>(sizeof(bpf_insn)), info.verified_insns};
}

}  // namespace

void ObjectDeleter::operator()(bpf_object* object) const {
  bpf_object__close(object);
}

Programs::Programs(const std::string& object_path, Record record, const Limits& limits)
    : path_(object_path),
      record_(record),
      chunks_(limits.endpoints.value_or(BV_DEFAULT_ENDPOINTS) / 64),
      connections_(limits.connections),
      object_(open(object_path)),
      prepare_(open(BV_PREPARE_OBJECT)) {
  set_constant(object_.get(), kRecord, static_cast<std::uint8_t>(record == Record::kYes));
  set_limits(object_.get(), limits);
  check(bpf_object__load(object_.get()), "load " + object_path);
  check(bpf_object__load(prepare_.get()), "load " BV_PREPARE_OBJECT);
}

// bpfvlan.clang-19.bpf.o, bpfvlan_filter.clang-19.bpf.o
void Programs::need_filter() {
  if (filter_) return;
  constexpr std::string_view kMain = "/bpfvlan.", kFilter = "/bpfvlan_filter.";
  auto path = path_;
  path.replace(path.rfind(kMain), kMain.size(), kFilter);
  Object object = open(path);
  set_constant(object.get(), kRecord, static_cast<std::uint8_t>(record_ == Record::kYes));
  set_constant(object.get(), "bv_conn_sets", connections_ / BV_CONN_WAYS);
  set_entries(object.get(), "conntrack", connections_ / BV_CONN_WAYS);
  share_maps(object.get());
  check(bpf_object__load(object.get()), "load " + path);
  filter_ = std::move(object);
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
    if (ours && !bpf_map__is_internal(theirs))
      check(bpf_map__reuse_fd(theirs, bpf_map__fd(ours)), bpf_map__name(theirs));
  }
}

int Programs::map(const char* name) const {
  int fd = bpf_object__find_map_fd_by_name(object_.get(), name);
  if (fd < 0 && filter_) fd = bpf_object__find_map_fd_by_name(filter_.get(), name);
  check(fd, name);
  return fd;
}

int Programs::program(Hook hook) const {
  const bpf_program* found = bpf_object__find_program_by_name(object_.get(), name_of(hook));
  if (!found) fail(ENOENT, name_of(hook));
  return bpf_program__fd(found);
}

int Programs::filter_program(const char* name) const {
  const bpf_program* found = bpf_object__find_program_by_name(filter_.get(), name);
  if (!found) fail(ENOENT, name);
  return bpf_program__fd(found);
}

int Programs::prepared(int fd) const {
  const std::uint32_t slot = 0;
  check(bpf_map_update_elem(bpf_object__find_map_fd_by_name(prepare_.get(), "next"), &slot, &fd,
                            BPF_ANY),
        "map next");
  return bpf_program__fd(bpf_object__find_program_by_name(prepare_.get(), "prepare"));
}

Outcome Programs::run(Hook hook, const Bytes& frame, const Context& context,
                      std::uint32_t repeat) const {
  const bool cut = frame.size() < kHeaders;
  const Bytes in = cut ? resized(frame, kHeaders) : frame;
  __sk_buff skb{};
  skb.ifindex = context.device;
  skb.ingress_ifindex = context.came_by;
  skb.mark = context.mark;
  skb.priority = context.priority;
  skb.gso_size = context.gso_size;
  skb.gso_segs = context.gso_size ? 2 : 0;
  skb.cb[0] = static_cast<std::uint32_t>(frame.size());
  skb.cb[1] = context.tag ? context.tag->protocol : 0;
  skb.cb[2] = context.tag ? context.tag->tci : 0;
  skb.cb[3] = context.number_at;

  Outcome out;
  out.frame.resize(in.size() + 64);  // a longer one must not pass for an unchanged one
  LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in.data(), .data_out = out.frame.data(),
              .data_size_in = static_cast<std::uint32_t>(in.size()),
              .data_size_out = static_cast<std::uint32_t>(out.frame.size()), .ctx_in = &skb,
              .ctx_out = &skb, .ctx_size_in = sizeof(skb), .ctx_size_out = sizeof(skb),
              .repeat = static_cast<int>(repeat));
  const int fd = program(hook);
  check(bpf_prog_test_run_opts(cut || context.tag || context.number_at ? prepared(fd) : fd, &opts),
        std::string("run ") + name_of(hook));
  out.frame.resize(opts.data_size_out);
  out.returned = static_cast<std::int32_t>(opts.retval);
  out.mark = skb.mark;
  out.priority = skb.priority;
  out.nanoseconds = opts.duration;
  return out;
}

Size Programs::size(Hook hook) const {
  return size_of(program(hook));
}

Size Programs::filter_size() const {
  return size_of(filter_program("bv_filter"));
}

void Programs::put(std::uint32_t ifindex, const bv_parent& parent) {
  check(bpf_map_update_elem(map("parents"), &ifindex, &parent, BPF_ANY), "map parents");
}

void Programs::put(std::uint32_t host_side, const bv_endpoint& endpoint) {
  check(bpf_map_update_elem(map("endpoints"), &host_side, &endpoint, BPF_ANY), "map endpoints");
}

void Programs::put(std::uint32_t parent, const Ip4Addr& address, const bv_addr& owner) {
  bv_addr4_key key{.parent = parent, .addr = {}};
  std::memcpy(key.addr, address.octets.data(), sizeof(key.addr));
  check(bpf_map_update_elem(map("addr4"), &key, &owner, BPF_ANY), "map addr4");
}

void Programs::put(std::uint32_t parent, const Ip6Addr& address, const bv_addr& owner) {
  bv_addr6_key key{.parent = parent, .addr = {}};
  std::memcpy(key.addr, address.octets.data(), sizeof(key.addr));
  check(bpf_map_update_elem(map("addr6"), &key, &owner, BPF_ANY), "map addr6");
}

void Programs::write(const char* name, const void* key, const void* value) {
  check(bpf_map_update_elem(map(name), key, value, BPF_ANY), std::string("map ") + name);
}

bool Programs::read(const char* name, const void* key, void* value) const {
  const int err = bpf_map_lookup_elem(map(name), key, value);
  if (err && err != -ENOENT) fail(err, std::string("map ") + name);
  return err == 0;
}

bool Programs::next_key(const char* name, const void* before, void* key) const {
  const int err = bpf_map_get_next_key(map(name), before, key);
  if (err && err != -ENOENT) fail(err, std::string("map ") + name);
  return err == 0;
}

void Programs::clear(const char* name) {
  bpf_map_info info{};
  std::uint32_t length = sizeof(info);
  check(bpf_obj_get_info_by_fd(map(name), &info, &length), name);
  std::vector<Bytes> keys;
  Bytes key(info.key_size);
  while (next_key(name, keys.empty() ? nullptr : keys.back().data(), key.data()))
    keys.push_back(key);
  for (const Bytes& k : keys) check(bpf_map_delete_elem(map(name), k.data()), name);
}

void Programs::zero(const char* name) {
  bpf_map_info info{};
  std::uint32_t length = sizeof(info);
  check(bpf_obj_get_info_by_fd(map(name), &info, &length), name);
  const bool per_cpu = info.type == BPF_MAP_TYPE_PERCPU_ARRAY;
  const auto values = per_cpu ? static_cast<std::size_t>(libbpf_num_possible_cpus()) : 1;
  const Bytes zeros(info.value_size * values);
  for (std::uint32_t i = 0; i < info.max_entries; ++i) write(name, &i, zeros.data());
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

template <class Value>
void Programs::write_per_cpu(const char* name, std::uint32_t key, const Value& first_cpu) {
  static_assert(sizeof(Value) % 8 == 0, "the kernel rounds per-CPU values up to 8 bytes");
  std::vector<Value> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  values.front() = first_cpu;
  check(bpf_map_update_elem(map(name), &key, values.data(), BPF_ANY), name);
}

template <class Value>
std::vector<Value> Programs::read_per_cpu(const char* name, std::uint32_t key) const {
  std::vector<Value> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  check(bpf_map_lookup_elem(map(name), &key, values.data()), name);
  return values;
}

void Programs::reset(const ReasonCounts& reasons) {
  for (std::uint32_t i = 0; i < reasons.size(); ++i) write_per_cpu("reasons", i, reasons[i]);
  for (std::uint32_t id = 0; id < kIds; ++id) clear_counters(id);
  write_per_cpu("last_verdict", 0, bv_verdict{});
}

void Programs::clear_counters(std::uint32_t id) {
  write_per_cpu("ep_counters", id, bv_ep_counters{});
}

ReasonCounts Programs::reasons() const {
  ReasonCounts sums{};
  for (std::uint32_t i = 0; i < sums.size(); ++i) {
    for (const auto& cpu : read_per_cpu<bv_reason_count>("reasons", i)) {
      sums[i].packets += cpu.packets;
      sums[i].bytes += cpu.bytes;
    }
  }
  return sums;
}

bv_ep_counters Programs::endpoint(std::uint32_t id) const {
  bv_ep_counters sum{};
  for (const auto& cpu : read_per_cpu<bv_ep_counters>("ep_counters", id)) {
    sum.rx_packets += cpu.rx_packets;
    sum.rx_bytes += cpu.rx_bytes;
    sum.tx_packets += cpu.tx_packets;
    sum.tx_bytes += cpu.tx_bytes;
    sum.tx_dropped += cpu.tx_dropped;
  }
  return sum;
}

bv_verdict Programs::last_verdict() const {
  bv_verdict written{};  // by the one CPU that ran the program
  for (const auto& cpu : read_per_cpu<bv_verdict>("last_verdict", 0))
    if (cpu.action || cpu.reason || cpu.ifindex || cpu.to) written = cpu;
  return written;
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
