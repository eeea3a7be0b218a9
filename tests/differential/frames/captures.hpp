// SPDX-License-Identifier: MIT
// Packet sockets on everything in a topology: every copy of a frame, at every interface and where
// it enters the host's stack.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bpfvlan/unique_fd.hpp"
#include "frames/frame_case.hpp"
#include "stack_log.hpp"

namespace bpfvlan::test {

// With offloads told and to tell. `protocol` 0 hears nothing; no interface: all of the namespace's.
Result<UniqueFd> packet_socket(const std::string& netns, std::uint16_t protocol,
                               std::string_view ifname);

class Captures {
 public:
  static Result<std::unique_ptr<Captures>> make(const Topology& topology);

  // Adds what comes, and waits a moment for it.
  Result<> wait(std::vector<Seen>& seen);
  // Adds what is there.
  Result<> drain(std::vector<Seen>& seen);
  // Fails if there was no room for a frame since the last call.
  Result<> check_losses() const;

 private:
  struct Socket {
    UniqueFd fd;
    std::string netns;
    bool stack = false;  // protocol handlers' level
  };

  // Mode l3s: what endpoints' stacks give to sockets.
  struct Log {
    StackLog log;
    std::string of;  // the endpoint's interface, or the host's namespace: then by destination
  };

  Captures() = default;
  Result<> add_logs(const Topology& topology);
  Result<> watch(int fd, std::uint64_t number);
  Result<> add(const std::string& netns, std::uint16_t protocol, bool stack);
  Result<> receive(const Socket& socket, std::vector<Seen>& seen);
  static Result<> receive(const Log& log, std::vector<Seen>& seen);
  std::string name_of(const Socket& socket, int ifindex);

  std::vector<Socket> sockets_;
  std::vector<Log> logs_;
  UniqueFd epoll_;
  std::map<std::pair<std::string, int>, std::string> names_;  // (namespace, ifindex)
};

}  // namespace bpfvlan::test
