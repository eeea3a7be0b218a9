// SPDX-License-Identifier: MIT
// A BPF object whose maps and programs are pinned in one directory by their names.
#pragma once

#include <bpf/libbpf.h>

#include <string>
#include <vector>

#include "bpfvlan/result.hpp"
#include "bpfvlan/unique_fd.hpp"
#include "undo.hpp"

namespace bpfvlan {

std::string pin_of(const std::string& dir, std::string_view name);

Result<> pin_in(const std::string& dir, std::string_view name, int fd);
// The same, and undone with the rest.
Result<> pin_in(const std::string& dir, std::string_view name, int fd, Undo& undo);

// Before it is loaded: maps that are pinned there are used, and not made.
Result<> reuse_pinned_maps(const bpf_object& object, const std::string& dir);

struct NewProgram {
  std::string name;
  UniqueFd fd;
};
// After it is loaded; the object may go then.
Result<std::vector<NewProgram>> take_programs(const bpf_object& object);

}  // namespace bpfvlan
