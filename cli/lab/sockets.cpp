// SPDX-License-Identifier: MIT
#include "lab/sockets.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "bpfvlan/netns.hpp"

namespace bpfvlan::lab {
namespace {

using Milliseconds = std::chrono::milliseconds;

// A socket stays in the namespace it was made in; the thread comes back.
UniqueFd socket_in(const std::string& netns, int family, int type, int protocol,
                   Milliseconds patience) {
  const auto ns = Netns::open(netns);
  if (!ns) return {};
  const auto in = InNetns::enter(ns->fd());
  if (!in) return {};
  UniqueFd fd(socket(family, type | SOCK_CLOEXEC, protocol));
  const timeval limit{patience.count() / 1000,
                      static_cast<suseconds_t>(patience.count() % 1000 * 1000)};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  return fd;
}

}  // namespace

Address::Address(const std::string& text, std::uint16_t port) {
  if (auto* a4 = reinterpret_cast<sockaddr_in*>(&storage);
      inet_pton(AF_INET, text.c_str(), &a4->sin_addr) == 1) {
    storage.ss_family = AF_INET;
    a4->sin_port = htons(port);
    length = sizeof(*a4);
  } else if (auto* a6 = reinterpret_cast<sockaddr_in6*>(&storage);
             inet_pton(AF_INET6, text.c_str(), &a6->sin6_addr) == 1) {
    storage.ss_family = AF_INET6;
    a6->sin6_port = htons(port);
    length = sizeof(*a6);
  }
}

std::uint16_t Address::port() const {
  if (v4()) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
}

UniqueFd asker(const Path& path, int type, int protocol, Milliseconds patience) {
  const Address to(path.address);
  auto fd = socket_in(path.from, to.family(), type, protocol, patience);
  if (!path.device.empty() && setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, path.device.c_str(),
                                         static_cast<socklen_t>(path.device.size())))
    return {};
  if (path.ttl)
    setsockopt(fd.get(), to.v4() ? SOL_IP : SOL_IPV6, to.v4() ? IP_TTL : IPV6_UNICAST_HOPS,
               &path.ttl, sizeof(path.ttl));
  if (Address from(path.source); from.length && bind(fd.get(), from.get(), from.length)) return {};
  return fd;
}

UniqueFd server(const Path& path, int type, Address& address, Milliseconds patience) {
  auto fd = socket_in(path.to, address.family(), type, 0, patience);
  const int on = 1;  // an address of another interface of that namespace, or none yet: no matter
  setsockopt(fd.get(), SOL_IP, IP_FREEBIND, &on, sizeof(on));
  if (bind(fd.get(), address.get(), address.length)) return {};
  if (type == SOCK_STREAM && listen(fd.get(), 1)) return {};
  getsockname(fd.get(), address.get(), &address.length);
  return fd;
}

}  // namespace bpfvlan::lab
