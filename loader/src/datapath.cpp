// SPDX-License-Identifier: MIT
#include "datapath.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <charconv>
#include <cstring>
#include <filesystem>

#include "base_programs.hpp"
#include "undo.hpp"
#include "xdp_dispatcher.hpp"

namespace bpfvlan {
namespace {

constexpr auto kBpffs = "/sys/fs/bpf";
constexpr auto kLinkPrefix = "link_";

Result<bv_meta> read_meta(const std::string& dir) {
  // A map of another version may have another size: read what the kernel says it has.
  UniqueFd fd(bpf_obj_get(fmt::format("{}/meta", dir).c_str()));
  if (!fd) return fail(errno, fmt::format("pinned map {}/meta", dir));
  bpf_map_info info{};
  std::uint32_t len = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd.get(), &info, &len))
    return fail(errno, fmt::format("pinned map {}/meta", dir));
  std::vector<char> value(std::max<std::size_t>(info.value_size, sizeof(bv_meta)));
  const std::uint32_t zero = 0;
  if (bpf_map_lookup_elem(fd.get(), &zero, value.data()))
    return fail(errno, fmt::format("pinned map {}/meta", dir));
  bv_meta meta{};
  std::memcpy(&meta, value.data(), sizeof(meta));
  return meta;
}

}  // namespace

Result<std::string> pin_root() {
  struct statfs fs {};
  if (statfs(kBpffs, &fs) || fs.f_type != BPF_FS_MAGIC)
    return refuse(std::errc::no_such_file_or_directory,
                  fmt::format("no BPF file system at {0}: inside `ip netns exec` it is hidden, run "
                              "outside, with -n NAMESPACE; else mount it (mount -t bpf bpf {0})",
                              kBpffs));
  const auto root = fmt::format("{}/bpfvlan", kBpffs);
  if (mkdir(root.c_str(), 0700) && errno != EEXIST) return fail(errno, root);
  return root;
}

bool Datapath::exists(const std::string& dir) {
  return std::filesystem::exists(dir);
}

Result<> Datapath::remove(const std::string& dir) {
  std::error_code err;
  std::filesystem::remove_all(dir, err);
  if (err) return fail(err.value(), fmt::format("remove {}", dir));
  return {};
}

void Datapath::remove_dead(const std::string& root) {
  std::error_code ignored;
  std::vector<std::filesystem::path> dead;
  for (const auto& dir : std::filesystem::directory_iterator(root, ignored)) {
    auto pins = link_pins(dir.path());
    // Some parents may be without XDP: its links cannot speak for all, where there are no others.
    std::erase_if(pins, [](const auto& pin) {
      return pin.first.find(fmt::format("{}{}_", kLinkPrefix, kXdp)) != std::string::npos;
    });
    if (!pins.empty() &&
        std::all_of(pins.begin(), pins.end(), [](const auto& pin) { return link_dead(pin.first); }))
      dead.push_back(dir.path());
  }
  for (const auto& dir : dead) std::filesystem::remove_all(dir, ignored);
}

Result<Datapath> Datapath::create(const std::string& dir, const Sizes& sizes) {
  const auto unfinished = dir + "_new";  // the BPF file system refuses dots
  BV_CHECK(remove(unfinished));          // of a process that was killed
  if (mkdir(unfinished.c_str(), 0700)) return fail(errno, unfinished);
  Undo undo;
  undo.push([&] { (void)remove(unfinished); });
  BV_CHECK(load_base({BV_SCHEMA_VERSION, sizes.endpoints, sizes.addresses, sizes.connections},
                     unfinished));
  if (rename(unfinished.c_str(), dir.c_str())) return fail(errno, dir);
  undo.release();
  return open(dir);
}

Result<Datapath> Datapath::open(const std::string& dir) {
  BV_TRY(const bv_meta meta, read_meta(dir));
  if (meta.schema_version != BV_SCHEMA_VERSION)
    return refuse(std::errc::protocol_error,
                  fmt::format("the maps at {} have schema version {}, this program has {}: use the "
                              "program that made them, or detach with it first",
                              dir, meta.schema_version, BV_SCHEMA_VERSION));
  const auto path = [&](const char* name) { return fmt::format("{}/{}", dir, name); };
  Datapath dp;
  dp.dir_ = dir;
  dp.meta_ = meta;
  const auto open_map = [&](auto& map, const char* name) -> Result<> {
    BV_TRY(map, std::remove_reference_t<decltype(map)>::open(path(name), name));
    return {};
  };
  BV_CHECK(open_map(dp.parents, "parents"));
  BV_CHECK(open_map(dp.endpoints, "endpoints"));
  BV_CHECK(open_map(dp.addr4, "addr4"));
  BV_CHECK(open_map(dp.addr6, "addr6"));
  BV_TRY(dp.address_index, AddressIndex::open(dir));
  BV_CHECK(open_map(dp.host_sides, "host_sides"));
  BV_CHECK(open_map(dp.ep_counters, "ep_counters"));
  BV_CHECK(open_map(dp.reasons, "reasons"));
  BV_CHECK(open_map(dp.ports, "ports"));
  BV_CHECK(open_map(dp.ep_state, "ep_state"));
  BV_CHECK(open_map(dp.group_chunks, "group_chunks"));
  BV_CHECK(open_map(dp.group_hints, "group_hints"));
  BV_CHECK(open_map(dp.members, "members"));
  BV_CHECK(open_map(dp.learned, "learned"));
  BV_CHECK(open_map(dp.host_addrs, "host_addrs"));
  BV_CHECK(open_map(dp.dhcp, "dhcp"));
  BV_CHECK(open_map(dp.dhcp_slots, "dhcp_slots"));
  if (filter_loaded(dir)) {
    BV_TRY(dp.filter, FilterMaps::open(dir));
  }
  if (xdp_loaded(dir)) {
    BV_TRY(dp.xdp, XdpMaps::open(dir));
  }
  return dp;
}

