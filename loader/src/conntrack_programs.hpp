// SPDX-License-Identifier: MIT
// The pinned programs that are run from here, on a packet of no device.
#pragma once

#include "bpfvlan/result.hpp"
#include "bpfvlan/schema.h"
#include "bpfvlan/unique_fd.hpp"

namespace bpfvlan {

class ConntrackPrograms {
 public:
  // In the directory of a Datapath.
  static Result<ConntrackPrograms> open(const std::string& dir);

  Result<std::uint32_t> now() const;  // in ticks
  // How many went.
  Result<std::uint32_t> forget_all(std::uint32_t parent_index) const;
  Result<std::uint32_t> forget(const bv_conn_key& key) const;

 private:
  Result<std::uint32_t> forget(const bv_ct_forget& what) const;

  UniqueFd clock_;   // bv_clock
  UniqueFd forget_;  // bv_ct_forget
};

}  // namespace bpfvlan
