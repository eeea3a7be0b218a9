// SPDX-License-Identifier: MIT
// Puts frames on an interface, as its stack would.
#pragma once

#include <string>
#include <string_view>

#include "bpfvlan/unique_fd.hpp"
#include "frames/frame_case.hpp"

namespace bpfvlan::test {

class FrameSender {
 public:
  static Result<FrameSender> open(const std::string& netns, std::string_view ifname);

  Result<> send(const Bytes& frame, const Offload& offload) const;

 private:
  FrameSender(UniqueFd fd, int ifindex) : fd_(std::move(fd)), ifindex_(ifindex) {}

  UniqueFd fd_;
  int ifindex_;
};

}  // namespace bpfvlan::test
