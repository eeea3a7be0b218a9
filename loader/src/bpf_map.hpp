// SPDX-License-Identifier: MIT
// A pinned map with its key and value types. Per-CPU values are summed by the caller.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/core.h>

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bpfvlan/result.hpp"
#include "bpfvlan/unique_fd.hpp"

namespace bpfvlan {

template <class Key, class Value>
class BpfMap {
 public:
  static Result<BpfMap> open(const std::string& path, const std::string& name) {
    BpfMap map;
    map.fd_ = UniqueFd(bpf_obj_get(path.c_str()));
    if (!map.fd_) return fail(errno, fmt::format("pinned map {}", path));
    map.name_ = name;
    return map;
  }

  Result<> insert(const Key& key, const Value& value) const { return put(key, value, BPF_NOEXIST); }
  Result<> replace(const Key& key, const Value& value) const { return put(key, value, BPF_EXIST); }
  Result<> write(const Key& key, const Value& value) const { return put(key, value, BPF_ANY); }

  // Gone already is good too: the programs delete what has expired.
  Result<> erase(const Key& key) const {
    if (bpf_map_delete_elem(fd_.get(), &key) && errno != ENOENT)
      return fail(errno, fmt::format("map {}", name_));
    return {};
  }

  Result<std::optional<Value>> find(const Key& key) const {
    Value value{};
    if (bpf_map_lookup_elem(fd_.get(), &key, &value) == 0) return std::optional<Value>(value);
    if (errno == ENOENT) return std::optional<Value>{};
    return fail(errno, fmt::format("map {}", name_));
  }

  // All entries of a hash, none twice. What the programs write meanwhile may be missing: addresses
  // that are being learned, groups that are being joined.
  Result<std::vector<std::pair<Key, Value>>> all() const {
    std::vector<std::pair<Key, Value>> out;
    BV_CHECK(batches(4096, 0, [&](const auto& keys, const auto& values) -> Result<> {
      for (std::size_t i = 0; i < keys.size(); ++i) out.emplace_back(keys[i], values[i]);
      return {};
    }));
    return out;
  }

  // Of maps whose values cannot be read in batches on all kernels, or not with a key of this size.
  Result<std::vector<Key>> keys() const {
    std::vector<Key> out;
    Key key{};
    const Key* before = nullptr;
    while (bpf_map_get_next_key(fd_.get(), before, &key) == 0) before = &out.emplace_back(key);
    if (errno != ENOENT) return fail(errno, fmt::format("read map {}", name_));
    return out;
  }

  // f(keys, values): spans of at most `size` each, until all were there or f fails. `flags`:
  // BPF_F_LOCK, or 0.
  template <class F>
  Result<> batches(std::uint32_t size, std::uint64_t flags, F f) const {
    std::vector<Key> keys(size);
    std::vector<Value> values(size);
    bpf_map_batch_opts opts{};
    opts.sz = sizeof(opts);
    opts.elem_flags = flags;
    std::uint32_t in = 0, next = 0;
    void* from = nullptr;
    for (bool more = true; more; from = &in, in = next) {
      std::uint32_t count = size;
      if (bpf_map_lookup_batch(fd_.get(), from, &next, keys.data(), values.data(), &count, &opts)) {
        if (errno != ENOENT) return fail(errno, fmt::format("read map {}", name_));
        more = false;  // ENOENT: these are the last
      }
      BV_CHECK(f(std::span<const Key>(keys.data(), count),
                 std::span<const Value>(values.data(), count)));
    }
    return {};
  }

  // The values of a per-CPU array's element, one per possible CPU.
  Result<std::vector<Value>> per_cpu(const Key& key) const {
    static_assert(sizeof(Value) % 8 == 0, "the kernel rounds per-CPU values up to 8 bytes");
    std::vector<Value> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    if (bpf_map_lookup_elem(fd_.get(), &key, values.data()))
      return fail(errno, fmt::format("map {}", name_));
    return values;
  }
  Result<> zero_per_cpu(const Key& key) const { return write_per_cpu(key, {}); }
  // `sum` on one CPU, zero on the others.
  Result<> write_per_cpu(const Key& key, const Value& sum) const {
    std::vector<Value> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    values[0] = sum;
    if (bpf_map_update_elem(fd_.get(), &key, values.data(), BPF_ANY))
      return fail(errno, fmt::format("map {}", name_));
    return {};
  }

 private:
  Result<> put(const Key& key, const Value& value, std::uint64_t flags) const {
    if (bpf_map_update_elem(fd_.get(), &key, &value, flags) == 0) return {};
    if (errno == E2BIG)
      return refuse(std::errc::no_space_on_device,
                    fmt::format("map {} is full: `attach` set its size", name_));
    return fail(errno, fmt::format("map {}", name_));
  }

  UniqueFd fd_;
  std::string name_;
};

}  // namespace bpfvlan
