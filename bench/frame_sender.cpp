// SPDX-License-Identifier: MIT
#include "frame_sender.hpp"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "bpfvlan/netns.hpp"

namespace bpfvlan::test {
namespace {

// An XDP program that says the same of each frame.
Result<UniqueFd> says(xdp_action action) {
  const bpf_insn insns[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = action},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  UniqueFd program(bpf_prog_load(BPF_PROG_TYPE_XDP, "bv_bench", "GPL", insns, 2, nullptr));
  if (!program) return fail(errno, "an XDP program of two instructions");
  return program;
}

Result<std::uint32_t> index_of(const std::string& ifname) {
  const auto ifindex = if_nametoindex(ifname.c_str());
  if (!ifindex) return fail(errno, fmt::format("interface '{}'", ifname));
  return ifindex;
}

}  // namespace

Result<FrameSender> FrameSender::open(const std::string& netns, const std::string& ifname) {
  BV_TRY(const auto ns, Netns::open(netns));
  BV_TRY(const auto inside, InNetns::enter(ns.fd()));
  BV_TRY(const auto ifindex, index_of(ifname));
  UniqueFd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(ifindex);
  const int on = 1;
  if (!fd || bind(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)) ||
      setsockopt(fd.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)))
    return fail(errno, "packet socket");
  return FrameSender(std::move(fd));
}

Result<unsigned> FrameSender::send(std::span<const Bytes> frames) const {
  std::array<mmsghdr, kFramesAtOnce> messages{};
  std::array<iovec, kFramesAtOnce> io{};
  for (std::size_t i = 0; i < frames.size(); ++i) {
    io[i] = {const_cast<std::uint8_t*>(frames[i].data()), frames[i].size()};
    messages[i].msg_hdr.msg_iov = &io[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  const int sent = sendmmsg(fd_.get(), messages.data(), static_cast<unsigned>(frames.size()), 0);
  if (sent < 0 && errno != ENOBUFS) return fail(errno, "send");  // ENOBUFS: the other end is full
  return static_cast<unsigned>(std::max(sent, 0));
}

Result<XdpSender> XdpSender::open(const std::string& netns, const std::string& ifname) {
  BV_TRY(const auto ns, Netns::open(netns));
  BV_TRY(const auto inside, InNetns::enter(ns.fd()));
  BV_TRY(const auto ifindex, index_of(ifname));
  BV_TRY(auto program, says(XDP_TX));
  UniqueFd own(fcntl(ns.fd(), F_DUPFD_CLOEXEC, 0));
  if (!own) return fail(errno, fmt::format("namespace '{}'", netns));
  return XdpSender(std::move(own), std::move(program), ifindex);
}

Result<> XdpSender::send(const Bytes& frame, std::uint32_t times) const {
  BV_TRY(const auto inside, InNetns::enter(netns_.get()));
  xdp_md context{};
  context.data_end = static_cast<std::uint32_t>(frame.size());
  context.ingress_ifindex = ifindex_;
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  options.data_in = frame.data();
  options.data_size_in = context.data_end;
  options.ctx_in = &context;
  options.ctx_size_in = sizeof(context);
  options.repeat = static_cast<int>(times);
  options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
  const int sent = bpf_prog_test_run_opts(program_.get(), &options);
  if (sent == -EINVAL) return unsupported("this kernel sends no XDP frames: Linux 5.18 does");
  if (sent) return fail(sent, "XDP frames");
  return {};
}

Result<XdpSink> XdpSink::open(const std::string& netns, const std::string& ifname) {
  BV_TRY(const auto ns, Netns::open(netns));
  BV_TRY(const auto inside, InNetns::enter(ns.fd()));
  BV_TRY(const auto ifindex, index_of(ifname));
  BV_TRY(const auto program, says(XDP_DROP));
  UniqueFd link(bpf_link_create(program.get(), static_cast<int>(ifindex), BPF_XDP, nullptr));
  if (!link) return fail(errno, fmt::format("XDP at '{}'", ifname));
  return XdpSink(std::move(link));
}

}  // namespace bpfvlan::test
