// SPDX-License-Identifier: MIT
#include "programs.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/core.h>
#include <unistd.h>

#include <memory>
#include <string_view>

#include "bpfvlan/unique_fd.hpp"

namespace bpfvlan::test {
namespace {

// Sections such as .rodata, and the maps that no loader pins (maps-schema/README.md).
bool is_the_objects_own(const bpf_map* map) {
  const std::string_view name = bpf_map__name(map);
  return bpf_map__is_internal(map) || name == "last_verdict" || name == "hop_scratch";
}

}  // namespace

Result<> replace_programs(const std::string& object, const std::string& pin_path) {
  const std::unique_ptr<bpf_object, void (*)(bpf_object*)> o(
      bpf_object__open_file(object.c_str(), nullptr), bpf_object__close);
  if (!o) return fail(errno, "open " + object);
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, o.get()) {
    const UniqueFd pinned(bpf_obj_get(fmt::format("{}/{}", pin_path, bpf_map__name(map)).c_str()));
    // One of its own would never be filled: its programs would see no parent, no endpoint.
    if (!pinned && !is_the_objects_own(map))
      return refuse(std::errc::no_such_file_or_directory,
                    fmt::format("{}: no map '{}' is pinned", object, bpf_map__name(map)));
    if (pinned && bpf_map__reuse_fd(map, pinned.get())) return fail(errno, bpf_map__name(map));
  }
  if (const int err = bpf_object__load(o.get())) return fail(err, "load " + object);
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, o.get()) {
    const auto path = fmt::format("{}/{}", pin_path, bpf_program__name(program));
    unlink(path.c_str());
    if (bpf_obj_pin(bpf_program__fd(program), path.c_str())) return fail(errno, "pin " + path);
  }
  return {};
}

}  // namespace bpfvlan::test
