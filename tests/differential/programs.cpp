// SPDX-License-Identifier: MIT
#include "programs.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/core.h>
#include <unistd.h>

#include <memory>

#include "bpfvlan/unique_fd.hpp"

namespace bpfvlan::test {

Result<> replace_programs(const std::string& object, const std::string& pin_path) {
  const std::unique_ptr<bpf_object, void (*)(bpf_object*)> o(
      bpf_object__open_file(object.c_str(), nullptr), bpf_object__close);
  if (!o) return fail(errno, "open " + object);
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, o.get()) {
    const UniqueFd pinned(bpf_obj_get(fmt::format("{}/{}", pin_path, bpf_map__name(map)).c_str()));
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
