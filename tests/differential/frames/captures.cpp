// SPDX-License-Identifier: MIT
#include "frames/captures.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <tuple>

#include "bpfvlan/netns.hpp"
#include "frames/frame_fields.hpp"
#include "frames/pools.hpp"

namespace bpfvlan::test {
namespace {

// Every kind of frame that the judge sends, beside kUnknownTypes. A socket for one protocol sees
// what reaches the protocol's handlers, behind the driver or our programs.
constexpr std::array<std::uint16_t, 10> kProtocols{
    ETH_P_IP,    ETH_P_IPV6,   ETH_P_ARP,     ETH_P_PAUSE, ETH_P_LLDP,
    ETH_P_8021Q, ETH_P_8021AD, ETH_P_MPLS_UC, ETH_P_802_2, ETH_P_802_3};

constexpr std::size_t kRoom = 70000;  // for a frame

// What has not been received yet may have its tag in it or beside it, as the sender left it. One
// that is cut stays, as with the kernel.
void take_tag_off(Seen& s) {
  constexpr std::ptrdiff_t at = 12, size = 4;
  if (s.type != PACKET_OUTGOING || s.tag || s.frame.size() < at + size + 4) return;
  const auto word = [&](std::ptrdiff_t i) {
    return static_cast<std::uint16_t>(s.frame[static_cast<std::size_t>(i)] << 8 |
                                      s.frame[static_cast<std::size_t>(i + 1)]);
  };
  if (word(at) != ETH_P_8021Q && word(at) != ETH_P_8021AD) return;
  s.tag = Tag{.tpid = word(at), .tci = word(at + 2)};
  s.frame.erase(s.frame.begin() + at, s.frame.begin() + at + size);
}

}  // namespace

Result<UniqueFd> packet_socket(const std::string& netns, std::uint16_t protocol,
                               std::string_view ifname) {
  BV_TRY(const auto ns, Netns::open(netns));
  BV_TRY(const auto in, InNetns::enter(ns.fd()));
  UniqueFd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1, room = 64 << 20;
  for (const auto& [level, option, value] :
       {std::tuple{SOL_PACKET, PACKET_AUXDATA, on}, std::tuple{SOL_PACKET, PACKET_VNET_HDR, on},
        std::tuple{SOL_SOCKET, SO_RCVBUFFORCE, room}, std::tuple{SOL_SOCKET, SO_SNDBUFFORCE, room}})
    if (setsockopt(fd.get(), level, option, &value, sizeof(value)))
      return fail(errno, fmt::format("packet socket, option {}", option));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(protocol);
  if (!ifname.empty())
    address.sll_ifindex = static_cast<int>(if_nametoindex(std::string(ifname).c_str()));
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)))
    return fail(errno, fmt::format("bind a packet socket in {}", netns));
  return fd;
}

Result<std::unique_ptr<Captures>> Captures::make(const Topology& topology) {
  std::unique_ptr<Captures> c(new Captures);
  c->epoll_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  for (const auto place : {Place::X, Place::P, Place::A, Place::B})
    BV_CHECK(c->add(topology.netns(place), ETH_P_ALL, false));
  const auto host = topology.netns(Place::P);
  for (const auto protocol : kProtocols) BV_CHECK(c->add(host, protocol, true));
  for (const auto protocol : kUnknownTypes) BV_CHECK(c->add(host, protocol, true));
  if (topology.mode() == BV_MODE_L3S) BV_CHECK(c->add_logs(topology));
  return c;
}

Result<> Captures::add(const std::string& netns, std::uint16_t protocol, bool stack) {
  BV_TRY(auto fd, packet_socket(netns, protocol, ""));
  BV_CHECK(watch(fd.get(), sockets_.size()));
  sockets_.push_back({std::move(fd), netns, stack});
  return {};
}

Result<> Captures::watch(int fd, std::uint64_t number) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = number;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event)) return fail(errno, "epoll");
  return {};
}

Result<> Captures::add_logs(const Topology& topology) {
  for (const auto place : {Place::A, Place::B, Place::P}) {
    BV_TRY(auto log, StackLog::open(topology.netns(place), StackLog::Then::Drop));
    BV_CHECK(watch(log.fd(), sockets_.size() + logs_.size()));
    const auto of = place == Place::P ? "" : interface_of(place);
    logs_.push_back({std::move(log), std::string(of)});
  }
  return {};
}

