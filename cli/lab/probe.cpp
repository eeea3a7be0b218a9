// SPDX-License-Identifier: MIT
#include "lab/probe.hpp"

#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <future>
#include <vector>

#include "lab/sockets.hpp"

namespace bpfvlan::lab {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

std::vector<char> pattern(std::size_t bytes, unsigned seed) {
  std::vector<char> data(bytes);
  for (auto& byte : data) {
    seed = seed * 1664525 + 1013904223;  // Numerical Recipes' generator: no two blocks alike
    byte = static_cast<char>(seed >> 24);
  }
  return data;
}

// Here and below, calls with a time limit are tried again when they are interrupted: the kernel
// does that for reasons of its own too, and starts none of these anew (signal(7)).
bool send_all(const UniqueFd& fd, const std::vector<char>& data) {
  for (std::size_t sent = 0; sent < data.size();) {
    const auto n =
        TEMP_FAILURE_RETRY(send(fd.get(), data.data() + sent, data.size() - sent, MSG_NOSIGNAL));
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

bool receive_all(const UniqueFd& fd, const std::vector<char>& expected) {
  std::vector<char> data(expected.size());
  for (std::size_t got = 0; got < data.size();) {
    const auto n = TEMP_FAILURE_RETRY(recv(fd.get(), data.data() + got, data.size() - got, 0));
    if (n <= 0) return false;
    got += static_cast<std::size_t>(n);
  }
  return data == expected;
}

std::uint16_t own_number() {
  static std::atomic<std::uint16_t> next{1};
  return next++;
}

// The time-to-live that came with a message.
int ttl_of(msghdr& message) {
  for (auto* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    const bool v4 = c->cmsg_level == SOL_IP && c->cmsg_type == IP_TTL;
    const bool v6 = c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_HOPLIMIT;
    int ttl = 0;
    if (v4 || v6) {
      std::memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
      return ttl;
    }
  }
  return 0;
}

std::vector<std::uint8_t> echo_request(int family, std::uint16_t id) {
  std::vector<std::uint8_t> packet(8 + 56);
  packet[0] = family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
  packet[4] = static_cast<std::uint8_t>(id >> 8);
  packet[5] = static_cast<std::uint8_t>(id & 0xff);
  if (family == AF_INET6) return packet;  // the kernel fills in the checksum
  std::uint32_t sum = static_cast<std::uint32_t>(packet[0] << 8) + id;
  sum = ~((sum >> 16) + sum) & 0xffff;
  packet[2] = static_cast<std::uint8_t>(sum >> 8);
  packet[3] = static_cast<std::uint8_t>(sum & 0xff);
  return packet;
}

// A raw IPv4 socket gives the IP header too, a raw IPv6 one does not.
bool is_reply(const std::uint8_t* data, std::size_t length, int family, std::uint16_t id) {
  const std::size_t skip = family == AF_INET ? static_cast<std::size_t>(data[0] & 15) * 4 : 0;
  if (length < skip + 8) return false;
  const auto* icmp = data + skip;
  return icmp[0] == (family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) &&
         (icmp[4] << 8 | icmp[5]) == id;
}

}  // namespace

bool tcp_echo(const Path& path, std::size_t bytes, Milliseconds patience) {
  Address to(path.address, path.number);
  const auto listener = server(path, SOCK_STREAM, to, patience);
  if (!listener) return false;
  const auto there = pattern(bytes, 1), back = pattern(bytes, 2);
  auto answer = std::async(std::launch::async, [&] {
    const UniqueFd peer(static_cast<int>(
        TEMP_FAILURE_RETRY(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC))));
    return peer && receive_all(peer, there) && send_all(peer, back);
  });
  const auto client = asker(path, SOCK_STREAM, 0, patience);
  const bool ok = TEMP_FAILURE_RETRY(connect(client.get(), to.get(), to.length)) == 0 &&
                  send_all(client, there) && receive_all(client, back);
  return answer.get() && ok;
}

bool udp_echo(const Path& path, std::size_t bytes, Milliseconds patience) {
  Address to(path.address, path.number);
  const auto listener = server(path, SOCK_DGRAM, to, patience);
  if (!listener) return false;
  const auto client = asker(path, SOCK_DGRAM, 0, patience);
  const auto there = pattern(bytes, 3), back = pattern(bytes, 4);
  std::vector<char> got(bytes + 1);
  if (connect(client.get(), to.get(), to.length) || send(client.get(), there.data(), bytes, 0) < 0)
    return false;
  sockaddr_storage from{};
  socklen_t from_length = sizeof(from);
  auto n = TEMP_FAILURE_RETRY(recvfrom(listener.get(), got.data(), got.size(), 0,
                                       reinterpret_cast<sockaddr*>(&from), &from_length));
  if (n != static_cast<ssize_t>(bytes) || !std::equal(there.begin(), there.end(), got.begin()))
    return false;
  sendto(listener.get(), back.data(), bytes, 0, reinterpret_cast<sockaddr*>(&from), from_length);
  n = TEMP_FAILURE_RETRY(recv(client.get(), got.data(), got.size(), 0));
  return n == static_cast<ssize_t>(bytes) && std::equal(back.begin(), back.end(), got.begin());
}

bool icmp_echo(const Path& path, Milliseconds patience, int* ttl) {
  Address to(path.address);
  const int protocol = to.v4() ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
  const auto fd = asker(path, SOCK_RAW, protocol, patience);
  const int on = 1;
  setsockopt(fd.get(), to.v4() ? SOL_IP : SOL_IPV6, to.v4() ? IP_RECVTTL : IPV6_RECVHOPLIMIT, &on,
             sizeof(on));
  const auto id = path.number ? path.number : own_number();
  const auto request = echo_request(to.family(), id);
  if (sendto(fd.get(), request.data(), request.size(), 0, to.get(), to.length) < 0) return false;

  const auto deadline = Clock::now() + patience;
  while (Clock::now() < deadline) {
    alignas(cmsghdr) char control[64];
    std::uint8_t data[256];
    iovec io{data, sizeof(data)};
    msghdr message{};
    message.msg_iov = &io;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    const auto n = TEMP_FAILURE_RETRY(recvmsg(fd.get(), &message, 0));
    if (n < 0) return false;
    if (!is_reply(data, static_cast<std::size_t>(n), to.family(), id)) continue;
    if (ttl) *ttl = ttl_of(message);
    return true;
  }
  return false;
}

int udp_error(const Path& path, std::size_t bytes, Milliseconds patience) {
  static constexpr std::uint16_t kDiscard = 9;
  Address to(path.address, path.number ? path.number : kDiscard);
  const auto fd = asker(path, SOCK_DGRAM, 0, patience);
  const int on = 1;  // errors that need not be final too, such as a router's
  setsockopt(fd.get(), to.v4() ? SOL_IP : SOL_IPV6, to.v4() ? IP_RECVERR : IPV6_RECVERR, &on,
             sizeof(on));
  std::vector<char> data(bytes);
  if (connect(fd.get(), to.get(), to.length)) return 0;
  // That a packet was dropped may be known at once, and its error still come.
  (void)send(fd.get(), data.data(), bytes, 0);
  const bool answered =
      TEMP_FAILURE_RETRY(recv(fd.get(), data.data(), bytes, 0)) < 0 && errno != EAGAIN;
  return answered ? errno : 0;
}

Reach reach(const Path& path, Milliseconds patience) {
  Reach r;
  auto tcp = std::async(std::launch::async, [&] { return tcp_echo(path, kTcpBytes, patience); });
  auto udp = std::async(std::launch::async, [&] { return udp_echo(path, 512, patience); });
  r.icmp = icmp_echo(path, patience, &r.ttl);
  r.tcp = tcp.get();
  r.udp = udp.get();
  return r;
}

}  // namespace bpfvlan::lab
