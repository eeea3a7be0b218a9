// SPDX-License-Identifier: MIT
#include "packet_socket.hpp"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "stage.hpp"

namespace bpfvlan::test {

PacketSocket::PacketSocket(const std::string& netns, const std::string& ifname) {
  const auto ns = Netns::open(netns);
  if (!ns) return;
  const auto in = InNetns::enter(ns->fd());
  if (!in) return;
  fd_ = UniqueFd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
  const int on = 1, room = 8 << 20;
  setsockopt(fd_.get(), SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on));
  setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex(ifname.c_str()));
  if (!address.sll_ifindex ||
      bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)))
    fd_.reset();
  drain();  // of all interfaces, before the bind
}

bool PacketSocket::send(const Bytes& frame) const {
  return ::send(fd_.get(), frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size());
}

std::optional<Captured> PacketSocket::receive(int milliseconds) const {
  pollfd p{fd_.get(), POLLIN, 0};
  if (!fd_ || TEMP_FAILURE_RETRY(poll(&p, 1, milliseconds)) != 1) return {};
  static thread_local Bytes room(1 << 17);
  Captured c;
  alignas(cmsghdr) char control[128];
  sockaddr_ll from{};
  iovec io{room.data(), room.size()};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof(from);
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const auto n = recvmsg(fd_.get(), &message, 0);
  if (n < 0) return {};
  c.frame.assign(room.begin(), room.begin() + n);
  c.packet_type = from.sll_pkttype;
  for (auto* m = CMSG_FIRSTHDR(&message); m; m = CMSG_NXTHDR(&message, m)) {
    if (m->cmsg_level != SOL_PACKET || m->cmsg_type != PACKET_AUXDATA) continue;
    tpacket_auxdata aux{};
    std::memcpy(&aux, CMSG_DATA(m), sizeof(aux));
    if (aux.tp_status & TP_STATUS_VLAN_VALID) c.tci = aux.tp_vlan_tci;
  }
  return c;
}

std::optional<Captured> PacketSocket::wait_for(
    const std::function<bool(const Captured&)>& wanted) const {
  const auto deadline = std::chrono::steady_clock::now() + patience();
  while (std::chrono::steady_clock::now() < deadline)
    if (auto c = receive(100); c && wanted(*c)) return c;
  return {};
}

std::vector<Captured> PacketSocket::drain() const {
  std::vector<Captured> out;
  while (auto c = receive(0)) out.push_back(std::move(*c));
  return out;
}

namespace {

std::string address_at(const Bytes& frame, std::size_t offset4, std::size_t offset6) {
  char text[INET6_ADDRSTRLEN] = "";
  const auto read = [&](int family, std::size_t offset, std::size_t length) {
    if (frame.size() >= offset + length) inet_ntop(family, &frame[offset], text, sizeof(text));
  };
  const int ethertype = frame.size() < ETH_HLEN ? 0 : frame[12] << 8 | frame[13];
  if (ethertype == ETH_P_IP) read(AF_INET, ETH_HLEN + offset4, 4);
  if (ethertype == ETH_P_IPV6) read(AF_INET6, ETH_HLEN + offset6, 16);
  return text;
}

}  // namespace

std::string ip_source(const Bytes& frame) {
  return address_at(frame, 12, 8);
}

std::string ip_destination(const Bytes& frame) {
  return address_at(frame, 16, 24);
}

Bytes mac_of(const std::string& netns, const std::string& ifname) {
  const auto ns = Netns::open(netns);
  if (!ns) return {};
  const auto in = InNetns::enter(ns->fd());
  if (!in) return {};
  const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  ifname.copy(request.ifr_name, IFNAMSIZ - 1);
  if (ioctl(fd.get(), SIOCGIFHWADDR, &request)) return {};
  Bytes mac(6);
  std::memcpy(mac.data(), request.ifr_hwaddr.sa_data, mac.size());
  return mac;
}

}  // namespace bpfvlan::test
