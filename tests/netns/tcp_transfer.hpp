// SPDX-License-Identifier: MIT
// A TCP connection that goes on while other things happen to what it crosses.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "bpfvlan/result.hpp"
#include "bpfvlan/unique_fd.hpp"
#include "lab/probe.hpp"

namespace bpfvlan::test {

class TcpTransfer {
 public:
  // Connected, and sending both ways.
  static Result<std::unique_ptr<TcpTransfer>> start(const lab::Path& path);
  ~TcpTransfer();

  // Whether bytes go on to arrive at both ends.
  bool goes_on() const;
  // Whether none has arrived for as long as silence() lasts, once what was under way is through.
  bool stands_still() const;
  // Ends it. True if all that was sent arrived as it was.
  bool finish();

 private:
  // One direction: bytes that follow from their place in the stream.
  struct Flow {
    std::uint64_t seed = 0;
    std::atomic<std::uint64_t> sent{0}, received{0};
    std::atomic<bool> whole = false;  // up to the end
  };

  TcpTransfer(UniqueFd client, UniqueFd server);
  void send(const UniqueFd& fd, Flow& flow) const;
  static void receive(const UniqueFd& fd, Flow& flow);

  UniqueFd client_, server_;
  std::atomic<bool> ending_ = false;
  Flow there_{.seed = 1}, back_{.seed = 2};
  std::thread threads_[4];
};

}  // namespace bpfvlan::test
