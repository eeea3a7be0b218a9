// SPDX-License-Identifier: MIT
#include "hairpin_port.hpp"

#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <memory>

#include "address_maps.hpp"
#include "bpfvlan_hairpin.skel.h"
#include "hook.hpp"
#include "libbpf_log.hpp"
#include "pinned_object.hpp"
#include "undo.hpp"
#include "xdp.hpp"

namespace bpfvlan {
namespace {

constexpr auto kTc = "bv_hairpin", kXdp = "bv_hairpin_xdp", kPort = "hairpin_port";
constexpr auto kTcLink = "tc_link", kXdpLink = "xdp_link";
constexpr std::uint32_t kFamilyBits = 32;  // bv_hairpin_prefix.length

struct Destroy {
  void operator()(bpfvlan_hairpin_bpf* s) const noexcept { bpfvlan_hairpin_bpf__destroy(s); }
};
using Skeleton = std::unique_ptr<bpfvlan_hairpin_bpf, Destroy>;

Result<> check_helpers() {
  if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_load_bytes, nullptr) == 0)
    return unsupported("this kernel has no bpf_xdp_load_bytes (since 5.18)");
  return {};
}

Result<Skeleton> load() {
  const LibbpfLog log;
  Skeleton skel(bpfvlan_hairpin_bpf__open());
  if (!skel) return fail(errno, "open the BPF object of the hairpin");
  if (const int err = bpfvlan_hairpin_bpf__load(skel.get())) {
    BV_CHECK(check_helpers());
    return fail(err, fmt::format("load the BPF programs of the hairpin\n{}", log.text()));
  }
  return skel;
}

Result<> pin_all(const bpfvlan_hairpin_bpf& s, const std::string& dir) {
  const std::pair<const char*, int> pins[] = {
      {kPort, bpf_map__fd(s.maps.hairpin_port)},
      {"hairpin_stations", bpf_map__fd(s.maps.hairpin_stations)},
      {"hairpin_prefixes", bpf_map__fd(s.maps.hairpin_prefixes)},
      {"hairpin_echoes", bpf_map__fd(s.maps.hairpin_echoes)},
      {"hairpin_counts", bpf_map__fd(s.maps.hairpin_counts)},
      {kTc, bpf_program__fd(s.progs.bv_hairpin)},
      {kXdp, bpf_program__fd(s.progs.bv_hairpin_xdp)},
  };
  for (const auto& [name, fd] : pins) BV_CHECK(pin_in(dir, name, fd));
  return {};
}

void take_from(bv_hairpin_port& port, const Link& link) {
  port.ifindex = link.ifindex;
  std::copy(link.mac.begin(), link.mac.end(), port.mac);
  std::fill(std::begin(port.ifname), std::end(port.ifname), '\0');
  link.name.copy(port.ifname, sizeof(port.ifname) - 1);
}

// Without its host part, which the trie does not keep.
IpPrefix network_of(IpPrefix p) {
  for (std::size_t i = 0; i < p.addr.size(); ++i) {
    const int bits = std::clamp(p.length - static_cast<int>(i) * 8, 0, 8);
    p.addr[i] = static_cast<std::uint8_t>(p.addr[i] & (0xff00 >> bits));
  }
  return p;
}

bv_hairpin_prefix to_key(const IpPrefix& prefix) {
  const auto p = network_of(prefix);
  bv_hairpin_prefix key{};
  key.length = kFamilyBits + p.length;
  key.family = p.family == AF_INET ? 4 : 6;
  std::copy(p.addr.begin(), p.addr.end(), key.addr);
  return key;
}

IpPrefix to_prefix(const bv_hairpin_prefix& key) {
  IpPrefix p;
  p.family = key.family == 4 ? AF_INET : AF_INET6;
  p.length = static_cast<std::uint8_t>(key.length - kFamilyBits);
  std::copy(std::begin(key.addr), std::end(key.addr), p.addr.begin());
  return p;
}

}  // namespace

