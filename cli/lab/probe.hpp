// SPDX-License-Identifier: MIT
// Can one namespace talk to another? Asked with real sockets.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace bpfvlan::lab {

struct Path {
  std::string from;     // namespace
  std::string to;       // namespace that has `address`
  std::string address;  // IPv4 or IPv6

  // For who wants to say more; otherwise the kernel chooses.
  std::string source = {};   // address to send from
  std::string device = {};   // interface to send by
  std::uint16_t number = 0;  // the server's port, or the id of the ICMP echo
  int ttl = 0;               // time to live, or hop limit, of what is sent
};

struct Reach {
  bool tcp = false;   // 1 MiB there and back, every byte compared
  bool udp = false;   // a datagram and its echo
  bool icmp = false;  // echo request and reply
  int ttl = 0;        // of the echo reply, or the hop limit

  bool all() const { return tcp && udp && icmp; }
  bool none() const { return !tcp && !udp && !icmp; }
};

inline constexpr std::size_t kTcpBytes = 1 << 20;

// `patience`: how long each waits for an answer. All three at once.
Reach reach(const Path& path, std::chrono::milliseconds patience);

// One of them alone.
bool tcp_echo(const Path& path, std::size_t bytes, std::chrono::milliseconds patience);
bool udp_echo(const Path& path, std::size_t bytes, std::chrono::milliseconds patience);
bool icmp_echo(const Path& path, std::chrono::milliseconds patience, int* ttl = nullptr);

// Sends a datagram to a port nobody listens at. The error (errno) that the network answers with,
// such as ECONNREFUSED; 0 if none comes.
int udp_error(const Path& path, std::size_t bytes, std::chrono::milliseconds patience);

}  // namespace bpfvlan::lab
