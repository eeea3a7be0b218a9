// SPDX-License-Identifier: MIT
#include "frames/arena.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "bpfvlan/test/frame.hpp"
#include "frames/pools.hpp"
#include "lab/command.hpp"

namespace bpfvlan::test {
namespace {

// Every kind of frame that the judge sends, beside kUnknownTypes. A socket for one protocol sees
// what reaches the protocol's handlers, behind the driver or our programs.
constexpr std::array<std::uint16_t, 10> kProtocols{
    ETH_P_IP,    ETH_P_IPV6,   ETH_P_ARP,     ETH_P_PAUSE, ETH_P_LLDP,
    ETH_P_8021Q, ETH_P_8021AD, ETH_P_MPLS_UC, ETH_P_802_2, ETH_P_802_3};

constexpr std::uint32_t kSentinels = 0xf0000000;  // numbers from here on are no case's
constexpr unsigned kMtu = 9000;
constexpr std::size_t kRoom = 70000;  // for a frame

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

// IPv4: of the same identification and addresses.
bool is_fragment_of(const Bytes& frame, const Bytes& whole) {
  constexpr std::size_t kHeaders = 34;
  if (frame.size() < kHeaders || whole.size() < kHeaders) return false;
  const auto same = [&](std::ptrdiff_t from, std::ptrdiff_t to) {
    return std::equal(frame.begin() + from, frame.begin() + to, whole.begin() + from);
  };
  const bool fragment = ((frame[20] & 0x3f) | frame[21]) != 0;
  return fragment && frame[12] == 8 && frame[13] == 0 && same(12, 16) && same(18, 20) &&
         same(26, 34);
}

// A copy, changed or not, and nothing that some stack sent meanwhile: a neighbour's request, say.
// What was segmented keeps its ports.
bool is_copy(const Bytes& frame, const FrameCase& c) {
  constexpr std::size_t kSome = 4;
  const auto has = [&](auto at, auto in) { return std::equal(at, at + kSome, in); };
  if (is_fragment_of(frame, c.frame)) return true;
  if (c.offload.gso_type && frame.size() >= c.offload.csum_start + kSome)
    return has(c.frame.begin() + c.offload.csum_start, frame.begin() + c.offload.csum_start);
  return frame.size() >= kSome && has(c.frame.end() - kSome, frame.end() - kSome);
}

// What stacks send by themselves, sooner or later: requests for neighbours, group reports, errors.
bool is_a_stacks_own(const Bytes& frame) {
  const auto byte = [&](std::size_t at) { return at < frame.size() ? frame[at] : 0; };
  const unsigned type = static_cast<unsigned>(byte(12) << 8 | byte(13));
  const bool icmp = type == ETH_P_IP && (byte(23) == IPPROTO_ICMP || byte(23) == IPPROTO_IGMP);
  const bool icmp6 = type == ETH_P_IPV6 && (byte(20) == IPPROTO_ICMPV6 || byte(20) == 0);
  return type == ETH_P_ARP || icmp || icmp6;
}

}  // namespace

Result<std::unique_ptr<Arena>> Arena::make(EngineKind kind, const Setting& setting,
                                           std::span<const std::string> neighbours) {
  BV_TRY(auto topology, Topology::make(kind, setting, kMtu));
  std::unique_ptr<Arena> arena(new Arena(std::move(topology)));
  BV_CHECK(arena->quiet(neighbours));
  BV_CHECK(arena->open_sockets());
  return arena;
}

// What an interface receives is captured before this; nobody answers, learns or forwards.
Result<> Arena::quiet(std::span<const std::string> neighbours) {
  for (const auto place : {Place::X, Place::P, Place::A, Place::B}) {
    const auto netns = topology_->netns(place);
    const auto r = lab::run({"ip", "netns", "exec", netns, "nft", "-f", "-"},
                            "table inet quiet { chain in { type filter hook prerouting priority "
                            "raw; policy drop; }; }");
    if (r.status) return refuse(std::errc::io_error, "nft: " + r.err);
    BV_CHECK(topology_->lab().sysctl(netns, "net.ipv4.conf.all.arp_ignore", "8"));
  }
  std::string batch;
  for (const auto& address : neighbours)
    for (const auto& [ifname, mac] : {std::pair{"P", kMacX}, std::pair{"Q", kMacY}})
      batch +=
          fmt::format("neigh replace {} lladdr {} dev {} nud permanent\n", address, mac, ifname);
  const auto r = lab::run({"ip", "-force", "-n", topology_->netns(Place::P), "-batch", "-"}, batch);
  (void)r;  // some addresses cannot have a neighbour
  return {};
}

Result<> Arena::open_sockets() {
  epoll_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  for (const auto place : {Place::X, Place::P, Place::A, Place::B})
    BV_CHECK(add_capture(topology_->netns(place), ETH_P_ALL, false));
  for (const auto protocol : kProtocols)
    BV_CHECK(add_capture(topology_->netns(Place::P), protocol, true));
  for (const auto protocol : kUnknownTypes)
    BV_CHECK(add_capture(topology_->netns(Place::P), protocol, true));
  for (const auto place : kPlaces) {
    BV_TRY(auto fd, packet_socket(topology_->netns(place), 0, interface_of(place)));
    sockaddr_ll bound{};
    socklen_t size = sizeof(bound);
    getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size);
    senders_[place] = {std::move(fd), bound.sll_ifindex};
  }
  return {};
}

Result<> Arena::add_capture(const std::string& netns, std::uint16_t protocol, bool stack) {
  BV_TRY(auto fd, packet_socket(netns, protocol, ""));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = captures_.size();
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event)) return fail(errno, "epoll");
  captures_.push_back({std::move(fd), netns, stack});
  return {};
}

