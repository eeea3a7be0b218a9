// SPDX-License-Identifier: MIT
// Which interfaces carried a flow, and which way.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "packet_socket.hpp"
#include "topology.hpp"

namespace bpfvlan::test {

// Flows are told apart by a number from this range, below the ports that the kernel gives out: the
// port of the server, or the id of the ICMP echo. Each is used once.
inline constexpr std::uint16_t kFirstNumber = 10000, kLastNumber = 32000;

// What paths tell that can be compared: in mode l3s nobody sees what the driver brings in at an
// endpoint's interface.
std::string as_seen(const std::string& path, Mode mode);

// Packet sockets on every interface that both engines have: not on our own host sides.
class Taps {
 public:
  explicit Taps(const Topology& topology);

  // What has come so far is sorted by flow.
  void collect();
  // A line for each interface that saw the flow: "P  in request/64, out reply/64", where 64 is the
  // time to live; in order, or each kind of packet once.
  std::string path(std::uint16_t number, bool in_order) const;

 private:
  struct Tap {
    std::string ifname;
    PacketSocket socket;
    std::map<std::uint16_t, std::vector<std::string>> seen;
  };
  std::vector<Tap> taps_;
};

}  // namespace bpfvlan::test
