// SPDX-License-Identifier: MIT
// What reaches a stack's sockets: the last netfilter hook before them tells of it. In mode l3s the
// driver hands packets in behind the endpoint's interface, where no capture is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bpfvlan/result.hpp"
#include "bpfvlan/test/address.hpp"

struct nl_sock;

namespace bpfvlan::test {

class StackLog {
 public:
  enum class Then { Accept, Drop };
  // Of the packets for local addresses of a namespace, and those that the driver gives endpoints of
  // its parent. `then`: whether sockets get them.
  static Result<StackLog> open(const std::string& netns, Then then);

  int fd() const;
  // Adds the IP packets that have come since.
  Result<> receive(std::vector<Bytes>& packets) const;

 private:
  using Socket = std::unique_ptr<nl_sock, void (*)(nl_sock*)>;
  explicit StackLog(Socket socket) : socket_(std::move(socket)) {}

  Socket socket_;
};

}  // namespace bpfvlan::test
