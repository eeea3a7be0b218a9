// SPDX-License-Identifier: MIT
// Datagrams and their echoes, going on while other things happen.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "bpfvlan/result.hpp"
#include "bpfvlan/unique_fd.hpp"
#include "lab/probe.hpp"

namespace bpfvlan::test {

class Streams {
 public:
  static Result<std::unique_ptr<Streams>> start(std::span<const lab::Path> paths);
  ~Streams();

  // Which of them have an answer to something sent from now on. Waits for `silence`; for those that
  // are `hoped` for, up to `patience`.
  std::vector<bool> alive(const std::vector<bool>& hoped, std::chrono::milliseconds silence,
                          std::chrono::milliseconds patience) const;

 private:
  using Count = std::uint64_t;
  struct Stream {
    UniqueFd client, server;
    std::atomic<Count> answered = 0;
  };

  Streams() = default;
  void run();
  void send_all(Count number);
  static void echo(const Stream& stream);
  static void take_answers(Stream& stream);

  std::deque<Stream> streams_;
  std::atomic<Count> sent_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace bpfvlan::test
