// SPDX-License-Identifier: MIT
// Frames of our own, sent by an interface as fast as one thread can: the sender's stack plays no
// part.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "bpfvlan/result.hpp"
#include "bpfvlan/test/layers.hpp"
#include "bpfvlan/unique_fd.hpp"

namespace bpfvlan::test {

inline constexpr unsigned kFramesAtOnce = 64;

// By a packet socket.
class FrameSender {
 public:
  static Result<FrameSender> open(const std::string& netns, const std::string& ifname);

  // At most kFramesAtOnce, in one call. How many the device took; each is through the receiver's
  // stack then, unless the other end puts off what it receives (NAPI).
  Result<unsigned> send(std::span<const Bytes> frames) const;

 private:
  explicit FrameSender(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

// By the kernel itself, as a driver with XDP sends: BPF_F_TEST_XDP_LIVE_FRAMES, Linux 5.18. The
// other end must take such frames: an XDP program or GRO has to be on there.
class XdpSender {
 public:
  static Result<XdpSender> open(const std::string& netns, const std::string& ifname);

  Result<> send(const Bytes& frame, std::uint32_t times) const;

 private:
  XdpSender(UniqueFd netns, UniqueFd program, std::uint32_t ifindex)
      : netns_(std::move(netns)), program_(std::move(program)), ifindex_(ifindex) {}
  UniqueFd netns_, program_;
  std::uint32_t ifindex_ = 0;
};

// A program on an interface that drops all that arrives there, the cheapest way. It goes with its
// object.
class XdpSink {
 public:
  static Result<XdpSink> open(const std::string& netns, const std::string& ifname);

 private:
  explicit XdpSink(UniqueFd link) : link_(std::move(link)) {}
  UniqueFd link_;
};

}  // namespace bpfvlan::test