Result<> Arena::send(const FrameCase& c) const {
  auto header = c.offload;
  // The headers lie together, as those of the stack's own packets do.
  if (!header.header_len)
    header.header_len = static_cast<std::uint16_t>(std::min<std::size_t>(c.frame.size(), 256));
  iovec parts[] = {{&header, sizeof(header)},
                   {const_cast<std::uint8_t*>(c.frame.data()), c.frame.size()}};
  // Before 6.2 an ipvlan does not read the protocol from the frame.
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = senders_.at(c.at).ifindex;
  if (c.frame.size() >= ETH_HLEN) std::memcpy(&to.sll_protocol, &c.frame[12], 2);
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = sizeof(to);
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  if (sendmsg(senders_.at(c.at).fd.get(), &message, 0) < 0)
    return fail(errno, fmt::format("send {} bytes at {}", c.frame.size(), to_string(c.at)));
  return {};
}

// The driver tells a sender that its frame was dropped; and what is to be segmented is refused if
// its headers lie, by the socket (EINVAL) or the device (ENOMEM). Any other refusal would be a
// frame that was never there.
Result<> Arena::send_case(const FrameCase& c) const {
  const bool endpoint = c.at == Place::A || c.at == Place::B || c.at == Place::H;
  const auto sent = send(c);
  if (sent) return {};
  const auto code = sent.error().code;
  const bool no_memory = code == std::errc::not_enough_memory;
  if (c.offload.flags && (no_memory || code == std::errc::invalid_argument)) return {};
  if (endpoint && topology_->kind() == EngineKind::Ipvlan && !no_memory &&
      code != std::errc::message_size)
    return {};
  return tl::unexpected(sent.error());
}

Result<std::vector<Observation>> Arena::inject(std::span<const FrameCase> cases,
                                               std::span<const std::uint32_t> numbers) {
  for (const auto& c : cases) BV_CHECK(send_case(c));
  std::vector<Seen> seen;
  BV_CHECK(settle(seen));
  std::vector<Observation> out(cases.size());
  const auto add = [&](std::size_t i, Seen& s) {
    // What the sender's own interface shows of it: the driver changes the frame under the capture.
    if (s.type == PACKET_OUTGOING && s.where == interface_of(cases[i].at)) return;
    out[i].push_back(std::move(s));
  };
  for (auto& s : seen) {
    const auto number = marker_of(s.frame);
    if (number && *number >= kSentinels) continue;
    const auto at = number ? std::find(numbers.begin(), numbers.end(), *number) : numbers.end();
    if (cases.size() == 1 && is_copy(s.frame, cases[0]))
      add(0, s);
    else if (cases.size() > 1 && at != numbers.end())
      add(static_cast<std::size_t>(at - numbers.begin()), s);
    else if (!is_a_stacks_own(s.frame))
      return refuse(std::errc::protocol_error,
                    fmt::format("{}: a frame that nobody sent, at {}:\n{}",
                                to_string(topology_->kind()), s.where, to_text(s.frame)));
  }
  for (auto& observation : out) std::sort(observation.begin(), observation.end());
  return out;
}

// Packets wait for each other in one queue per CPU, and this thread stays on one CPU: when a frame
// sent last has gone its long way, from A over the wire, those before it have gone theirs.
Result<> Arena::settle(std::vector<Seen>& seen) {
  const auto number = kSentinels + sentinel_++ % 0x0f000000;
  Bytes f = frame(Ethernet{.dst = kMacX, .src = kMacP}, IPv4{.src = kA.v4, .dst = kX.v4}, Udp{},
                  payload(kMarkerSize));
  mark(f, number);
  BV_CHECK(send({Place::A, std::move(f), {}}));
  const auto deadline = std::chrono::steady_clock::now() + patience();
  for (;;) {
    std::array<epoll_event, 32> events{};
    const auto from = seen.size();
    const int n = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < n; ++i)
      BV_CHECK(receive(captures_[events[static_cast<std::size_t>(i)].data.u64], seen));
    for (auto i = from; i < seen.size(); ++i)
      if (seen[i].where == "X" && marker_of(seen[i].frame) == number) {
        for (const auto& socket : captures_) BV_CHECK(receive(socket, seen));
        return {};
      }
    if (std::chrono::steady_clock::now() > deadline)
      return refuse(std::errc::timed_out, fmt::format("{}: a frame from A did not reach X",
                                                      to_string(topology_->kind())));
  }
}

Result<> Arena::receive(const Socket& socket, std::vector<Seen>& seen) {
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
    s.frame.assign(data.begin(), data.begin() + (n - static_cast<ssize_t>(sizeof(header))));
    for (auto* m = CMSG_FIRSTHDR(&message); m; m = CMSG_NXTHDR(&message, m)) {
      if (m->cmsg_level != SOL_PACKET || m->cmsg_type != PACKET_AUXDATA) continue;
      tpacket_auxdata aux{};
      std::memcpy(&aux, CMSG_DATA(m), sizeof(aux));
      const bool tpid = aux.tp_status & TP_STATUS_VLAN_TPID_VALID;
      if (aux.tp_status & TP_STATUS_VLAN_VALID)
        s.tag = Tag{.tpid = tpid ? aux.tp_vlan_tpid : std::uint16_t{0}, .tci = aux.tp_vlan_tci};
    }
    seen.push_back(std::move(s));
  }
}

Result<> Arena::check_losses() const {
  for (const auto& socket : captures_) {
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
std::string Arena::name_of(const Socket& socket, int ifindex) {
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
