// SPDX-License-Identifier: MIT
#include "group_socket.hpp"

#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "bpfvlan/netns.hpp"
#include "lab/sockets.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::uint16_t kPort = 5007;

// Which option an option of IPv4 is in IPv6.
struct Option {
  int level, name;
};

template <class T>
void set(const UniqueFd& fd, const Option& option, const T& value) {
  EXPECT_EQ(setsockopt(fd.get(), option.level, option.name, &value, sizeof(value)), 0)
      << option.level << '/' << option.name << ": " << strerror(errno);
}

}  // namespace

bool is_everybodys(const Group& group) {
  return group.name == std::string_view(kBroadcast.name) ||
         group.name == std::string_view(kMulticast6Low.name);
}

void PrintTo(const Group& group, std::ostream* out) {
  *out << group.name;
}

Member::Member(const std::string& netns, const std::string& ifname, const Group& group)
    : group_(group) {
  const auto ns = Netns::open(netns);
  const auto in = InNetns::enter(ns->fd());
  const bool v4 = group.family == AF_INET;
  fd_ = UniqueFd(socket(group.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  set(fd_, {SOL_SOCKET, SO_REUSEADDR}, 1);
  set(fd_, {SOL_SOCKET, SO_BROADCAST}, 1);
  EXPECT_EQ(setsockopt(fd_.get(), SOL_SOCKET, SO_BINDTODEVICE, ifname.c_str(),
                       static_cast<socklen_t>(ifname.size())),
            0);
  lab::Address any(v4 ? "0.0.0.0" : "::", kPort);
  EXPECT_EQ(bind(fd_.get(), any.get(), any.length), 0) << strerror(errno);
  const auto ifindex = if_nametoindex(ifname.c_str());
  if (group_.address == std::string_view(kBroadcast.address)) return;

  group_req join{};
  join.gr_interface = ifindex;
  lab::Address address(group.address);
  std::memcpy(&join.gr_group, address.get(), address.length);
  set(fd_, {v4 ? IPPROTO_IP : IPPROTO_IPV6, MCAST_JOIN_GROUP}, join);
  if (v4) {
    ip_mreqn by{};
    by.imr_ifindex = static_cast<int>(ifindex);
    set(fd_, {IPPROTO_IP, IP_MULTICAST_IF}, by);
    set(fd_, {IPPROTO_IP, IP_MULTICAST_LOOP}, 0);
  } else {
    set(fd_, {IPPROTO_IPV6, IPV6_MULTICAST_IF}, ifindex);
    set(fd_, {IPPROTO_IPV6, IPV6_MULTICAST_LOOP}, 0);
  }
}

bool Member::send(const std::string& text) const {
  lab::Address to(group_.address, kPort);
  return sendto(fd_.get(), text.data(), text.size(), 0, to.get(), to.length) ==
         static_cast<ssize_t>(text.size());
}

std::vector<std::string> Member::heard() const {
  std::vector<std::string> texts;
  char data[64];
  ssize_t n = 0;
  while ((n = recv(fd_.get(), data, sizeof(data), 0)) >= 0)
    texts.emplace_back(data, static_cast<std::size_t>(n));
  return texts;
}

}  // namespace bpfvlan::test
