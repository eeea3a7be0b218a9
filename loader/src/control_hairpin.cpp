// SPDX-License-Identifier: MIT
// Hairpin ports of one namespace: a directory of pins for each, beside that of the parents.
#include <fmt/core.h>
#include <linux/if.h>
#include <linux/if_arp.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "control_impl.hpp"
#include "hairpin_port.hpp"
#include "undo.hpp"
#include "xdp.hpp"

namespace bpfvlan {
namespace {

constexpr std::string_view kInfix = "_hairpin_";

struct PortDir {
  std::string path;
  std::string cookie;         // of its namespace
  std::uint32_t ifindex = 0;  // 0: left unfinished
};

// Of all namespaces.
std::vector<PortDir> port_dirs(const std::filesystem::path& root) {
  std::vector<PortDir> out;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(root, ignored)) {
    const auto name = entry.path().filename().string();
    const auto at = name.find(kInfix);
    if (at == std::string::npos) continue;
    PortDir dir{entry.path(), name.substr(0, at)};
    const auto* digits = name.data() + at + kInfix.size();
    const auto* end = name.data() + name.size();
    if (std::from_chars(digits, end, dir.ifindex).ptr != end) dir.ifindex = 0;
    out.push_back(std::move(dir));
  }
  return out;
}

std::string dir_of(const Control::Impl& c, std::uint32_t ifindex) {
  return fmt::format("{}{}{}", c.dir, kInfix, ifindex);
}

Result<Link> find_device(const Control::Impl& c, const std::string& name) {
  BV_TRY(auto link, c.nl.link(name));
  if (link) return std::move(*link);
  return refuse(std::errc::no_such_device,
                fmt::format("no interface '{}' in this namespace", name));
}

Result<> check_device(const Control::Impl& c, const Link& link) {
  const auto no = [&](const std::string& why) {
    return refuse(std::errc::invalid_argument,
                  fmt::format("'{}' is {}: it cannot be a hairpin port", link.name, why));
  };
  if (link.flags & IFF_LOOPBACK) return no("a loopback");
  if (link.arptype != ARPHRD_ETHER) return no("not an Ethernet device");
  if (link.group == kHostSideGroup)
    return no(fmt::format("the host side of endpoint '{}'", link.alias));
  if (c.parents.contains(link.ifindex)) return no("a parent of endpoints");
  return {};
}

// What is for the host itself must reach it.
Result<> check_addresses(const Control::Impl& c, const std::vector<IpPrefix>& prefixes) {
  BV_TRY(const auto own, c.nl.all_addresses());
  for (const auto& prefix : prefixes)
    for (const auto& [ifindex, address] : own)
      if (prefix.contains(address))
        return refuse(std::errc::invalid_argument,
                      fmt::format("--address {} has {} in it, which is this host's own",
                                  prefix.cidr(), address.address()));
  if (prefixes.size() > BV_HAIRPIN_PREFIXES)
    return refuse(std::errc::invalid_argument,
                  fmt::format("{} of --address: a port has room for {}", prefixes.size(),
                              BV_HAIRPIN_PREFIXES));
  return {};
}

Result<> change(const Control::Impl& c, const Link& link, const HairpinRequest& request) {
  BV_TRY(auto port, HairpinPort::open(dir_of(c, link.ifindex)));
  if (request.xdp && *request.xdp != port.value().mode)
    return refuse(std::errc::device_or_resource_busy,
                  fmt::format("the hairpin of '{}' has --xdp {}: detach it to change that",
                              link.name, to_string(port.value().mode)));
  BV_TRY(const auto before, port.addresses());
  Undo undo;
  if (request.addresses) {
    BV_CHECK(port.set_addresses(*request.addresses));
    undo.push([&] { (void)port.set_addresses(before); });
  }
  if (!port.tc_attached()) {
    BV_TRY(const bool owned, c.will_own_clsact(link.ifindex));
    BV_CHECK(port.repair(owned));
  }
  BV_CHECK(port.follow(link));
  undo.release();
  return {};
}

// On clsact the filter has no pin that would take it along, and the qdisc may be ours.
Result<> take_off(const Control::Impl& c, const PortDir& dir, const bv_hairpin_port& port) {
  BV_CHECK(HairpinPort::remove(dir.path));
  if (hook_kind() == HookKind::Tcx || c.parents.contains(port.ifindex)) return {};
  BV_CHECK(hook_detach(port.ifindex, Direction::Ingress, {}));
  if (!port.owns_clsact) return {};
  const auto filters = c.nl.count_clsact_filters(port.ifindex);
  return filters && *filters == 0 ? clsact_destroy(port.ifindex) : Result<>{};
}

}  // namespace

