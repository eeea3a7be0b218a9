// SPDX-License-Identifier: MIT
// What the parts of Programs share. Every failure throws std::system_error.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cstddef>
#include <string>
#include <vector>

#include "programs.hpp"

namespace bpfvlan::test {

[[noreturn]] void fail(int err, const std::string& what);
void check(int result, const std::string& what);

Object open(const std::string& path);
Size size_of(int program);

// Before the object is loaded. A constant of the programs, and the size of a map.
void set_constant(bpf_object* object, const char* variable, const void* value, std::size_t bytes);
template <class Value>
void set_constant(bpf_object* object, const char* variable, Value value) {
  set_constant(object, variable, &value, sizeof(value));
}
void set_entries(bpf_object* object, const std::string& name, std::uint32_t entries);

inline constexpr const char* kRecord = "bv_record_verdict";

template <class Value>
void Programs::write_per_cpu(const char* name, std::uint32_t key, const Value& first_cpu) {
  static_assert(sizeof(Value) % 8 == 0, "the kernel rounds per-CPU values up to 8 bytes");
  std::vector<Value> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  values.front() = first_cpu;
  check(bpf_map_update_elem(map(name), &key, values.data(), BPF_ANY), name);
}

// All of an array's first values in one call: one call for each makes most of a test's time.
template <class Values>
void Programs::write_all_per_cpu(const char* name, const Values& first_cpu) {
  using Value = typename Values::value_type;
  static_assert(sizeof(Value) % 8 == 0, "the kernel rounds per-CPU values up to 8 bytes");
  const auto cpus = static_cast<std::size_t>(libbpf_num_possible_cpus());
  std::vector<Value> values(first_cpu.size() * cpus);
  for (std::size_t i = 0; i < first_cpu.size(); ++i) values[i * cpus] = first_cpu[i];
  write_batch(name, static_cast<std::uint32_t>(first_cpu.size()), values.data());
}

template <class Value>
std::vector<Value> Programs::read_per_cpu(const char* name, std::uint32_t key) const {
  std::vector<Value> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  check(bpf_map_lookup_elem(map(name), &key, values.data()), name);
  return values;
}

template <class Value>
std::vector<std::vector<Value>> Programs::read_all_per_cpu(const char* name,
                                                           std::uint32_t count) const {
  const auto cpus = static_cast<std::size_t>(libbpf_num_possible_cpus());
  std::vector<Value> values(count * cpus);
  read_batch(name, count, values.data());
  std::vector<std::vector<Value>> out(count);
  for (std::size_t i = 0; i < count; ++i)
    out[i].assign(&values[i * cpus], &values[i * cpus] + cpus);
  return out;
}

}  // namespace bpfvlan::test
