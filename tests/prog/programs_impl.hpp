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

template <class Value>
std::vector<Value> Programs::read_per_cpu(const char* name, std::uint32_t key) const {
  std::vector<Value> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  check(bpf_map_lookup_elem(map(name), &key, values.data()), name);
  return values;
}

}  // namespace bpfvlan::test
