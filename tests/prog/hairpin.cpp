// SPDX-License-Identifier: MIT
#include "hairpin.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "programs_impl.hpp"

namespace bpfvlan::test {
namespace {

// The programs' clock.
std::uint32_t now_seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint32_t>(now.tv_sec);
}

bv_hairpin_station station(const MacAddr& mac, std::uint16_t vlan) {
  bv_hairpin_station key{};
  std::copy(mac.octets.begin(), mac.octets.end(), key.mac);
  key.vlan = vlan;
  return key;
}

}  // namespace

std::string hairpin_object(std::string object_path) {
  constexpr std::string_view kBase = "/bpfvlan.";
  return object_path.replace(object_path.rfind(kBase), kBase.size(), "/bpfvlan_hairpin.");
}

Hairpin::Hairpin(const std::string& object_path, const MacAddr& mac) : object_(open(object_path)) {
  check(bpf_object__load(object_.get()), "load " + object_path);
  bv_hairpin_port port{};
  port.version = BV_HAIRPIN_VERSION;
  std::copy(mac.octets.begin(), mac.octets.end(), port.mac);
  port.hash_key[0] = 1;
  const std::uint32_t zero = 0;
  check(bpf_map_update_elem(map("hairpin_port"), &zero, &port, BPF_ANY), "map hairpin_port");
}

int Hairpin::map(const char* name) const {
  const int fd = bpf_object__find_map_fd_by_name(object_.get(), name);
  check(fd, name);
  return fd;
}

int Hairpin::program(HairpinHook hook) const {
  const char* name = hook == HairpinHook::kXdp ? "bv_hairpin_xdp" : "bv_hairpin";
  const bpf_program* found = bpf_object__find_program_by_name(object_.get(), name);
  if (!found) fail(ENOENT, name);
  return bpf_program__fd(found);
}

Outcome Hairpin::run(HairpinHook hook, const Bytes& frame, std::uint32_t device,
                     std::uint32_t repeat) const {
  Outcome out;
  out.frame.resize(frame.size() + 64);  // a longer one must not pass for an unchanged one
  __sk_buff skb{};
  skb.ifindex = device;
  LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.data(), .data_out = out.frame.data(),
              .data_size_in = static_cast<std::uint32_t>(frame.size()),
              .data_size_out = static_cast<std::uint32_t>(out.frame.size()),
              .repeat = static_cast<int>(repeat));
  if (hook == HairpinHook::kTc) {
    opts.ctx_in = &skb;
    opts.ctx_size_in = sizeof(skb);
  }
  check(bpf_prog_test_run_opts(program(hook), &opts), "run the hairpin");
  out.frame.resize(opts.data_size_out);
  out.returned = static_cast<std::int32_t>(opts.retval);
  out.nanoseconds = opts.duration;
  return out;
}

Size Hairpin::size(HairpinHook hook) const {
  return size_of(program(hook));
}

void Hairpin::put_station(const MacAddr& mac, std::uint16_t vlan, std::uint32_t unused_seconds) {
  const auto key = station(mac, vlan);
  const std::uint32_t seen = now_seconds() - unused_seconds;
  check(bpf_map_update_elem(map("hairpin_stations"), &key, &seen, BPF_ANY), "map hairpin_stations");
}

std::optional<std::uint32_t> Hairpin::unused_seconds(const MacAddr& mac, std::uint16_t vlan) const {
  const auto key = station(mac, vlan);
  std::uint32_t seen = 0;
  if (bpf_map_lookup_elem(map("hairpin_stations"), &key, &seen)) return {};
  return now_seconds() - seen;
}

void Hairpin::put_address(const std::string& cidr) {
  const auto prefix = IpPrefix::parse(cidr);
  if (!prefix) fail(EINVAL, cidr);
  bv_hairpin_prefix key{};
  key.length = 32U + prefix->length;
  key.family = prefix->family == AF_INET ? 4 : 6;
  std::copy(prefix->addr.begin(), prefix->addr.end(), key.addr);
  const std::uint32_t one = 1;
  check(bpf_map_update_elem(map("hairpin_prefixes"), &key, &one, BPF_ANY), "map hairpin_prefixes");
}

void Hairpin::set_count(bv_hairpin_end end, std::uint64_t packets) {
  const std::uint32_t key = end;
  const std::vector<bv_hairpin_count> values(static_cast<std::size_t>(libbpf_num_possible_cpus()),
                                             bv_hairpin_count{packets, 0});
  check(bpf_map_update_elem(map("hairpin_counts"), &key, values.data(), BPF_ANY),
        "map hairpin_counts");
}

HairpinCounts Hairpin::counts() const {
  HairpinCounts sums{};
  std::vector<bv_hairpin_count> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  for (std::uint32_t end = 0; end < sums.size(); ++end) {
    check(bpf_map_lookup_elem(map("hairpin_counts"), &end, values.data()), "map hairpin_counts");
    for (const auto& v : values) sums[end] += v.packets;
  }
  return sums;
}

void Hairpin::forget() {
  for (const auto* name : {"hairpin_stations", "hairpin_prefixes", "hairpin_echoes"}) {
    std::array<std::uint8_t, sizeof(bv_hairpin_prefix)> key{};
    while (bpf_map_get_next_key(map(name), nullptr, key.data()) == 0)
      check(bpf_map_delete_elem(map(name), key.data()), name);
  }
  for (int end = 0; end < BV_HAIRPIN_END_MAX; ++end) set_count(static_cast<bv_hairpin_end>(end), 0);
}

}  // namespace bpfvlan::test
