// SPDX-License-Identifier: MIT
// One flow between two places, tried with real sockets while the interfaces are watched.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "flows/taps.hpp"
#include "stage.hpp"
#include "topology.hpp"

namespace bpfvlan::test {

enum class Probe { Tcp, Udp, Icmp, UdpError };

struct Flow {
  std::string row;
  Place from, to;
  int family;
  Probe probe;
  int ttl = 0;  // of what is sent; 0: the usual one
  // Instead of the address of `to`. A "*" at its end stands for one that no flow has had before, as
  // the kernel remembers what it learned about a destination.
  std::string address = {};
  std::size_t bytes = 0;  // 0: as many as the probe usually sends
};
std::string to_string(const Flow& flow);  // "A -> X icmp ipv4"

// One engine's network and what is heard in it.
class Watched {
 public:
  explicit Watched(const Topology& topology) : topology_(topology), taps_(topology) {}

  // All at the same time. Of each: its outcome and its path. `silence`: when a missing answer is
  // believed to be none.
  std::vector<std::string> attempt(std::span<const Flow> flows, Milliseconds silence);

 private:
  lab::Path path_of(const Flow& flow);
  static std::string address_in(const Flow& flow, std::uint16_t number);
  static std::string outcome(const Flow& flow, const lab::Path& path, Milliseconds silence);

  const Topology& topology_;
  Taps taps_;
  std::uint16_t next_number_ = kFirstNumber;
};

}  // namespace bpfvlan::test
