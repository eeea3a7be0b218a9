// SPDX-License-Identifier: MIT
#include "flows/streams.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "lab/sockets.hpp"

namespace bpfvlan::test {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

constexpr Milliseconds kInterval{200};

}  // namespace

Result<std::unique_ptr<Streams>> Streams::start(std::span<const lab::Path> paths) {
  std::unique_ptr<Streams> s(new Streams);
  for (const auto& path : paths) {
    auto& stream = s->streams_.emplace_back();
    lab::Address to(path.address);
    stream.server = lab::server(path, SOCK_DGRAM, to, kInterval);
    stream.client = lab::asker(path, SOCK_DGRAM, 0, kInterval);
    if (!stream.server || connect(stream.client.get(), to.get(), to.length))
      return fail(errno, path.from + " to " + path.address);
  }
  s->thread_ = std::thread([s = s.get()] { s->run(); });
  return s;
}

Streams::~Streams() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

std::vector<bool> Streams::alive(const std::vector<bool>& hoped, Milliseconds silence,
                                 Milliseconds patience) const {
  const auto from = sent_.load();
  const auto begin = Clock::now();
  std::vector<bool> alive(streams_.size());
  for (;;) {
    bool all = true, all_hoped = true;
    for (std::size_t i = 0; i < alive.size(); ++i) {
      alive[i] = streams_[i].answered > from;
      all = all && alive[i];
      all_hoped = all_hoped && (alive[i] || !hoped[i]);
    }
    const auto waited = Clock::now() - begin;
    if (all || waited > patience || (all_hoped && waited > silence)) return alive;
    std::this_thread::sleep_for(Milliseconds(10));
  }
}

void Streams::run() {
  std::vector<pollfd> fds;
  for (const auto& stream : streams_)
    for (const auto* fd : {&stream.server, &stream.client}) fds.push_back({fd->get(), POLLIN, 0});
  auto next = Clock::now();
  while (!stop_) {
    if (Clock::now() >= next) {
      send_all(++sent_);
      next = Clock::now() + kInterval;
    }
    poll(fds.data(), fds.size(), 20);
    for (std::size_t i = 0; i < fds.size(); ++i)
      if (fds[i].revents) i % 2 ? take_answers(streams_[i / 2]) : echo(streams_[i / 2]);
  }
}

// That something cannot be sent now is part of what is looked at.
void Streams::send_all(Count number) {
  for (const auto& stream : streams_)
    (void)send(stream.client.get(), &number, sizeof(number), MSG_DONTWAIT);
}

void Streams::echo(const Stream& stream) {
  Count number = 0;
  sockaddr_storage from{};
  socklen_t length = sizeof(from);
  auto* address = reinterpret_cast<sockaddr*>(&from);
  while (recvfrom(stream.server.get(), &number, sizeof(number), MSG_DONTWAIT, address, &length) ==
         sizeof(number))
    (void)sendto(stream.server.get(), &number, sizeof(number), MSG_DONTWAIT, address, length);
}

void Streams::take_answers(Stream& stream) {
  Count number = 0;
  while (recv(stream.client.get(), &number, sizeof(number), MSG_DONTWAIT) == sizeof(number))
    stream.answered = number;
}

}  // namespace bpfvlan::test
