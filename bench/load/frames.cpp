// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <linux/if_link.h>
#include <net/if.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

#include "bpfvlan/netns.hpp"
#include "bpfvlan/test/frame.hpp"
#include "cpu.hpp"
#include "frame_sender.hpp"
#include "loads.hpp"

namespace bpfvlan::test {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr unsigned kCalls = 64;                             // between two looks at the clock
constexpr std::uint32_t kFirst = 1 << 16, kMost = 1 << 28;  // XDP frames of a call

// Frames that a device of this thread's namespace has received.
Result<std::uint64_t> received_by(const std::string& device) {
  std::ifstream file("/proc/thread-self/net/dev");
  for (std::string line; std::getline(file, line);) {
    const auto name = line.find_first_not_of(' '), colon = line.find(':');
    if (colon == std::string::npos || line.substr(name, colon - name) != device) continue;
    std::istringstream numbers(line.substr(colon + 1));
    std::uint64_t bytes = 0, packets = 0;
    if (numbers >> bytes >> packets) return packets;
  }
  return refuse(std::errc::no_such_device, fmt::format("no interface '{}'", device));
}

struct Sent {
  std::uint64_t frames = 0;
  Seconds time{};
};

Result<Sent> send_by_socket(const FrameSender& sender, const std::vector<Bytes>& frames,
                            Seconds time) {
  Sent sent;
  const auto start = Clock::now();
  for (; sent.time < time; sent.time = Clock::now() - start)
    for (unsigned i = 0; i < kCalls; ++i) {
      BV_TRY(const auto n, sender.send(frames));
      sent.frames += n;
    }
  return sent;
}

Result<Sent> send_by_xdp(const XdpSender& sender, const Bytes& frame, std::uint32_t times) {
  const auto start = Clock::now();
  BV_CHECK(sender.send(frame, times));
  return Sent{times, Clock::now() - start};
}

// Setting up and ending a call takes the kernel some hundredths of a second: a single call.
Result<std::uint32_t> frames_of(const XdpSender& sender, const Bytes& frame, Seconds time) {
  BV_TRY(const auto first, send_by_xdp(sender, frame, kFirst));
  return static_cast<std::uint32_t>(std::clamp(kFirst * (time / first.time), 1.0, double{kMost}));
}

}  // namespace

Result<nlohmann::json> send_frames(const FrameLoad& load) {
  const std::vector<Bytes> frames(
      kFramesAtOnce, frame(Ethernet{.dst = load.to_mac.c_str(), .src = load.from_mac.c_str()},
                           IPv4{.src = load.from.c_str(), .dst = load.to.c_str()}, Udp{},
                           payload(18)));  // 60 bytes, the shortest
  std::optional<FrameSender> by_socket;
  std::optional<XdpSender> by_xdp;
  if (load.by == By::Xdp) {
    BV_TRY(by_xdp, XdpSender::open(load.netns, load.device));
  } else {
    BV_TRY(by_socket, FrameSender::open(load.netns, load.device));
  }
  BV_TRY(const auto sink, XdpSink::open(load.netns, load.device));
  std::optional<XdpSink> other;
  if (!load.sink.empty()) {
    BV_TRY(other, XdpSink::open(load.sink, load.sink_device));
  }
  BV_TRY(const auto ns, Netns::open(load.netns));
  BV_TRY(const auto inside, InNetns::enter(ns.fd()));
  BV_CHECK(run_on(load.cpu));
  std::uint32_t times = 0;
  if (by_xdp) {
    BV_TRY(times, frames_of(*by_xdp, frames[0], load.time));
  }
  BV_TRY(const auto before, received_by(load.device));
  BV_TRY(const auto sent, by_xdp ? send_by_xdp(*by_xdp, frames[0], times)
                                 : send_by_socket(*by_socket, frames, load.time));
  BV_TRY(const auto after, received_by(load.device));
  const auto rate = [&](std::uint64_t number) {
    return std::llround(static_cast<double>(number) / sent.time.count());
  };
  return nlohmann::json{{"seconds", sent.time.count()},
                        {"sent_per_s", rate(sent.frames)},
                        {"back_per_s", rate(after - before)}};
}

}  // namespace bpfvlan::test
