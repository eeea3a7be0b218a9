// SPDX-License-Identifier: MIT
#include "frames/frame_sender.hpp"

#include <fmt/core.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "frames/captures.hpp"

namespace bpfvlan::test {

Result<FrameSender> FrameSender::open(const std::string& netns, std::string_view ifname) {
  BV_TRY(auto fd, packet_socket(netns, 0, ifname));
  sockaddr_ll bound{};
  socklen_t size = sizeof(bound);
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  return FrameSender(std::move(fd), bound.sll_ifindex);
}

Result<> FrameSender::send(const Bytes& frame, const Offload& offload) const {
  auto header = offload;
  // The headers lie together, as those of the stack's own packets do.
  if (!header.header_len)
    header.header_len = static_cast<std::uint16_t>(std::min<std::size_t>(frame.size(), 256));
  iovec parts[] = {{&header, sizeof(header)},
                   {const_cast<std::uint8_t*>(frame.data()), frame.size()}};
  // Before 6.2 an ipvlan does not read the protocol from the frame.
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = ifindex_;
  if (frame.size() >= ETH_HLEN) std::memcpy(&to.sll_protocol, &frame[12], 2);
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = sizeof(to);
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  if (sendmsg(fd_.get(), &message, 0) < 0)
    return fail(errno, fmt::format("send {} bytes", frame.size()));
  return {};
}

}  // namespace bpfvlan::test