Result<> Captures::wait(std::vector<Seen>& seen) {
  std::array<epoll_event, 32> events{};
  const int n = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 100);
  for (int i = 0; i < n; ++i) {
    const auto number = events[static_cast<std::size_t>(i)].data.u64;
    BV_CHECK(number < sockets_.size() ? receive(sockets_[number], seen)
                                      : receive(logs_[number - sockets_.size()], seen));
  }
  return {};
}

Result<> Captures::drain(std::vector<Seen>& seen) {
  for (const auto& socket : sockets_) BV_CHECK(receive(socket, seen));
  for (const auto& log : logs_) BV_CHECK(receive(log, seen));
  return {};
}

Result<> Captures::receive(const Log& log, std::vector<Seen>& seen) {
  std::vector<Bytes> packets;
  BV_CHECK(log.log.receive(packets));
  for (auto& packet : packets) {
    const auto to = endpoint_it_is_for(packet);
    auto of = log.of;
    if (of.empty()) of = to ? interface_of(*to) : "host";
    seen.push_back({.where = "input " + of, .frame = std::move(packet)});
  }
  return {};
}

Result<> Captures::receive(const Socket& socket, std::vector<Seen>& seen) {
  static std::vector<std::uint8_t> data(kRoom);
  for (;;) {
    Offload header;
    iovec parts[] = {{&header, sizeof(header)}, {data.data(), data.size()}};
    alignas(cmsghdr) char control[64];
    sockaddr_ll from{};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof(from);
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    const auto n = recvmsg(socket.fd.get(), &message, 0);
    if (n < 0 && errno == EAGAIN) return {};
    if (n < static_cast<ssize_t>(sizeof(header)) || (message.msg_flags & MSG_TRUNC))
      return fail(n < 0 ? errno : EMSGSIZE, "receive a captured frame");
    auto where = name_of(socket, from.sll_ifindex);
    if (where.empty()) continue;
    Seen s{.where = std::move(where), .type = from.sll_pkttype};
    s.offload = header;
    s.offload.header_len = 0;  // how much of it the kernel had in one piece here
    s.frame.assign(data.begin(), data.begin() + (n - static_cast<ssize_t>(sizeof(header))));
    for (auto* m = CMSG_FIRSTHDR(&message); m; m = CMSG_NXTHDR(&message, m)) {
      if (m->cmsg_level != SOL_PACKET || m->cmsg_type != PACKET_AUXDATA) continue;
      tpacket_auxdata aux{};
      std::memcpy(&aux, CMSG_DATA(m), sizeof(aux));
      const bool tpid = aux.tp_status & TP_STATUS_VLAN_TPID_VALID;
      if (aux.tp_status & TP_STATUS_VLAN_VALID)
        s.tag = Tag{.tpid = tpid ? aux.tp_vlan_tpid : std::uint16_t{0}, .tci = aux.tp_vlan_tci};
    }
    take_tag_off(s);
    seen.push_back(std::move(s));
  }
}

Result<> Captures::check_losses() const {
  for (const auto& socket : sockets_) {
    tpacket_stats stats{};
    socklen_t size = sizeof(stats);
    if (getsockopt(socket.fd.get(), SOL_PACKET, PACKET_STATISTICS, &stats, &size))
      return fail(errno, "statistics of a capture");
    if (stats.tp_drops)
      return refuse(std::errc::no_buffer_space,
                    fmt::format("{} captured frames lost in {}", stats.tp_drops, socket.netns));
  }
  return {};
}

// Empty: not a place to compare, as the driver has no host sides. But what reaches the stack from
// one of these counts.
std::string Captures::name_of(const Socket& socket, int ifindex) {
  auto& name = names_[{socket.netns, ifindex}];
  if (name.empty()) {
    const auto ns = Netns::open(socket.netns);
    if (!ns) return {};
    const auto in = InNetns::enter(ns->fd());
    char text[IF_NAMESIZE] = "?";
    if_indextoname(static_cast<unsigned>(ifindex), text);
    name = text;
  }
  const bool host_side = name.starts_with("bpfv");
  if (socket.stack) return host_side ? "stack host-side" : "stack " + name;
  if (name == "lo") return socket.netns.ends_with("host") ? "lo" : "";
  return host_side ? "" : name;
}

}  // namespace bpfvlan::test
