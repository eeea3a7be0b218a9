// SPDX-License-Identifier: MIT
#include "programs.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <system_error>
#include <utility>

#include "bpfvlan/test/frame.hpp"
#include "programs_impl.hpp"
#include "world.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kHeaders = 14 + 40;  // newer kernels refuse IP frames without these
constexpr std::uint32_t kEarly = 0xffff;   // ctx_skb.h

const char* name_of(Hook hook) {
  switch (hook) {
    case Hook::kRx:
      return "bv_rx";
    case Hook::kXmit:
      return "bv_xmit";
    case Hook::kNetkit:
      return "bv_netkit";
    case Hook::kLocal:
      return "bv_local";
    case Hook::kXdp:
      return "bv_xdp";
  }
  return "";
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

bv_ep_counters sum_of(const std::vector<bv_ep_counters>& cpus) {
  bv_ep_counters sum{};
  for (const auto& cpu : cpus) {
    sum.rx_packets += cpu.rx_packets;
    sum.rx_bytes += cpu.rx_bytes;
    sum.tx_packets += cpu.tx_packets;
    sum.tx_bytes += cpu.tx_bytes;
    sum.tx_dropped += cpu.tx_dropped;
  }
  return sum;
}

}  // namespace

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
  auto index = AddressIndex::of_maps(map("addr4_index"), map("addr6_index"));
  if (!index) throw std::system_error(index.error().code, index.error().what);
  address_index_ = std::move(*index);
}

int Programs::map(const char* name) const {
  int fd = bpf_object__find_map_fd_by_name(object_.get(), name);
  if (fd < 0 && filter_) fd = bpf_object__find_map_fd_by_name(filter_.get(), name);
  if (fd < 0 && xdp_) fd = bpf_object__find_map_fd_by_name(xdp_.get(), name);
  check(fd, name);
  return fd;
}

