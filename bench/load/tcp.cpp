// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <optional>
#include <thread>

#include "bpfvlan/netns.hpp"
#include "bpfvlan/unique_fd.hpp"
#include "cpu.hpp"
#include "lab/sockets.hpp"
#include "loads.hpp"
#include "times.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::chrono::milliseconds kPatience{10'000};

// A listening socket that ends whoever waits for it when it goes.
struct Server {
  UniqueFd listener;
  std::thread thread;

  ~Server() {
    shutdown(listener.get(), SHUT_RDWR);
    if (thread.joinable()) thread.join();
  }
};

Result<UniqueFd> connected(lab::Address& to, const lab::Path& path) {
  UniqueFd fd(socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{kPatience.count() / 1000, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  if (!fd || TEMP_FAILURE_RETRY(connect(fd.get(), to.get(), to.length)))
    return fail(errno, fmt::format("connect from {} to {}", path.from, path.address));
  return fd;
}

UniqueFd next_of(const UniqueFd& listener) {
  return UniqueFd(static_cast<int>(
      TEMP_FAILURE_RETRY(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC))));
}

void at_once(const UniqueFd& fd) {
  const int on = 1;
  setsockopt(fd.get(), SOL_TCP, TCP_NODELAY, &on, sizeof(on));
}

// Each answer takes one question; the connection's end ends it.
void answer(const UniqueFd& listener, int cpu) {
  if (!run_on(cpu)) return;
  const auto peer = next_of(listener);
  at_once(peer);
  char byte = 0;
  while (recv(peer.get(), &byte, 1, 0) == 1 && send(peer.get(), &byte, 1, MSG_NOSIGNAL) == 1) {
  }
}

void accept_and_close(const UniqueFd& listener, int cpu, std::atomic<std::uint64_t>& accepted) {
  if (!run_on(cpu)) return;
  while (next_of(listener)) ++accepted;
}

}  // namespace

Result<nlohmann::json> ask(const Load& load) {
  BV_TRY(const auto ns, Netns::open(load.path.from));
  lab::Address to(load.path.address);
  Server server{lab::server(load.path, SOCK_STREAM, to, kPatience), {}};
  if (!server.listener) return fail(errno, "listen");
  server.thread = std::thread([&] { answer(server.listener, load.server_cpu); });
  BV_CHECK(run_on(load.client_cpu));
  BV_TRY(const auto inside, InNetns::enter(ns.fd()));
  BV_TRY(const auto fd, connected(to, load.path));
  at_once(fd);
  Times times;
  for (char byte = 0; times.all() < load.time; times.lap())
    if (send(fd.get(), &byte, 1, MSG_NOSIGNAL) != 1 || recv(fd.get(), &byte, 1, 0) != 1)
      return fail(errno, fmt::format("answer {}", times.count() + 1));
  return nlohmann::json{{"p50_us", times.microseconds(0.5)},
                        {"p99_us", times.microseconds(0.99)},
                        {"answers", times.count()}};
}

Result<nlohmann::json> connect_and_close(const Load& load) {
  BV_TRY(const auto ns, Netns::open(load.path.from));
  lab::Address to(load.path.address);
  std::atomic<std::uint64_t> accepted{0};
  std::optional<Times> times;
  {
    Server server{lab::server(load.path, SOCK_STREAM, to, kPatience), {}};
    if (!server.listener) return fail(errno, "listen");
    server.thread =
        std::thread([&] { accept_and_close(server.listener, load.server_cpu, accepted); });
    BV_CHECK(run_on(load.client_cpu));
    BV_TRY(const auto inside, InNetns::enter(ns.fd()));
    for (times.emplace(); times->all() < load.time; times->lap()) {
      BV_TRY(const auto fd, connected(to, load.path));
      char byte = 0;
      if (recv(fd.get(), &byte, 1, 0) != 0) return fail(errno, "the other side's close");
    }
  }
  const auto made = times->count();
  if (accepted != made)
    return refuse(std::errc::io_error,
                  fmt::format("{} connections made, {} accepted", made, accepted.load()));
  return nlohmann::json{
      {"per_s", std::llround(static_cast<double>(made) / times->all().count())},
      {"p50_us", times->microseconds(0.5)},
  };
}

}  // namespace bpfvlan::test
