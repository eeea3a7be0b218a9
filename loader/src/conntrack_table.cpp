// SPDX-License-Identifier: MIT
#include "conntrack_table.hpp"

#include <fmt/core.h>

#include "conntrack_decode.hpp"

namespace bpfvlan {
namespace {

constexpr std::uint32_t kBatch = 512;  // sets: half a megabyte

OwnerKey owner_key(std::uint32_t parent_index, const std::array<std::uint8_t, 16>& address) {
  OwnerKey key{static_cast<std::uint8_t>(parent_index)};
  std::copy(address.begin(), address.end(), key.begin() + 1);
  return key;
}

}  // namespace

std::size_t OwnerHash::operator()(const OwnerKey& key) const {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(key.data()), key.size()});
}

Result<std::unique_ptr<Conntrack::Impl>> Conntrack::Impl::open(const std::string& dir) {
  auto impl = std::make_unique<Impl>();
  const auto path = [&](const char* name) { return fmt::format("{}/{}", dir, name); };
  BV_TRY(impl->sets, decltype(Impl::sets)::open(path("conntrack"), "conntrack"));
  BV_TRY(impl->counters, decltype(Impl::counters)::open(path("ct_stats"), "ct_stats"));
  BV_TRY(impl->programs, ConntrackPrograms::open(dir));
  impl->there = true;
  return impl;
}

void Conntrack::Impl::add_owner(std::uint32_t parent_index,
                                const std::array<std::uint8_t, 16>& address,
                                std::string_view endpoint) {
  auto name = endpoints.find(endpoint);
  if (name == endpoints.end()) name = endpoints.emplace(endpoint).first;
  owners[owner_key(parent_index, address)] = *name;
}

void Conntrack::Impl::name(std::uint32_t parent_index, Connection& c) const {
  if (const auto it = parents.find(parent_index); it != parents.end()) c.parent = it->second;
  for (const auto* address : {&c.original.src, &c.original.dst}) {
    const auto it = owners.find(owner_key(parent_index, *address));
    if (it == owners.end()) continue;
    c.endpoint = it->second;
    return;
  }
}

template <class F>
Result<std::uint64_t> Conntrack::Impl::walk(const ConnectionFilter& filter,
                                            const Progress& progress, F f) const {
  std::uint64_t found = 0, done = 0;
  const auto read = [&](const auto&, const auto& batch) -> Result<> {
    BV_TRY(const auto now, programs.now());
    for (const auto& set : batch) {
      for (int way = 0; way < BV_CONN_WAYS; ++way) {
        const auto& conn = set.conn[way];
        if (!set.tag[way] || conn_expired(conn, now, settings.longest) ||
            (parent && *parent != conn.parent))
          continue;
        auto connection = decode(conn, now, settings.ticks_per_1000_seconds);
        name(conn.parent, connection);
        if (!filter.matches(connection)) continue;
        BV_CHECK(f(conn, connection));
        ++found;
      }
    }
    done += batch.size();
    if (progress) progress(static_cast<double>(done * BV_CONN_WAYS) / max_connections);
    return {};
  };
  if (there) BV_CHECK(sets.batches(kBatch, BPF_F_LOCK, read));
  return found;
}

Conntrack::Conntrack(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Conntrack::Conntrack(Conntrack&&) noexcept = default;
Conntrack& Conntrack::operator=(Conntrack&&) noexcept = default;
Conntrack::~Conntrack() = default;

Result<std::uint64_t> Conntrack::list(const ConnectionFilter& filter, const Each& each,
                                      const Progress& progress) const {
  return impl_->walk(filter, progress,
                     [&](const bv_conn&, const Connection& c) { return each(c); });
}

Result<std::uint64_t> Conntrack::erase(const ConnectionFilter& filter, const Each& each,
                                       const Progress& progress) const {
  std::uint64_t gone = 0;
  const auto forget = [&](const bv_conn& conn, const Connection& c) -> Result<> {
    BV_TRY(const auto one, impl_->programs.forget(conn_key(conn)));
    if (!one) return {};  // it ended meanwhile
    ++gone;
    return each(c);
  };
  BV_CHECK(impl_->walk(filter, progress, forget));
  return gone;
}

Result<std::uint64_t> Conntrack::flush() const {
  if (!impl_->there) return 0;
  BV_TRY(const std::uint64_t gone,
         impl_->programs.forget_all(impl_->parent.value_or(BV_CT_ANY_PARENT)));
  return gone;
}

Result<std::vector<ConntrackCounter>> Conntrack::stats() const {
  static constexpr std::string_view kNames[] = {
#define X(id, name) name,
      BV_CT_STATS(X)
#undef X
  };
  std::vector<ConntrackCounter> out;
  for (std::uint32_t i = 0; i < BV_CT_STAT_MAX; ++i) {
    ConntrackCounter counter{kNames[i], 0};
    if (impl_->there) {
      BV_TRY(const auto cpus, impl_->counters.per_cpu(i));
      for (const auto value : cpus) counter.value += value;
    }
    out.push_back(counter);
  }
  return out;
}

std::uint32_t Conntrack::max_connections() const {
  return impl_->max_connections;
}

}  // namespace bpfvlan
