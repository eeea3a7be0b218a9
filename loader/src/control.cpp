// SPDX-License-Identifier: MIT
#include "bpfvlan/control.hpp"

#include <fmt/core.h>

#include "address_maps.hpp"
#include "capabilities.hpp"
#include "control_impl.hpp"
#include "libbpf_log.hpp"
#include "lock.hpp"

namespace bpfvlan {
namespace {

EndpointInfo describe(const Control::Impl& c, std::uint32_t host_side, const bv_endpoint& ep) {
  EndpointInfo info;
  info.name = ep.name;
  info.parent = c.parents.at(ep.parent).ifname;
  info.interface = ep.inner_ifname;
  info.host_side = c.host_names.at(host_side);
  info.host_ifindex = host_side;
  info.netns = ep.netns;
  info.mode = ep.mode;
  info.policy = ep.policy;
  info.own_mode = ep.own_mode != 0;
  info.own_policy = ep.own_policy != 0;
  info.filter = ep.filter != 0;
  info.own_filter = ep.own_filter != 0;
  info.takes_xdp = ep.takes_xdp != 0;
  info.parent_xdp = static_cast<XdpMode>(c.parents.at(ep.parent).xdp);
  info.device = to_string(ep.device);
  info.mtu = ep.mtu;
  if (const auto it = c.addresses.find(host_side); it != c.addresses.end())
    info.addresses = it->second;
  info.learn_age = ep.learn_age;
  return info;
}

Result<EndpointInfo> describe_counted(const Control::Impl& c, std::uint32_t host_side,
                                      const bv_endpoint& ep) {
  auto info = describe(c, host_side, ep);
  BV_TRY(const auto cpus, c.dp->ep_counters.per_cpu(ep.id));
  for (const auto& v : cpus) {
    info.rx_packets += v.rx_packets;
    info.rx_bytes += v.rx_bytes;
    info.tx_packets += v.tx_packets;
    info.tx_bytes += v.tx_bytes;
    info.tx_dropped += v.tx_dropped;
  }
  BV_TRY(const auto learned, c.learned(host_side));
  for (const auto& [address, value] : learned)
    if (!expired(value)) info.learned.push_back({address, now_seconds() - value.seen});
  BV_TRY(const auto state, c.dp->ep_state.find(ep.id));
  if (state) {
    info.groups = state->groups;
    info.groups_refused = state->groups_refused;
    info.addresses_refused = state->addresses_refused;
  }
  return info;
}

}  // namespace

Control::Control(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Control::Control(Control&&) noexcept = default;
Control& Control::operator=(Control&&) noexcept = default;
Control::~Control() = default;

Result<Control> Control::open(const Options& options) {
  silence_libbpf();
  BV_CHECK(check_capabilities());
  auto impl = std::make_unique<Impl>();
  BV_TRY(const auto root, pin_root());
  BV_TRY(impl->parent_netns,
         options.parent_netns.empty() ? Netns::current() : Netns::open(options.parent_netns));
  BV_TRY(impl->lock, lock_directory(root, options.lock_timeout));
  BV_TRY(auto inside, InNetns::enter(impl->parent_netns.fd()));
  impl->inside.emplace(std::move(inside));
  BV_TRY(impl->nl, Netlink::open());
  impl->dir = fmt::format("{}/{}", root, impl->parent_netns.cookie());
  if (Datapath::exists(impl->dir)) {
    BV_TRY(impl->dp, Datapath::open(impl->dir));
    BV_CHECK(impl->load());
  }
  BV_CHECK(impl->reconcile());
  return Control(std::move(impl));
}

std::vector<ParentInfo> Control::parents() const {
  std::vector<ParentInfo> out;
  for (const auto& [ifindex, p] : impl_->parents)
    if (!p.detached)
      out.push_back({p.ifname, ifindex, p.mode, p.policy, std::string(to_string(hook_kind())),
                     static_cast<std::uint32_t>(impl_->endpoints_of(ifindex).size()),
                     static_cast<XdpMode>(p.xdp), p.xdp_shared != 0});
  return out;
}

Result<std::vector<EndpointInfo>> Control::endpoints() const {
  std::vector<EndpointInfo> out;
  for (const auto& [host_side, ep] : impl_->endpoints) {
    BV_TRY(auto info, describe_counted(*impl_, host_side, ep));
    out.push_back(std::move(info));
  }
  return out;
}

Result<EndpointInfo> Control::endpoint(const std::string& name) const {
  BV_TRY(const auto host_side, impl_->find_endpoint(name));
  return describe_counted(*impl_, host_side, impl_->endpoints.at(host_side));
}

Result<std::vector<ReasonInfo>> Control::reasons() const {
  std::vector<ReasonInfo> out;
  if (!impl_->dp) return out;
  for (std::uint32_t r = 0; r < BV_REASON_MAX; ++r) {
    BV_TRY(const auto cpus, impl_->dp->reasons.per_cpu(r));
    ReasonInfo info;
    info.reason = static_cast<bv_reason>(r);
    for (const auto& v : cpus) {
      info.packets += v.packets;
      info.bytes += v.bytes;
    }
    out.push_back(info);
  }
  return out;
}

std::string Control::pin_path() const {
  return impl_->dir;
}

const std::vector<std::string>& Control::notices() const {
  return impl_->notices;
}

}  // namespace bpfvlan
