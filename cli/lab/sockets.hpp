// SPDX-License-Identifier: MIT
// Sockets at both ends of a path, each in its namespace.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "bpfvlan/unique_fd.hpp"
#include "lab/probe.hpp"

namespace bpfvlan::lab {

// An IP address and a port, as the kernel takes it.
struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  explicit Address(const std::string& text, std::uint16_t port = 0);
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  bool v4() const { return family() == AF_INET; }
  std::uint16_t port() const;
};

// The asking side, which sends from where and by what the path says. `patience` bounds every call.
UniqueFd asker(const Path& path, int type, int protocol, std::chrono::milliseconds patience);

// The answering side: a server of that address; its port goes into `address`.
UniqueFd server(const Path& path, int type, Address& address, std::chrono::milliseconds patience);

}  // namespace bpfvlan::lab
