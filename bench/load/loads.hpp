// SPDX-License-Identifier: MIT
// The kinds of traffic that bv_bench_load makes. Each ends by its time, and what did not arrive is
// an error or a number of the result.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "bpfvlan/result.hpp"
#include "lab/probe.hpp"

namespace bpfvlan::test {

struct Load {
  lab::Path path;
  std::chrono::duration<double> time{1};
  int client_cpu = -1, server_cpu = -1;
};

// One byte there and one back over one TCP connection: microseconds, median and 99th percentile.
Result<nlohmann::json> ask(const Load& load);

// TCP connections made, accepted and closed, one after another: a second, and the median's time.
Result<nlohmann::json> connect_and_close(const Load& load);

// TCP, written in pieces of 64 KiB and read again by the client's thread: what a piece takes, by
// the median of batches.
Result<nlohmann::json> send_pieces(const Load& load);

// UDP datagrams of 64 bytes of one flow: how many reach the receiving socket in a second, whether
// it has room or not; and what one takes its sender, by the median of batches.
Result<nlohmann::json> send_datagrams(const Load& load);

enum class By { PacketSocket, Xdp };

struct FrameLoad {
  std::string netns, device;  // where frames are sent
  By by = By::PacketSocket;
  std::string to_mac, from_mac, to = "192.0.2.1", from;  // addresses, of IPv4
  std::string sink = {}, sink_device = {};               // also drops all that arrives
  std::chrono::duration<double> time{1};
  int cpu = -1;
};

// UDP frames that are all alike; how many of them came back to the device, which drops them.
Result<nlohmann::json> send_frames(const FrameLoad& load);

}  // namespace bpfvlan::test
