// SPDX-License-Identifier: MIT
#include "stack_log.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <sys/socket.h>

#include <cerrno>

#include "bpfvlan/netns.hpp"
#include "lab/command.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::uint16_t kGroup = 7;  // of the kernel's log
constexpr int kRoom = 64 << 20;

// Whole packets, each at once.
Result<> configure(nl_sock* socket) {
  const std::unique_ptr<nl_msg, void (*)(nl_msg*)> message(
      nlmsg_alloc_simple(NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, NLM_F_REQUEST | NLM_F_ACK),
      nlmsg_free);
  nfgenmsg header{};
  header.version = NFNETLINK_V0;
  header.res_id = htons(kGroup);
  nfulnl_msg_config_cmd bind{};
  bind.command = NFULNL_CFG_CMD_BIND;
  nfulnl_msg_config_mode mode{};
  mode.copy_range = htonl(0xffff);
  mode.copy_mode = NFULNL_COPY_PACKET;
  auto* m = message.get();
  nlmsg_append(m, &header, sizeof(header), NLMSG_ALIGNTO);
  nla_put(m, NFULA_CFG_CMD, sizeof(bind), &bind);
  nla_put(m, NFULA_CFG_MODE, sizeof(mode), &mode);
  nla_put_u32(m, NFULA_CFG_QTHRESH, htonl(1));
  if (const int sent = nl_send_auto(socket, m); sent < 0)
    return refuse(std::errc::io_error, fmt::format("nflog: {}", nl_geterror(sent)));
  if (const int err = nl_wait_for_ack(socket); err < 0)
    return refuse(std::errc::io_error, fmt::format("nflog: {}", nl_geterror(err)));
  return {};
}

}  // namespace

Result<StackLog> StackLog::open(const std::string& netns, Then then) {
  const auto rules = fmt::format(
      "table inet stack_log {{ chain in {{ type filter hook input priority 300;\n"
      "log group {} queue-threshold 1{}\n}}; }}",
      kGroup, then == Then::Drop ? " drop" : "");
  const auto r = lab::run({"ip", "netns", "exec", netns, "nft", "-f", "-"}, rules);
  if (r.status) return refuse(std::errc::io_error, "nft: " + r.err);
  BV_TRY(const auto ns, Netns::open(netns));
  BV_TRY(const auto in, InNetns::enter(ns.fd()));
  Socket socket(nl_socket_alloc(), nl_socket_free);
  if (!socket || nl_connect(socket.get(), NETLINK_NETFILTER)) return fail(EIO, "netlink");
  setsockopt(nl_socket_get_fd(socket.get()), SOL_SOCKET, SO_RCVBUFFORCE, &kRoom, sizeof(kRoom));
  BV_CHECK(configure(socket.get()));
  return StackLog(std::move(socket));
}

int StackLog::fd() const {
  return nl_socket_get_fd(socket_.get());
}

Result<> StackLog::receive(std::vector<Bytes>& packets) const {
  static std::vector<std::uint8_t> data(1 << 17);
  for (;;) {
    const auto n = recv(fd(), data.data(), data.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return {};
    if (n < 0) return fail(errno, "receive from nflog");
    auto left = static_cast<int>(n);
    for (auto* m = reinterpret_cast<nlmsghdr*>(data.data()); nlmsg_ok(m, left);
         m = nlmsg_next(m, &left)) {
      if (m->nlmsg_type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET)) continue;
      auto* payload = nlmsg_find_attr(m, sizeof(nfgenmsg), NFULA_PAYLOAD);
      if (!payload) continue;
      const auto* from = static_cast<const std::uint8_t*>(nla_data(payload));
      packets.emplace_back(from, from + nla_len(payload));
    }
  }
}

}  // namespace bpfvlan::test