int Programs::program(Hook hook) const {
  const bpf_object* object = hook == Hook::kXdp ? xdp_.get() : object_.get();
  const bpf_program* found = bpf_object__find_program_by_name(object, name_of(hook));
  if (!found) fail(ENOENT, name_of(hook));
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
  if (hook == Hook::kXdp) return run_xdp(frame, context, repeat);
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
  skb.cb[4] = context.early ? kEarly : 0;

  Outcome out;
  out.frame.resize(in.size() + 64);  // a longer one must not pass for an unchanged one
  LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in.data(), .data_out = out.frame.data(),
              .data_size_in = static_cast<std::uint32_t>(in.size()),
              .data_size_out = static_cast<std::uint32_t>(out.frame.size()), .ctx_in = &skb,
              .ctx_out = &skb, .ctx_size_in = sizeof(skb), .ctx_size_out = sizeof(skb),
              .repeat = static_cast<int>(repeat));
  const int fd = program(hook);
  const bool prepare = cut || context.tag || context.number_at || context.early;
  check(bpf_prog_test_run_opts(prepare ? prepared(fd) : fd, &opts),
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

void Programs::put(std::uint32_t ifindex, const bv_parent& parent) {
  check(bpf_map_update_elem(map("parents"), &ifindex, &parent, BPF_ANY), "map parents");
}

void Programs::put(std::uint32_t host_side, const bv_endpoint& endpoint) {
  check(bpf_map_update_elem(map("endpoints"), &host_side, &endpoint, BPF_ANY), "map endpoints");
  bv_port port{};
  port.host_side = host_side;
  port.id = endpoint.id;
  port.parent = endpoint.parent;
  port.mode = endpoint.mode;
  port.policy = endpoint.policy;
  port.in_parent_netns = endpoint.in_parent_netns;
  port.filter = endpoint.filter;
  port.parent_index = endpoint.parent_index;
  port.takes_xdp = endpoint.takes_xdp;
  port.learn_age = endpoint.learn_age;
  port.mtu = endpoint.mtu;
  put("ports", endpoint.id, port);
  put("host_sides", host_side % BV_HOST_SIDES, endpoint.id);
}

// As the control plane does: what is learned is not in the index.
void Programs::index(std::uint32_t parent, const IpPrefix& address, const bv_addr& owner) {
  if (owner.age) {
    address_index_.leave_out(parent, address);
  } else {
    address_index_.add(parent, address, owner.to.id);
    indexed_.push_back({parent, address, owner.to.id});
  }
}

void Programs::clear_addresses() {
  for (const char* name : {"addr4", "addr6"}) clear(name);
  for (const auto& [parent, address, id] : indexed_) address_index_.remove(parent, address, id);
  indexed_.clear();
}

void Programs::put(std::uint32_t parent, const Ip4Addr& address, const bv_addr& owner) {
  bv_addr4_key key{.parent = parent, .addr = {}};
  std::memcpy(key.addr, address.octets.data(), sizeof(key.addr));
  check(bpf_map_update_elem(map("addr4"), &key, &owner, BPF_ANY), "map addr4");
  IpPrefix prefix{.family = AF_INET, .length = 32};
  std::copy(address.octets.begin(), address.octets.end(), prefix.addr.begin());
  index(parent, prefix, owner);
}

void Programs::put(std::uint32_t parent, const Ip6Addr& address, const bv_addr& owner) {
  bv_addr6_key key{.parent = parent, .addr = {}};
  std::memcpy(key.addr, address.octets.data(), sizeof(key.addr));
  check(bpf_map_update_elem(map("addr6"), &key, &owner, BPF_ANY), "map addr6");
  IpPrefix prefix{.family = AF_INET6, .length = 128};
  std::copy(address.octets.begin(), address.octets.end(), prefix.addr.begin());
  index(parent, prefix, owner);
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
  const std::size_t rounded = (info.value_size + 7) / 8 * 8;  // of values per CPU
  const Bytes zeros(rounded * values * info.max_entries);
  write_batch(name, info.max_entries, zeros.data());
}

void Programs::write_batch(const char* name, std::uint32_t count, const void* values) {
  std::vector<std::uint32_t> keys(count);
  std::iota(keys.begin(), keys.end(), 0U);
  check(bpf_map_update_batch(map(name), keys.data(), values, &count, nullptr), name);
}

void Programs::reset(const ReasonCounts& reasons) {
  write_all_per_cpu("reasons", reasons);
  write_all_per_cpu("ep_counters", std::array<bv_ep_counters, kIds>{});
  write_per_cpu("last_verdict", 0, bv_verdict{});
}

void Programs::clear_counters(std::uint32_t id) {
  write_per_cpu("ep_counters", id, bv_ep_counters{});
}

void Programs::read_batch(const char* name, std::uint32_t count, void* values) const {
  std::vector<std::uint32_t> keys(count);
  std::uint32_t next = 0;
  const int err =
      bpf_map_lookup_batch(map(name), nullptr, &next, keys.data(), values, &count, nullptr);
  if (err != -ENOENT) check(err, name);  // that is the end of the map
}

ReasonCounts Programs::reasons() const {
  ReasonCounts sums{};
  const auto counted = read_all_per_cpu<bv_reason_count>("reasons", BV_REASON_MAX);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    for (const auto& cpu : counted[i]) {
      sums[i].packets += cpu.packets;
      sums[i].bytes += cpu.bytes;
    }
  }
  return sums;
}

bv_ep_counters Programs::endpoint(std::uint32_t id) const {
  return sum_of(read_per_cpu<bv_ep_counters>("ep_counters", id));
}

std::vector<bv_ep_counters> Programs::endpoints(std::uint32_t count) const {
  std::vector<bv_ep_counters> out;
  for (const auto& counted : read_all_per_cpu<bv_ep_counters>("ep_counters", count))
    out.push_back(sum_of(counted));
  return out;
}

bv_verdict Programs::last_verdict() const {
  bv_verdict written{};  // by the one CPU that ran the program
  for (const auto& cpu : read_per_cpu<bv_verdict>("last_verdict", 0))
    if (cpu.action || cpu.reason || cpu.ifindex || cpu.to) written = cpu;
  return written;
}

}  // namespace bpfvlan::test