Result<HairpinPort> HairpinPort::create(const std::string& dir, const Link& link,
                                        std::optional<XdpMode> mode,
                                        const std::vector<IpPrefix>& addresses, bool owns_clsact) {
  if (mode != BV_XDP_OFF) BV_CHECK(check_xdp_free(link));
  BV_TRY(const auto skel, load());
  const auto unfinished = dir + "_new";  // the BPF file system refuses dots
  BV_CHECK(remove(unfinished));          // of a process that was killed
  if (mkdir(unfinished.c_str(), 0700)) return fail(errno, unfinished);
  Undo undo;
  undo.push([&] { (void)remove(unfinished); });
  BV_CHECK(pin_all(*skel, unfinished));

  HairpinPort port;
  port.dir_ = unfinished;
  BV_TRY(port.port_, decltype(port.port_)::open(pin_of(unfinished, kPort), kPort));
  BV_TRY(port.prefixes_, decltype(port.prefixes_)::open(pin_of(unfinished, "hairpin_prefixes"),
                                                        "hairpin_prefixes"));
  bv_hairpin_port value{};
  value.version = BV_HAIRPIN_VERSION;
  value.owns_clsact = owns_clsact;
  take_from(value, link);
  if (getrandom(value.hash_key, sizeof(value.hash_key), 0) < 0) return fail(errno, "getrandom");
  BV_CHECK(port.write(value));
  BV_CHECK(port.set_addresses(addresses));

  if (owns_clsact) undo.push([&link] { (void)clsact_destroy(link.ifindex); });
  BV_CHECK(port.attach_tc());  // frames go back from here on
  undo.push(
      [&] { (void)hook_detach(link.ifindex, Direction::Ingress, pin_of(unfinished, kTcLink)); });
  BV_TRY(const auto attached, attach_xdp(bpf_program__fd(skel->progs.bv_hairpin_xdp), link, mode));
  if (attached.first) BV_CHECK(pin_in(unfinished, kXdpLink, attached.first.get()));
  value.mode = attached.second;
  BV_CHECK(port.write(value));
  if (rename(unfinished.c_str(), dir.c_str())) return fail(errno, dir);
  undo.release();
  return open(dir);
}

Result<HairpinPort> HairpinPort::open(const std::string& dir) {
  HairpinPort port;
  port.dir_ = dir;
  const auto open_map = [&](auto& map, const char* name) -> Result<> {
    BV_TRY(map, std::remove_reference_t<decltype(map)>::open(pin_of(dir, name), name));
    return {};
  };
  BV_CHECK(open_map(port.port_, kPort));
  BV_CHECK(open_map(port.prefixes_, "hairpin_prefixes"));
  BV_CHECK(open_map(port.stations_, "hairpin_stations"));
  BV_CHECK(open_map(port.counts_, "hairpin_counts"));
  BV_TRY(const auto value, port.port_.find(0));
  port.value_ = *value;  // an array has all its elements
  if (port.value_.version != BV_HAIRPIN_VERSION)
    return refuse(std::errc::protocol_error,
                  fmt::format("the hairpin's maps at {} have version {}, this program has {}: "
                              "detach it with the program that made them",
                              dir, port.value_.version, BV_HAIRPIN_VERSION));
  return port;
}

bool HairpinPort::dead(const std::string& dir) {
  for (const auto* link : {kXdpLink, kTcLink})
    if (const auto path = pin_of(dir, link); std::filesystem::exists(path) && link_dead(path))
      return true;
  return false;
}

Result<> HairpinPort::remove(const std::string& dir) {
  for (const auto* link : {kXdpLink, kTcLink}) detach_link(pin_of(dir, link));
  std::error_code err;
  std::filesystem::remove_all(dir, err);
  if (err) return fail(err.value(), fmt::format("remove {}", dir));
  return {};
}

