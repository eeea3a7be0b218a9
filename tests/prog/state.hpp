// SPDX-License-Identifier: MIT
// What frames leave behind in the maps: tests that send some, and look.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "l2.hpp"
#include "setup.hpp"

namespace bpfvlan::test {

// For each BPF compiler's object; at first all endpoints are in mode l2.
class StateTest : public ::testing::TestWithParam<std::string> {
 protected:
  StateTest() { set({.mode = BV_MODE_L2}); }

  void set(const World& world);
  // Programs and maps of this test alone, with limits of their own.
  void load(const Limits& limits);
  Programs& under_test() { return own_ ? *own_ : programs(GetParam()); }

  void send(Who from, const Bytes& frame, std::optional<Tag> tag = {});
  // Of frames from the wire.
  bv_reason reason_of(const Bytes& frame);
  std::vector<Who> hearers(const Bytes& frame);
  std::uint64_t counted(bv_reason reason);  // packets since set()

  bv_ep_state state(Who who);
  std::vector<MacAddr> groups(Who who);  // of `members`, sorted
  bv_endpoint settings(Who who);
  void change(Who who, const bv_endpoint& settings);  // its port too

 private:
  World world_{};
  std::optional<Programs> own_;
};

inline std::string object_name(const ::testing::TestParamInfo<std::string>& test) {
  return compiler_of(test.param);
}

}  // namespace bpfvlan::test
