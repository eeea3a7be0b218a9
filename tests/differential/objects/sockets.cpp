// SPDX-License-Identifier: MIT
// What endpoints' sockets learn: marks, drops, and what is for addresses of their stack's making.
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "bpfvlan/test/frame.hpp"
#include "lab/command.hpp"
#include "lab/sockets.hpp"
#include "objects/object_case.hpp"
#include "packet_socket.hpp"

#ifndef SO_RCVMARK
#define SO_RCVMARK 75  // since Linux 5.19
#endif

namespace bpfvlan::test {
namespace {

Result<> set(const UniqueFd& fd, int level, int option, int value) {
  if (setsockopt(fd.get(), level, option, &value, sizeof(value)))
    return fail(errno, fmt::format("socket option {}", option));
  return {};
}

Result<Outcome> received_mark(const UniqueFd& fd) {
  char data[16];
  alignas(cmsghdr) char control[64];
  iovec io{data, sizeof(data)};
  msghdr message{};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  if (TEMP_FAILURE_RETRY(recvmsg(fd.get(), &message, 0)) < 0) return fail(errno, "receive at B");
  std::uint32_t mark = 0;
  for (auto* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_MARK)
      std::memcpy(&mark, CMSG_DATA(c), sizeof(mark));
  return Outcome{fmt::format("mark {:#x}", mark)};
}

Result<Outcome> mark_from_a_to_b(const Topology& t, int family) {
  const lab::Path path{t.netns(Place::A), t.netns(Place::B), kB.of(family)};
  lab::Address to(path.address);
  const auto b = lab::server(path, SOCK_DGRAM, to, patience());
  const auto a = lab::asker(path, SOCK_DGRAM, 0, patience());
  BV_CHECK(set(b, SOL_SOCKET, SO_RCVMARK, 1));
  BV_CHECK(set(a, SOL_SOCKET, SO_MARK, 0x77));
  if (sendto(a.get(), "mark", 4, 0, to.get(), to.length) != 4) return fail(errno, "send from A");
  return received_mark(b);
}

// UDP keeps ENOBUFS to itself unless errors are asked for.
Result<Outcome> send_from_a(const Topology& t, const std::string& address) {
  const lab::Path path{t.netns(Place::A), t.netns(Place::A), address};
  lab::Address to(address, 9);
  const auto fd = lab::asker(path, SOCK_DGRAM, 0, patience());
  BV_CHECK(to.v4() ? set(fd, IPPROTO_IP, IP_RECVERR, 1) : set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1));
  if (sendto(fd.get(), "drop", 4, 0, to.get(), to.length) == 4) return Outcome{"sent"};
  return Outcome{strerrorname_np(errno)};
}

// Nobody has to be asked for B's MAC address.
Result<Outcome> send_to_known_neighbour(const Topology& t) {
  const auto neighbour = [&](const char* what) {
    return t.lab().ip(t.netns(Place::A),
                      fmt::format("neigh {} {} lladdr {} dev a nud permanent", what, kB.v6, kMacP));
  };
  BV_CHECK(neighbour("replace"));
  BV_TRY(auto seen, send_from_a(t, kB.v6));
  BV_CHECK(neighbour("del"));
  return seen;
}

std::string random_link_local_of(const std::string& netns, const std::string& ifname) {
  const auto r = lab::run({"ip", "-n", netns, "-6", "-o", "addr", "show", "dev", ifname, "scope",
                           "link", "-tentative"});
  const auto words = lab::words(r.out);
  const auto at = std::find(words.begin(), words.end(), "inet6");
  return at == words.end() ? "" : (at + 1)->substr(0, (at + 1)->find('/'));
}

// A's stack makes one at random; X sends a frame to it.
Result<Outcome> to_link_local_of_a(const Topology& t) {
  const auto a = t.netns(Place::A);
  BV_CHECK(t.lab().sysctl(a, "net.ipv6.conf.a.addr_gen_mode", "1"));
  BV_CHECK(t.lab().ip(a, "-6 address flush dev a scope link"));
  BV_CHECK(t.lab().sysctl(a, "net.ipv6.conf.a.addr_gen_mode", "3"));  // only a change makes one
  std::string address;
  if (!eventually([&] { return !(address = random_link_local_of(a, "a")).empty(); }))
    return refuse(std::errc::timed_out, "A has no link-local address");
  const PacketSocket at_a(a, "a"), at_x(t.netns(Place::X), "X");
  const auto send = [&](const std::string& to) {
    return at_x.send(frame(Ethernet{.dst = kMacP, .src = kMacX},
                           IPv6{.src = kX.v6, .dst = to.c_str()}, Udp{}, payload(32)));
  };
  // The second goes the same way, and arrives: then the first has been dealt with.
  if (!send(address) || !send(kA.v6)) return refuse(std::errc::io_error, "send at X");
  bool first = false;
  const auto second = at_a.wait_for([&](const Captured& c) {
    const auto to = ip_destination(c.frame);
    first |= to == address;
    return to == kA.v6;
  });
  BV_CHECK(t.lab().sysctl(a, "net.ipv6.conf.a.addr_gen_mode", "1"));
  BV_CHECK(t.lab().ip(a, "-6 address flush dev a scope link"));
  if (t.mode() == BV_MODE_L2)
    BV_CHECK(t.lab().ip(a, fmt::format("address add {}/64 dev a nodad", link_local_of(Place::A))));
  if (!second) return refuse(std::errc::timed_out, "nothing arrives at A");
  return Outcome{first ? "delivered" : "not delivered"};
}

}  // namespace

void add_socket_cases(ObjectCases& all, const Setting& setting) {
  const auto policy = setting.policy;
  for (const int family : {AF_INET, AF_INET6})
    if (policy == BV_POLICY_BRIDGE)
      all.push_back({"obj_mark",
                     family == AF_INET ? "A to B, IPv4" : "A to B, IPv6",
                     {"mark 0x0"},
                     {"mark 0x0"},
                     [family](const Topology& t) { return mark_from_a_to_b(t, family); }});
  if (setting.mode != BV_MODE_L3S)  // there the driver's deliveries are not captured
    all.push_back(
        {"obj_link_local", "A's, from X", {"delivered"}, {"not delivered"}, to_link_local_of_a});
  // A netkit pair tells of what its program drops.
  const char* told = device_under_test() == BV_DEVICE_NETKIT ? "ENOBUFS" : "sent";
  const auto drop_told = [&](const char* what, const std::string& address, const char* error,
                             const char* ours = "sent") {
    all.push_back({"xmit_drop_told", what, {error}, {ours}, [address](const Topology& t) {
                     return send_from_a(t, address);
                   }});
  };
  if (setting.mode == BV_MODE_L2) {
    if (policy == BV_POLICY_PRIVATE)
      all.push_back(
          {"xmit_drop_told", "IPv6 to a sibling", {"ENOBUFS"}, {told}, send_to_known_neighbour});
    return;
  }
  drop_told("IPv6 without a route by the parent", "2001:db8:7::7", "ENETUNREACH");
  drop_told("IPv4 to a broadcast route", "10.79.0.255", "ENOBUFS");
  if (policy == BV_POLICY_PRIVATE) drop_told("IPv6 to a sibling", kB.v6, "ENOBUFS", told);
}

}  // namespace bpfvlan::test
