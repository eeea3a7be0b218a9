// SPDX-License-Identifier: MIT
#include "programs_impl.hpp"

#include <bpf/btf.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

namespace bpfvlan::test {
namespace {

// The compiler may put tables of its own into .rodata too, so BTF says where a variable is.
std::size_t rodata_offset(const bpf_object* object, std::string_view variable) {
  const btf* types = bpf_object__btf(object);
  const int id = btf__find_by_name_kind(types, ".rodata", BTF_KIND_DATASEC);
  check(id, ".rodata");
  const btf_type* section = btf__type_by_id(types, static_cast<std::uint32_t>(id));
  const btf_var_secinfo* vars = btf_var_secinfos(section);
  for (std::uint32_t i = 0; i < btf_vlen(section); ++i) {
    const btf_type* var = btf__type_by_id(types, vars[i].type);
    if (btf__name_by_offset(types, var->name_off) == variable) return vars[i].offset;
  }
  fail(ENOENT, std::string(variable));
}

}  // namespace

void fail(int err, const std::string& what) {
  throw std::system_error(err < 0 ? -err : err, std::generic_category(), what);
}

void check(int result, const std::string& what) {
  if (result < 0) fail(result, what);
}

void ObjectDeleter::operator()(bpf_object* object) const {
  bpf_object__close(object);
}

Object open(const std::string& path) {
  Object object(bpf_object__open_file(path.c_str(), nullptr));
  if (!object) fail(errno, "open " + path);
  return object;
}

Size size_of(int program) {
  bpf_prog_info info{};
  std::uint32_t length = sizeof(info);
  check(bpf_obj_get_info_by_fd(program, &info, &length), "program info");
  return {info.xlated_prog_len / static_cast<std::uint32_t>(sizeof(bpf_insn)), info.verified_insns};
}

void set_constant(bpf_object* object, const char* variable, const void* value, std::size_t bytes) {
  bpf_map* rodata = bpf_object__find_map_by_name(object, ".rodata");
  if (!rodata) fail(ENOENT, "map .rodata");
  std::size_t size = 0;
  const void* initial = bpf_map__initial_value(rodata, &size);
  Bytes image(size);
  std::memcpy(image.data(), initial, size);
  const std::size_t at = rodata_offset(object, variable);
  if (at + bytes > size) fail(ERANGE, variable);
  std::memcpy(image.data() + at, value, bytes);
  check(bpf_map__set_initial_value(rodata, image.data(), size), variable);
}

void set_entries(bpf_object* object, const std::string& name, std::uint32_t entries) {
  bpf_map* map = bpf_object__find_map_by_name(object, name.c_str());
  if (!map) fail(ENOENT, name);
  check(bpf_map__set_max_entries(map, entries), name);
}

}  // namespace bpfvlan::test
