// SPDX-License-Identifier: MIT
// What sockets see: large datagrams in fragments, extension headers, offloads, marks.
#include <arpa/inet.h>
#include <fmt/core.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "packet_socket.hpp"
#include "stage.hpp"

#ifndef SO_RCVMARK
#define SO_RCVMARK 75  // since Linux 5.19
#endif

namespace bpfvlan::test {
namespace {

class L3Sockets : public BothFamilies {
 protected:
  void SetUp() override {
    BothFamilies::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    BV_OK(siblings());
    BV_OK(route_from_x(kA));
    BV_OK(route_from_x(kB));
  }
};
INSTANTIATE_TEST_SUITE_P(, L3Sockets,
                         ::testing::Combine(kEitherEngine, ::testing::Values(AF_INET, AF_INET6)),
                         engine_and_family);

// Addresses are in every fragment: all find their way, between all three.
TEST_P(L3Sockets, fragments) {
  const PacketSocket at_a("a", "a");
  for (const auto& [from, to, address] :
       {std::tuple{"a", "b", kB}, std::tuple{"x", "a", kA}, std::tuple{"a", "x", kX}}) {
    EXPECT_TRUE(lab::udp_echo({from, to, of(address)}, 9000, patience())) << from << " " << to;
    const auto frames = at_a.drain();
    const auto fragments = std::count_if(frames.begin(), frames.end(), [&](const Captured& c) {
      const bool v4 = c.frame[12] == 8;
      return v4 ? (c.frame[20] & 0x3f) || c.frame[21] : c.frame[20] == IPPROTO_FRAGMENT;
    });
    EXPECT_EQ(fragments, 2 * 7) << "9,000 bytes are 7 fragments each way";
  }
}

// Super-packets and partial checksums stay whole: far fewer packets than segments.
TEST_P(L3Sockets, offloads_stay_intact) {
  constexpr std::size_t kBytes = 2 << 20;
  for (const auto* from : {"b", "x"}) {
    const PacketSocket at_a("a", "a");
    ASSERT_TRUE(lab::tcp_echo({from, "a", of(kA)}, kBytes, patience())) << from;
    std::size_t bytes = 0, packets = 0;
    for (const auto& c : at_a.drain()) {
      if (c.packet_type == PACKET_OUTGOING || c.frame.size() < 100) continue;  // nor bare ACKs
      bytes += c.frame.size();
      ++packets;
    }
    EXPECT_GE(bytes, kBytes);
    EXPECT_GT(bytes / packets, 3000U) << "segmented on the way from " << from;
  }
}

struct Socket {
  UniqueFd fd;
  sockaddr_storage address{};
  socklen_t length = 0;
};

Socket udp_socket(const std::string& netns, const std::string& address) {
  Socket s;
  auto* a6 = reinterpret_cast<sockaddr_in6*>(&s.address);
  auto* a4 = reinterpret_cast<sockaddr_in*>(&s.address);
  if (inet_pton(AF_INET6, address.c_str(), &a6->sin6_addr) == 1) {
    a6->sin6_family = AF_INET6;
    s.length = sizeof(*a6);
  } else {
    inet_pton(AF_INET, address.c_str(), &a4->sin_addr);
    a4->sin_family = AF_INET;
    s.length = sizeof(*a4);
  }
  const auto ns = Netns::open(netns);
  const auto in = InNetns::enter(ns->fd());
  s.fd = UniqueFd(socket(s.address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const timeval limit{patience().count() / 1000, 0};
  setsockopt(s.fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  EXPECT_EQ(bind(s.fd.get(), reinterpret_cast<sockaddr*>(&s.address), s.length), 0)
      << strerror(errno);
  getsockname(s.fd.get(), reinterpret_cast<sockaddr*>(&s.address), &s.length);
  return s;
}

bool send_to(const Socket& from, const Socket& to) {
  return sendto(from.fd.get(), "mark", 4, 0, reinterpret_cast<const sockaddr*>(&to.address),
                to.length) == 4;
}

// The mark a received datagram carries.
std::uint32_t received_mark(const Socket& s) {
  char data[16];
  alignas(cmsghdr) char control[64];
  iovec io{data, sizeof(data)};
  msghdr message{};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  EXPECT_EQ(recvmsg(s.fd.get(), &message, 0), 4) << strerror(errno);
  for (auto* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    std::uint32_t mark = 0;
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_MARK) {
      std::memcpy(&mark, CMSG_DATA(c), sizeof(mark));
      return mark;
    }
  }
  return 0;
}

TEST_P(L3Sockets, marks_stay_in_their_namespace) {
  BV_OK(endpoint_in_host("h", kH));
  const auto a = udp_socket("a", of(kA)), b = udp_socket("b", of(kB)),
             h = udp_socket("host", of(kH));
  const int on = 1, mark = 0x77;
  for (const auto* s : {&a, &b, &h}) {
    ASSERT_EQ(setsockopt(s->fd.get(), SOL_SOCKET, SO_RCVMARK, &on, sizeof(on)), 0);
    ASSERT_EQ(setsockopt(s->fd.get(), SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), 0);
  }
  BV_OK(lab.ip("host", fmt::format("route add {} dev h", of(kA))));
  ASSERT_TRUE(send_to(a, b));
  EXPECT_EQ(received_mark(b), 0U) << "from one namespace to another";
  ASSERT_TRUE(send_to(h, a));
  EXPECT_EQ(received_mark(a), 0U) << "from the parent's namespace";
  ASSERT_TRUE(send_to(a, h));
  EXPECT_EQ(received_mark(h), 0U) << "into the parent's namespace";
}

class L3SocketsIpv6 : public L3Sockets {};
INSTANTIATE_TEST_SUITE_P(, L3SocketsIpv6,
                         ::testing::Combine(kEitherEngine, ::testing::Values(AF_INET6)),
                         engine_and_family);

TEST_P(L3SocketsIpv6, extension_headers) {
  const auto a = udp_socket("a", kA.v6), b = udp_socket("b", kB.v6), x = udp_socket("x", kX.v6);
  const unsigned char padding[8] = {0, 0, 1, 4, 0, 0, 0, 0};  // RFC 8200, 4.2: PadN
  for (const int option : {IPV6_HOPOPTS, IPV6_DSTOPTS})
    for (const auto* s : {&a, &x})
      ASSERT_EQ(setsockopt(s->fd.get(), SOL_IPV6, option, padding, sizeof(padding)), 0);
  for (const auto& [from, to] : {std::pair{&a, &b}, std::pair{&a, &x}, std::pair{&x, &b}}) {
    ASSERT_TRUE(send_to(*from, *to));
    EXPECT_EQ(received_mark(*to), 0U);  // fails if nothing comes
  }
}

}  // namespace
}  // namespace bpfvlan::test