std::string_view hairpin_end_id(bv_hairpin_end end) {
  static constexpr std::string_view kIds[] = {
#define X(id, text) #id,
      BV_HAIRPIN_ENDS(X)
#undef X
  };
  return end < BV_HAIRPIN_END_MAX ? kIds[end] : "?";
}

std::string_view hairpin_end_text(bv_hairpin_end end) {
  static constexpr std::string_view kTexts[] = {
#define X(id, text) text,
      BV_HAIRPIN_ENDS(X)
#undef X
  };
  return end < BV_HAIRPIN_END_MAX ? kTexts[end] : "?";
}

bool Control::Impl::is_hairpin(std::uint32_t ifindex) const {
  return std::filesystem::exists(dir_of(*this, ifindex));
}

// Ports whose device or namespace is gone, and what a killed `attach` left.
Result<> Control::Impl::drop_gone_hairpins(const std::map<std::uint32_t, Link>& links) {
  for (const auto& port : port_dirs(std::filesystem::path(dir).parent_path())) {
    const bool ours = std::filesystem::path(dir).filename() == port.cookie;
    const bool left = ours && (!port.ifindex || !links.contains(port.ifindex));
    if (!left && !HairpinPort::dead(port.path)) continue;
    const auto value = HairpinPort::open(port.path);
    const std::string name = value ? value->value().ifname : port.path;
    if (ours && value && links.contains(value->value().ifindex)) {
      BV_CHECK(take_off(*this, port, value->value()));
    } else {
      BV_CHECK(HairpinPort::remove(port.path));
    }
    if (ours)
      notices.push_back(port.ifindex
                            ? fmt::format("hairpin of '{}': its device or program is gone", name)
                            : fmt::format("hairpin of '{}' was left unfinished: detached", name));
  }
  return {};
}

Result<std::vector<std::string>> Control::attach_hairpin(const HairpinRequest& request) {
  auto& c = *impl_;
  BV_TRY(const auto link, find_device(c, request.device));
  BV_CHECK(check_device(c, link));
  if (request.addresses) BV_CHECK(check_addresses(c, *request.addresses));
  if (c.is_hairpin(link.ifindex)) {
    BV_CHECK(change(c, link, request));
    return std::vector<std::string>{};
  }
  BV_TRY(const bool owned, c.will_own_clsact(link.ifindex));
  BV_CHECK(HairpinPort::create(dir_of(c, link.ifindex), link, request.xdp,
                               request.addresses.value_or(std::vector<IpPrefix>{}), owned));
  std::vector<std::string> notes;
  if (request.xdp == BV_XDP_NATIVE && link.kind == kVeth)
    notes.push_back(
        fmt::format("'{}' is a veth: in native mode what comes from senders on this machine goes "
                    "back with its checksum unfinished (their TCP stands still), and only if the "
                    "other end has an XDP program too. It is for senders that finish them.",
                    link.name));
  return notes;
}

Result<> Control::detach_hairpin(const std::string& device) {
  auto& c = *impl_;
  BV_TRY(const auto link, find_device(c, device));
  if (!c.is_hairpin(link.ifindex))
    return refuse(std::errc::not_connected, fmt::format("'{}' has no hairpin", device));
  const PortDir dir{dir_of(c, link.ifindex), {}, link.ifindex};
  BV_TRY(const auto port, HairpinPort::open(dir.path));
  return take_off(c, dir, port.value());
}

Result<std::vector<HairpinInfo>> Control::hairpins(const std::optional<std::string>& device) const {
  const auto& c = *impl_;
  std::vector<HairpinInfo> out;
  if (device) {
    BV_TRY(const auto link, find_device(c, *device));
    if (!c.is_hairpin(link.ifindex))
      return refuse(std::errc::not_connected, fmt::format("'{}' has no hairpin", *device));
  }
  for (const auto& dir : port_dirs(std::filesystem::path(c.dir).parent_path())) {
    if (std::filesystem::path(c.dir).filename() != dir.cookie) continue;
    BV_TRY(const auto port, HairpinPort::open(dir.path));
    BV_TRY(auto info, port.info());
    BV_TRY(const auto link, c.nl.link(dir.ifindex));
    if (link) info.device = link->name;  // it may have another by now
    if (!device || *device == info.device) out.push_back(std::move(info));
  }
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.device < b.device; });
  return out;
}

}  // namespace bpfvlan
