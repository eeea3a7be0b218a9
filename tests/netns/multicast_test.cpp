// SPDX-License-Identifier: MIT
// Row L3-nomcast: no endpoint receives any broadcast or multicast, and none that it sends leaves.
#include <arpa/inet.h>
#include <fmt/core.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "packet_socket.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

constexpr int kCount = 5;
constexpr std::uint16_t kPort = 5007;

struct Group {
  const char* name;
  int family;
  const char* address;
};
constexpr Group kBroadcast{"broadcast", AF_INET, "255.255.255.255"};
constexpr Group kMulticast4{"multicast4", AF_INET, "239.1.1.1"};
constexpr Group kMulticast6{"multicast6", AF_INET6, "ff15::1"};
void PrintTo(const Group& group, std::ostream* out) {
  *out << group.name;
}

// A socket that has joined the group on an interface, or hears broadcasts there.
class Member {
 public:
  Member(const std::string& netns, const std::string& ifname, const Group& group) : group_(group) {
    const auto ns = Netns::open(netns);
    const auto in = InNetns::enter(ns->fd());
    fd_ = UniqueFd(socket(group.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1, off = 0;
    setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd_.get(), SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
    setsockopt(fd_.get(), SOL_SOCKET, SO_BINDTODEVICE, ifname.c_str(),
               static_cast<socklen_t>(ifname.size()));
    setsockopt(fd_.get(), IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof(off));
    setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off, sizeof(off));
    const auto ifindex = if_nametoindex(ifname.c_str());
    if (group.family == AF_INET) {
      sockaddr_in any{};
      any.sin_family = AF_INET;
      any.sin_port = htons(kPort);
      EXPECT_EQ(bind(fd_.get(), reinterpret_cast<sockaddr*>(&any), sizeof(any)), 0);
      ip_mreqn membership{};
      inet_pton(AF_INET, group.address, &membership.imr_multiaddr);
      membership.imr_ifindex = static_cast<int>(ifindex);
      setsockopt(fd_.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof(membership));
      setsockopt(fd_.get(), IPPROTO_IP, IP_MULTICAST_IF, &membership, sizeof(membership));
    } else {
      sockaddr_in6 any{};
      any.sin6_family = AF_INET6;
      any.sin6_port = htons(kPort);
      EXPECT_EQ(bind(fd_.get(), reinterpret_cast<sockaddr*>(&any), sizeof(any)), 0);
      ipv6_mreq membership{};
      inet_pton(AF_INET6, group.address, &membership.ipv6mr_multiaddr);
      membership.ipv6mr_interface = ifindex;
      setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &membership, sizeof(membership));
      setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_MULTICAST_IF, &ifindex, sizeof(ifindex));
    }
  }

  void send(int count) const {
    sockaddr_in to4{};
    to4.sin_family = AF_INET;
    to4.sin_port = htons(kPort);
    inet_pton(AF_INET, group_.address, &to4.sin_addr);
    sockaddr_in6 to6{};
    to6.sin6_family = AF_INET6;
    to6.sin6_port = htons(kPort);
    inet_pton(AF_INET6, group_.address, &to6.sin6_addr);
    const bool v4 = group_.family == AF_INET;
    for (int i = 0; i < count; ++i)
      EXPECT_EQ(sendto(fd_.get(), "hello", 5, 0,
                       v4 ? reinterpret_cast<sockaddr*>(&to4) : reinterpret_cast<sockaddr*>(&to6),
                       v4 ? sizeof(to4) : sizeof(to6)),
                5)
          << strerror(errno);
  }

  // How many came since the last call.
  int heard() const {
    char data[16];
    int count = 0;
    while (recv(fd_.get(), data, sizeof(data), 0) == 5) ++count;
    return count;
  }

 private:
  Group group_;
  UniqueFd fd_;
};

class L3NoMulticast : public OnEitherEngine<Group> {};
INSTANTIATE_TEST_SUITE_P(
    , L3NoMulticast,
    ::testing::Combine(kEitherEngine, ::testing::Values(kBroadcast, kMulticast4, kMulticast6)),
    [](const auto& i) {
      return fmt::format("{}_{}", to_string(std::get<EngineKind>(i.param)),
                         std::get<Group>(i.param).name);
    });

TEST_P(L3NoMulticast, neither_in_nor_out) {
  BV_OK(siblings());
  BV_OK(route_from_x(kA));
  const Member x("x", "X", param()), host("host", "P", param()), a("a", "a", param()),
      b("b", "b", param());
  const PacketSocket at_a("a", "a");

  x.send(kCount);
  int at_host = 0;
  EXPECT_TRUE(eventually([&] { return (at_host += host.heard()) == kCount; }))
      << "the parent's own stack hears them";
  x.heard();  // a host hears its own broadcasts
  EXPECT_EQ(a.heard(), 0);
  EXPECT_EQ(b.heard(), 0);
  for (const auto& c : at_a.drain()) EXPECT_EQ(c.packet_type, PACKET_OUTGOING);

  a.send(kCount);
  // What comes later is through: so would they be.
  EXPECT_TRUE(lab::udp_echo({"a", "b", kB.v4}, 1, patience()));
  EXPECT_TRUE(lab::udp_echo({"a", "x", kX.v4}, 1, patience()));
  int sent = 0;
  for (const auto& c : at_a.drain()) sent += ip_destination(c.frame) == param().address;
  EXPECT_EQ(sent, kCount) << "they did leave A's stack";
  EXPECT_EQ(x.heard(), 0);
  EXPECT_EQ(host.heard(), 0);
  EXPECT_EQ(b.heard(), 0);
}

}  // namespace
}  // namespace bpfvlan::test