Result<> Datapath::need_filter() {
  if (filter) return {};
  BV_CHECK(load_filter(dir_, meta_));
  BV_TRY(filter, FilterMaps::open(dir_));
  return {};
}

Result<> Datapath::need_xdp() {
  if (xdp) return {};
  BV_CHECK(need_filter());
  BV_CHECK(load_xdp(dir_, meta_));
  BV_TRY(xdp, XdpMaps::open(dir_));
  return {};
}

std::string Datapath::link_pin(std::string_view program, std::uint32_t ifindex) const {
  return fmt::format("{}/{}{}_{}", dir_, kLinkPrefix, program, ifindex);
}

std::vector<std::pair<std::string, std::uint32_t>> Datapath::link_pins(const std::string& dir) {
  std::vector<std::pair<std::string, std::uint32_t>> out;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(dir, ignored)) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with(kLinkPrefix)) continue;
    std::uint32_t ifindex = 0;
    const auto digits = name.rfind('_') + 1;
    std::from_chars(name.data() + digits, name.data() + name.size(), ifindex);
    out.emplace_back(entry.path().string(), ifindex);
  }
  return out;
}

Result<UniqueFd> Datapath::program(std::string_view name) const {
  const auto path = fmt::format("{}/{}", dir_, name);
  UniqueFd fd(bpf_obj_get(path.c_str()));
  if (!fd) return fail(errno, fmt::format("pinned program {}", path));
  return fd;
}

Result<> Datapath::attach_parent(std::uint32_t ifindex) const {
  BV_TRY(const auto rx, program(kRx));
  return hook_attach(rx.get(), ifindex, Direction::Ingress, link_pin(kRx, ifindex));
}

Result<> Datapath::detach_parent(std::uint32_t ifindex) const {
  BV_CHECK(hook_detach(ifindex, Direction::Ingress, link_pin(kRx, ifindex)));
  return detach_local(ifindex);
}

bool Datapath::parent_attached(std::uint32_t ifindex) const {
  return hook_attached(ifindex, Direction::Ingress, link_pin(kRx, ifindex));
}

Result<> Datapath::attach_local(std::uint32_t ifindex) const {
  BV_TRY(const auto local, program(kLocal));
  return hook_attach(local.get(), ifindex, Direction::Egress, link_pin(kLocal, ifindex));
}

Result<> Datapath::detach_local(std::uint32_t ifindex) const {
  return hook_detach(ifindex, Direction::Egress, link_pin(kLocal, ifindex));
}

bool Datapath::local_attached(std::uint32_t ifindex) const {
  return hook_attached(ifindex, Direction::Egress, link_pin(kLocal, ifindex));
}

// By this map the program is known in a dispatcher.
Result<std::uint32_t> Datapath::parents_map_id() const {
  const auto path = pin_of(dir_, "parents");
  const UniqueFd fd(bpf_obj_get(path.c_str()));
  bpf_map_info info{};
  std::uint32_t len = sizeof(info);
  if (!fd || bpf_obj_get_info_by_fd(fd.get(), &info, &len))
    return fail(errno, fmt::format("pinned map {}", path));
  return info.id;
}

Result<> Datapath::attach_xdp(const Link& parent, XdpMode mode, bool shared) const {
  if (shared) return share_xdp(dir_, meta_, parent, mode);
  BV_TRY(const auto xdp_program, program(xdp_program_for(mode)));
  BV_TRY(const auto attached, bpfvlan::attach_xdp(xdp_program.get(), parent, mode));
  const auto pin = link_pin(kXdp, parent.ifindex);
  ::unlink(pin.c_str());  // of an earlier device with this number
  if (bpf_obj_pin(attached.first.get(), pin.c_str()))
    return fail(errno, fmt::format("pin {}", pin));
  return {};
}

Result<> Datapath::detach_xdp(std::uint32_t ifindex, bool shared) const {
  if (shared) {
    BV_TRY(const auto id, parents_map_id());
    return leave_dispatcher(ifindex, in_dispatcher(ifindex, id));
  }
  const auto pin = link_pin(kXdp, ifindex);
  detach_link(pin);
  if (::unlink(pin.c_str()) && errno != ENOENT) return fail(errno, fmt::format("remove {}", pin));
  return {};
}

bool Datapath::xdp_attached(std::uint32_t ifindex, bool shared) const {
  if (!shared) return !link_dead(link_pin(kXdp, ifindex));
  const auto id = parents_map_id();
  return id && !in_dispatcher(ifindex, *id).empty();
}

Result<> Datapath::attach_host_side(std::uint32_t ifindex, bool netkit) const {
  BV_TRY(const auto xmit, program(kXmit));
  BV_CHECK(hook_attach(xmit.get(), ifindex, Direction::Ingress, link_pin(kXmit, ifindex)));
  if (!netkit) return {};
  BV_TRY(const auto early, program(kNetkit));
  return hook_attach(early.get(), ifindex, Direction::Inner, link_pin(kNetkit, ifindex));
}

Result<> Datapath::detach_host_side(std::uint32_t ifindex) const {
  BV_CHECK(hook_detach(ifindex, Direction::Inner, link_pin(kNetkit, ifindex)));
  return hook_detach(ifindex, Direction::Ingress, link_pin(kXmit, ifindex));
}

bool Datapath::host_side_attached(std::uint32_t ifindex, bool netkit) const {
  return hook_attached(ifindex, Direction::Ingress, link_pin(kXmit, ifindex)) &&
         (!netkit || hook_attached(ifindex, Direction::Inner, link_pin(kNetkit, ifindex)));
}

}  // namespace bpfvlan