Result<> HairpinPort::write(const bv_hairpin_port& value) {
  BV_CHECK(port_.write(0, value));
  value_ = value;
  return {};
}

Result<> HairpinPort::follow(const Link& link) {
  auto value = value_;
  take_from(value, link);
  return write(value);
}

Result<> HairpinPort::attach_tc() const {
  const auto path = pin_of(dir_, kTc);
  const UniqueFd program(bpf_obj_get(path.c_str()));
  if (!program) return fail(errno, fmt::format("pinned program {}", path));
  return hook_attach(program.get(), value_.ifindex, Direction::Ingress, pin_of(dir_, kTcLink));
}

bool HairpinPort::tc_attached() const {
  return hook_attached(value_.ifindex, Direction::Ingress, pin_of(dir_, kTcLink));
}

// Somebody took the program off.
Result<> HairpinPort::repair(bool owns_clsact) {
  auto value = value_;
  value.owns_clsact |= owns_clsact;
  BV_CHECK(write(value));
  return attach_tc();
}

Result<std::vector<IpPrefix>> HairpinPort::addresses() const {
  BV_TRY(const auto keys, prefixes_.keys());
  std::vector<IpPrefix> out;
  for (const auto& key : keys) out.push_back(to_prefix(key));
  std::sort(out.begin(), out.end(), [](const IpPrefix& a, const IpPrefix& b) {
    return std::tie(a.family, a.addr, a.length) < std::tie(b.family, b.addr, b.length);
  });
  return out;
}

// New ones first: what stays is never without its entry.
Result<> HairpinPort::set_addresses(const std::vector<IpPrefix>& wanted) const {
  std::vector<IpPrefix> networks;
  std::transform(wanted.begin(), wanted.end(), std::back_inserter(networks), network_of);
  const auto has = [](const std::vector<IpPrefix>& all, const IpPrefix& p) {
    return std::find(all.begin(), all.end(), p) != all.end();
  };
  BV_TRY(const auto before, addresses());
  Undo undo;
  for (const auto& p : networks) {
    if (has(before, p)) continue;
    BV_CHECK(prefixes_.write(to_key(p), 1));
    undo.push([this, p] { (void)prefixes_.erase(to_key(p)); });
  }
  for (const auto& p : before) {
    if (has(networks, p)) continue;
    BV_CHECK(prefixes_.erase(to_key(p)));
    undo.push([this, p] { (void)prefixes_.write(to_key(p), 1); });
  }
  undo.release();
  return {};
}

Result<HairpinInfo> HairpinPort::info() const {
  HairpinInfo info;
  info.device = value_.ifname;
  info.ifindex = value_.ifindex;
  info.xdp = value_.mode;
  info.hook = to_string(hook_kind());
  std::copy(std::begin(value_.mac), std::end(value_.mac), info.mac.begin());
  BV_TRY(info.addresses, addresses());
  BV_TRY(const auto stations, stations_.all());
  const auto now = now_seconds();
  for (const auto& [key, seen] : stations) {
    // A program's second may be later than ours was.
    const auto unused = std::max(0, static_cast<int>(now - seen));
    if (unused > BV_HAIRPIN_AGE) continue;
    HairpinStation station{{}, key.vlan, static_cast<std::uint32_t>(unused)};
    std::copy(std::begin(key.mac), std::end(key.mac), station.mac.begin());
    info.stations.push_back(station);
  }
  std::sort(info.stations.begin(), info.stations.end(), [](const auto& a, const auto& b) {
    return std::tie(a.mac, a.vlan) < std::tie(b.mac, b.vlan);
  });
  for (std::uint32_t end = 0; end < BV_HAIRPIN_END_MAX; ++end) {
    BV_TRY(const auto cpus, counts_.per_cpu(end));
    for (const auto& v : cpus) {
      info.counts[end].packets += v.packets;
      info.counts[end].bytes += v.bytes;
    }
  }
  return info;
}

}  // namespace bpfvlan
