// SPDX-License-Identifier: MIT
#include "tcp_transfer.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <span>

#include "lab/sockets.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

using Word = std::uint64_t;
constexpr std::size_t kChunk = 1024;  // words
constexpr auto kPause = 2ms;          // a transfer that leaves the processor to others

// How long the sockets wait. Retransmissions are twice as far apart each time: after a stop they
// come again within twice the time that it took.
Milliseconds endurance() {
  return 5 * patience();
}

// Knuth's multiplicative hash: no two words of a stream are alike.
Word word_at(std::uint64_t seed, std::uint64_t place) {
  return (place * 2 + seed) * 0x9e3779b97f4a7c15U;
}

}  // namespace

Result<std::unique_ptr<TcpTransfer>> TcpTransfer::start(const lab::Path& path) {
  lab::Address to(path.address, path.number);
  const auto listener = lab::server(path, SOCK_STREAM, to, endurance());
  auto client = lab::asker(path, SOCK_STREAM, 0, endurance());
  if (!listener || !client) return fail(errno, "the sockets of a transfer");
  if (TEMP_FAILURE_RETRY(connect(client.get(), to.get(), to.length))) return fail(errno, "connect");
  UniqueFd server(static_cast<int>(
      TEMP_FAILURE_RETRY(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC))));
  if (!server) return fail(errno, "accept");
  return std::unique_ptr<TcpTransfer>(new TcpTransfer(std::move(client), std::move(server)));
}

TcpTransfer::TcpTransfer(UniqueFd client, UniqueFd server)
    : client_(std::move(client)), server_(std::move(server)) {
  threads_[0] = std::thread([this] { send(client_, there_); });
  threads_[1] = std::thread([this] { receive(server_, there_); });
  threads_[2] = std::thread([this] { send(server_, back_); });
  threads_[3] = std::thread([this] { receive(client_, back_); });
}

TcpTransfer::~TcpTransfer() {
  for (const auto* fd : {&client_, &server_}) shutdown(fd->get(), SHUT_RDWR);
  finish();
}

bool TcpTransfer::goes_on() const {
  const auto there = there_.received.load(), back = back_.received.load();
  return eventually([&] { return there_.received > there && back_.received > back; }, endurance());
}

bool TcpTransfer::stands_still() const {
  const auto total = [&] { return there_.received + back_.received; };
  return eventually([&] {
    const auto before = total();
    std::this_thread::sleep_for(silence());
    return total() == before;
  });
}

bool TcpTransfer::finish() {
  ending_ = true;
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
  return there_.whole && back_.whole;
}

void TcpTransfer::send(const UniqueFd& fd, Flow& flow) const {
  std::array<Word, kChunk> words{};
  while (!ending_) {
    for (std::size_t i = 0; i < kChunk; ++i)
      words[i] = word_at(flow.seed, flow.sent / sizeof(Word) + i);
    for (std::span<const std::byte> left = std::as_bytes(std::span(words)); !left.empty();) {
      const auto n = TEMP_FAILURE_RETRY(::send(fd.get(), left.data(), left.size(), MSG_NOSIGNAL));
      if (n <= 0) return;
      left = left.subspan(static_cast<std::size_t>(n));
      flow.sent += static_cast<std::uint64_t>(n);
    }
    std::this_thread::sleep_for(kPause);
  }
  shutdown(fd.get(), SHUT_WR);
}

void TcpTransfer::receive(const UniqueFd& fd, Flow& flow) {
  std::array<Word, kChunk> words{};
  std::size_t have = 0;  // bytes of `words`
  for (std::uint64_t place = 0;;) {
    const auto room = std::as_writable_bytes(std::span(words)).subspan(have);
    const auto n = TEMP_FAILURE_RETRY(recv(fd.get(), room.data(), room.size(), 0));
    if (n < 0) return;
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
    flow.received += static_cast<std::uint64_t>(n);
    std::size_t whole = 0;
    for (; (whole + 1) * sizeof(Word) <= have; ++whole)
      if (words[whole] != word_at(flow.seed, place++)) return;
    have -= whole * sizeof(Word);
    words[0] = words[whole % kChunk];  // the beginning of a word
  }
  flow.whole = flow.received == flow.sent;
}

}  // namespace bpfvlan::test
