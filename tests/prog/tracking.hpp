// SPDX-License-Identifier: MIT
// Tests of what connection tracking takes packets for.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "bpfvlan/test/frame.hpp"
#include "filter.hpp"
#include "setup.hpp"

namespace bpfvlan::test {

// Of the sender, the only filtered endpoint that they need.
class Tracking {
 public:
  explicit Tracking(Programs& programs);

  // As rules see it: by which of four rules counts it. "NEW", …; "dropped" if none does.
  std::string state_of(Hook hook, const Bytes& frame);

  std::vector<bv_conn> connections() const { return test::connections(programs_); }
  // Time goes by for all connections.
  void wait(std::uint32_t seconds);
  bv_ct_settings settings() const;
  void set(const bv_ct_settings& settings);
  std::uint32_t now() const { return programs_.now_ticks(); }
  Programs& programs() { return programs_; }

 private:
  std::vector<std::uint64_t> counts(bv_chain chain) const;

  Programs& programs_;
};

}  // namespace bpfvlan::test
