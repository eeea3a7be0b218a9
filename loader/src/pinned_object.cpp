// SPDX-License-Identifier: MIT
#include "pinned_object.hpp"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

namespace bpfvlan {

std::string pin_of(const std::string& dir, std::string_view name) {
  return fmt::format("{}/{}", dir, name);
}

Result<> pin_in(const std::string& dir, std::string_view name, int fd) {
  const auto path = pin_of(dir, name);
  if (bpf_obj_pin(fd, path.c_str())) return fail(errno, fmt::format("pin {}", path));
  return {};
}

Result<> pin_in(const std::string& dir, std::string_view name, int fd, Undo& undo) {
  BV_CHECK(pin_in(dir, name, fd));
  undo.push([path = pin_of(dir, name)] { ::unlink(path.c_str()); });
  return {};
}

Result<> reuse_pinned_maps(const bpf_object& object, const std::string& dir) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, &object) {
    const UniqueFd fd(bpf_obj_get(pin_of(dir, bpf_map__name(map)).c_str()));
    if (!fd) continue;
    if (const int err = bpf_map__reuse_fd(map, fd.get()))
      return fail(err, fmt::format("map {}", bpf_map__name(map)));
  }
  return {};
}

Result<std::vector<NewProgram>> take_programs(const bpf_object& object) {
  std::vector<NewProgram> programs;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, &object) {
    const auto* name = bpf_program__name(program);
    UniqueFd fd(fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 0));
    if (!fd) return fail(errno, fmt::format("program {}", name));
    programs.push_back({name, std::move(fd)});
  }
  return programs;
}

}  // namespace bpfvlan
