// SPDX-License-Identifier: MIT
// Two connected sockets and what goes from one to the other, all by one thread, so that the time of
// a batch is that of everything both of them and all between them do.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bpfvlan/result.hpp"
#include "bpfvlan/unique_fd.hpp"
#include "network.hpp"

namespace bpfvlan::test {

enum class Traffic {
  Datagrams,  // UDP, 32 bytes
  Stream,     // TCP, written in pieces of 64 KiB
};
std::string to_string(Traffic traffic);

class Flow {
 public:
  static Result<Flow> open(const Place& from, const Place& to, int family, Traffic traffic);

  // Sends some and takes them all: nanoseconds for each of them. What does not arrive, or not in
  // its order, is an error.
  Result<double> batch();
  Result<> at_rest() const;  // nothing is left to take

 private:
  explicit Flow(Traffic traffic) : traffic_(traffic) {}
  Result<> connect_datagrams(const lab::Path& path);
  Result<> connect_stream(const lab::Path& path);
  Result<> datagrams();
  Result<> stream();

  Traffic traffic_;
  UniqueFd sender_, receiver_;
  std::uint64_t sent_ = 0, received_ = 0;  // datagrams
  std::vector<char> piece_;
};

}  // namespace bpfvlan::test
