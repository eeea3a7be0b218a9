// SPDX-License-Identifier: MIT
// Many l2 endpoints of the small world's parent. Their copies end in one device pair that drops
// them, so that what is measured is the making of copies, without their way into a stack.
#pragma once

#include <cstdint>

#include "devices.hpp"
#include "programs.hpp"

namespace bpfvlan::test {

inline constexpr const char* kCrowdGroup = "239.2.2.2";
inline constexpr const char* kCrowdMac = "01:00:5e:02:02:02";

class Sink {
 public:
  Sink();  // throws std::system_error
  std::uint32_t device() const { return device_; }

 private:
  std::uint32_t device_ = 0;
};

inline constexpr std::uint32_t kCrowdRoom = BV_DEFAULT_ENDPOINTS + 64;  // and for the sender

struct Crowd {
  std::uint32_t endpoints = 0;
  std::uint32_t members = 0;  // of kCrowdGroup, evenly among them
  bool left = false;          // the others were members before
};

// In place of the world's own endpoints; the sender is none of them.
void add_crowd(Programs& programs, const Devices& devices, const Sink& sink, const Crowd& crowd);

}  // namespace bpfvlan::test
