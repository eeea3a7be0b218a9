// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include "address_maps.hpp"
#include "conntrack_settings.hpp"
#include "conntrack_table.hpp"
#include "control_impl.hpp"

namespace bpfvlan {
namespace {

Result<> check_attached(const Control::Impl& c) {
  if (c.dp) return {};
  return refuse(std::errc::not_connected,
                "no parent is attached in this namespace: there is no connection table");
}

Result<bv_ct_settings> settings_of(const Control::Impl& c) {
  if (!c.dp->filter) return default_ct_settings(ticks_per_1000_seconds());
  BV_TRY(const auto settings, c.dp->filter->ct_settings.find(0));
  return *settings;  // an array has all its elements
}

std::array<std::uint8_t, 16> mapped(const std::uint8_t (&v4)[4]) {
  std::array<std::uint8_t, 16> out{};
  out[10] = out[11] = 0xff;
  std::copy(std::begin(v4), std::end(v4), out.begin() + 12);
  return out;
}

std::array<std::uint8_t, 16> mapped(const std::uint8_t (&v6)[16]) {
  return std::to_array(v6);
}

template <class Key>
Result<> add_owners(const Control::Impl& c, const BpfMap<Key, bv_addr>& map, Conntrack::Impl& to) {
  BV_TRY(const auto all, map.all());
  for (const auto& [key, value] : all) {
    const auto ep = c.endpoints.find(value.to.host_side);
    if (ep != c.endpoints.end() && !expired(value))
      to.add_owner(ep->second.parent_index, mapped(key.addr), ep->second.name);
  }
  return {};
}

}  // namespace

Result<> Control::Impl::forget_connections(std::uint32_t parent_index) const {
  if (!dp->filter) return {};
  BV_TRY(const auto programs, ConntrackPrograms::open(dir));
  BV_CHECK(programs.forget_all(parent_index));
  return {};
}

Result<Conntrack> Control::conntrack(const std::optional<std::string>& parent,
                                     const std::optional<std::string>& endpoint) const {
  const auto& c = *impl_;
  BV_CHECK(check_attached(c));
  auto table = std::make_unique<Conntrack::Impl>();
  if (c.dp->filter) {
    BV_TRY(table, Conntrack::Impl::open(c.dir));
  }
  if (parent) {
    BV_TRY(const auto ifindex, c.find_parent(*parent));
    table->parent = c.parents.at(ifindex).index;
  }
  if (endpoint) BV_CHECK(c.find_endpoint(*endpoint));
  table->max_connections = c.dp->meta().max_connections;
  BV_TRY(table->settings, settings_of(c));
  for (const auto& [ifindex, p] : c.parents) table->parents[p.index] = p.ifname;
  BV_CHECK(add_owners(c, c.dp->addr4, *table));
  BV_CHECK(add_owners(c, c.dp->addr6, *table));
  return Conntrack(std::move(table));
}

Result<std::vector<ConntrackSetting>> Control::conntrack_settings() const {
  BV_CHECK(check_attached(*impl_));
  BV_TRY(const auto settings, settings_of(*impl_));
  return list_settings(settings);
}

Result<> Control::set_conntrack(const std::vector<ConntrackChange>& changes) {
  BV_CHECK(check_attached(*impl_));
  BV_TRY(const auto before, settings_of(*impl_));
  BV_TRY(auto settings, change_settings(before, changes));
  BV_CHECK(impl_->dp->need_filter());
  BV_TRY(const auto now, settings_of(*impl_));
  std::copy(std::begin(now.hash_key), std::end(now.hash_key), settings.hash_key);
  return impl_->dp->filter->ct_settings.write(0, settings);
}

}  // namespace bpfvlan
