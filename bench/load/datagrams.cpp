// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <optional>
#include <thread>

#include "bpfvlan/unique_fd.hpp"
#include "cpu.hpp"
#include "lab/sockets.hpp"
#include "loads.hpp"
#include "times.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::chrono::milliseconds kPatience{10'000};
constexpr unsigned kAtOnce = 32;
constexpr std::size_t kBytes = 64;
constexpr int kBuffer = 4 << 20;

// Room for a batch of datagrams.
class Batch {
 public:
  Batch() {
    for (unsigned i = 0; i < kAtOnce; ++i) {
      io_[i] = {data_[i].data(), kBytes};
      messages_[i].msg_hdr.msg_iov = &io_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  int send(const UniqueFd& fd) { return sendmmsg(fd.get(), messages_.data(), kAtOnce, 0); }
  // A socket that is shut down gives empty datagrams without end: none.
  unsigned take(const UniqueFd& fd) {
    const int n = recvmmsg(fd.get(), messages_.data(), kAtOnce, MSG_WAITFORONE, nullptr);
    return n > 0 && messages_[static_cast<unsigned>(n) - 1].msg_len ? static_cast<unsigned>(n) : 0;
  }

 private:
  std::array<std::array<char, kBytes>, kAtOnce> data_{};
  std::array<iovec, kAtOnce> io_{};
  std::array<mmsghdr, kAtOnce> messages_{};
};

// Those that found no room in the socket.
std::uint64_t refused(const UniqueFd& fd) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t length = sizeof(info);
  getsockopt(fd.get(), SOL_SOCKET, SO_MEMINFO, info.data(), &length);
  return info[SK_MEMINFO_DROPS];
}

// Takes until the socket is shut down.
class Receiver {
 public:
  Receiver(const UniqueFd& fd, int cpu) : fd_(fd), thread_([this, cpu] { run(cpu); }) {}
  ~Receiver() {
    shutdown(fd_.get(), SHUT_RD);
    thread_.join();
  }
  std::uint64_t taken() const { return taken_; }

 private:
  void run(int cpu) {
    if (!run_on(cpu)) return;
    Batch batch;
    while (const auto n = batch.take(fd_)) taken_ += n;
  }

  const UniqueFd& fd_;
  std::atomic<std::uint64_t> taken_{0};
  std::thread thread_;
};

}  // namespace

Result<nlohmann::json> send_datagrams(const Load& load) {
  lab::Address to(load.path.address), from(load.path.source);
  const auto receiver = lab::server(load.path, SOCK_DGRAM, to, kPatience);
  const auto sender = lab::asker(load.path, SOCK_DGRAM, 0, kPatience);
  if (!receiver || !sender || connect(sender.get(), to.get(), to.length))
    return fail(errno, "UDP sockets");
  setsockopt(receiver.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof(kBuffer));

  BV_CHECK(run_on(load.client_cpu));
  Batch batch;
  std::uint64_t sent = 0, taken = 0;
  std::optional<Times> times;
  {
    const Receiver receiving(receiver, load.server_cpu);
    for (times.emplace(); times->all() < load.time; times->lap()) {
      const int n = batch.send(sender);
      if (n < 0 && errno != ENOBUFS) return fail(errno, "send");
      sent += static_cast<unsigned>(std::max(n, 0));
    }
    // What is under way still: until all are accounted for, or none comes any more.
    const auto seen = [&] { return receiving.taken() + refused(receiver); };
    for (auto before = seen(), until = before; before < sent; before = until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      until = seen();
      if (until == before) break;
    }
    taken = receiving.taken();
  }
  const auto no_room = refused(receiver);
  const auto arrived = taken + no_room;
  if (arrived == 0 || arrived > sent)
    return refuse(std::errc::io_error, fmt::format("{} of {} datagrams arrived", arrived, sent));
  return nlohmann::json{
      {"per_s", std::llround(static_cast<double>(arrived) / times->all().count())},
      {"p50_us", times->microseconds(0.5) / kAtOnce},
      {"taken", taken},
      {"no_room", no_room},
      {"lost", sent - arrived},
  };
}

}  // namespace bpfvlan::test
