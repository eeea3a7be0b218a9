// SPDX-License-Identifier: MIT
// Programs on the TC hooks of a device: TCX links where the kernel has them, clsact filters before.
// And on the transmit path of a netkit pair's inner side, which is named by its host side.
#pragma once

#include <cstdint>
#include <string>

#include "bpfvlan/result.hpp"
#include "bpfvlan/unique_fd.hpp"

namespace bpfvlan {

enum class HookKind { Tcx, Clsact };
enum class Direction { Ingress, Egress, Inner };

std::string_view to_string(HookKind kind);

// The smallest TC program there is, to ask the kernel about; empty if it takes none.
UniqueFd load_probe_program();

// What this kernel offers, by trying.
HookKind hook_kind();
bool has_netkit();

// TCX: the link is pinned at `pin`, whose name is the only thing that keeps it.
// Clsact: a filter of our own priority; `pin` is not used. The qdisc is made if there is none.
Result<> hook_attach(int prog_fd, std::uint32_t ifindex, Direction direction,
                     const std::string& pin);
// Another program in the place of ours: each packet meets the one or the other.
Result<> hook_replace(int prog_fd, std::uint32_t ifindex, Direction direction,
                      const std::string& pin);
// Detaching what is not attached, or whose device is gone, is no error; nor is attaching again.
Result<> hook_detach(std::uint32_t ifindex, Direction direction, const std::string& pin);

// A pinned link's program is off its device when this returns: what the end of a pin starts takes
// the kernel a moment. Nothing, if there is none, or its device is gone.
void detach_link(const std::string& pin);

// Clsact only; false if there was one.
Result<bool> clsact_create(std::uint32_t ifindex);
Result<> clsact_destroy(std::uint32_t ifindex);

// A pinned link whose device, or whole namespace, is gone.
bool link_dead(const std::string& pin);

// Is any program, on TCX, or our filter, on clsact, on the hook?
bool hook_has_program(std::uint32_t ifindex, Direction direction);

// Is our program on the hook?
bool hook_attached(std::uint32_t ifindex, Direction direction, const std::string& pin);

}  // namespace bpfvlan
