// SPDX-License-Identifier: MIT
#include "flow.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

#include <cstring>

#include "lab/sockets.hpp"

namespace bpfvlan::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kDatagrams = 32, kPieces = 4;  // of a batch
constexpr std::size_t kPiece = 64 << 10;
constexpr int kBuffer = 4 << 20;  // a piece never waits for room

Result<> connect_to(const UniqueFd& fd, lab::Address& to) {
  if (TEMP_FAILURE_RETRY(connect(fd.get(), to.get(), to.length))) return fail(errno, "connect");
  return {};
}

}  // namespace

std::string to_string(Traffic traffic) {
  return traffic == Traffic::Datagrams ? "UDP" : "TCP, 64 KiB";
}

Result<Flow> Flow::open(const Place& from, const Place& to, int family, Traffic traffic) {
  const lab::Path path{from.netns, to.netns, to.addr.of(family), from.addr.of(family)};
  Flow flow(traffic);
  BV_CHECK(traffic == Traffic::Datagrams ? flow.connect_datagrams(path)
                                         : flow.connect_stream(path));
  return flow;
}

Result<> Flow::connect_datagrams(const lab::Path& path) {
  lab::Address to(path.address), from(path.source);
  receiver_ = lab::server(path, SOCK_DGRAM, to, patience());
  sender_ = lab::asker(path, SOCK_DGRAM, 0, patience());
  if (!receiver_ || !sender_) return fail(errno, "UDP sockets");
  BV_CHECK(connect_to(sender_, to));
  getsockname(sender_.get(), from.get(), &from.length);
  BV_CHECK(connect_to(receiver_, from));
  // One the other way: to connection tracking the flow is then an established one.
  char byte = 0;
  if (send(receiver_.get(), &byte, 1, 0) != 1 || recv(sender_.get(), &byte, 1, 0) != 1)
    return fail(errno, "the first datagram");
  return {};
}

Result<> Flow::connect_stream(const lab::Path& path) {
  lab::Address to(path.address);
  const auto listener = lab::server(path, SOCK_STREAM, to, patience());
  sender_ = lab::asker(path, SOCK_STREAM, 0, patience());
  if (!listener || !sender_) return fail(errno, "TCP sockets");
  // Accepted sockets have the listener's.
  setsockopt(listener.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof(kBuffer));
  setsockopt(sender_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kBuffer, sizeof(kBuffer));
  BV_CHECK(connect_to(sender_, to));
  receiver_ = UniqueFd(static_cast<int>(
      TEMP_FAILURE_RETRY(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC))));
  if (!receiver_) return fail(errno, "accept");
  piece_.resize(kPiece);
  return {};
}

Result<> Flow::datagrams() {
  std::array<std::uint64_t, 4> data{};
  for (unsigned i = 0; i < kDatagrams; ++i) {
    data[0] = sent_++;
    if (send(sender_.get(), data.data(), sizeof(data), 0) != sizeof(data))
      return fail(errno, "send");
  }
  for (unsigned i = 0; i < kDatagrams; ++i) {
    if (recv(receiver_.get(), data.data(), sizeof(data), 0) != sizeof(data))
      return fail(errno, fmt::format("datagram {} of {} sent", received_, sent_));
    if (data[0] != received_++)
      return refuse(std::errc::io_error,
                    fmt::format("datagram {} came in place of {}", data[0], received_ - 1));
  }
  return {};
}

Result<> Flow::stream() {
  for (unsigned i = 0; i < kPieces; ++i) {
    if (send(sender_.get(), piece_.data(), kPiece, MSG_NOSIGNAL) != static_cast<ssize_t>(kPiece))
      return fail(errno, "send");
    for (std::size_t done = 0; done < kPiece;) {
      const auto n = recv(receiver_.get(), piece_.data(), kPiece - done, 0);
      if (n <= 0) return fail(n ? errno : ECONNRESET, fmt::format("{} of {}", done, kPiece));
      done += static_cast<std::size_t>(n);
    }
  }
  return {};
}

Result<double> Flow::batch() {
  const bool small = traffic_ == Traffic::Datagrams;
  const auto start = Clock::now();
  BV_CHECK(small ? datagrams() : stream());
  const std::chrono::duration<double, std::nano> time = Clock::now() - start;
  return time.count() / (small ? kDatagrams : kPieces);
}

Result<> Flow::at_rest() const {
  char byte = 0;
  if (recv(receiver_.get(), &byte, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN)
    return refuse(std::errc::io_error, "more arrived than was sent");
  return {};
}

}  // namespace bpfvlan::test
