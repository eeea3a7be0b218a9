// SPDX-License-Identifier: MIT
// Whole frames, in and out of an interface: what a capture sees.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bpfvlan/test/address.hpp"
#include "bpfvlan/unique_fd.hpp"

namespace bpfvlan::test {

struct Captured {
  Bytes frame;
  int packet_type = 0;               // PACKET_HOST, PACKET_OUTGOING, …
  std::optional<std::uint16_t> tci;  // of a VLAN tag that the stack took off
};

class PacketSocket {
 public:
  PacketSocket(const std::string& netns, const std::string& ifname);

  bool send(const Bytes& frame) const;
  // The next frame that `wanted` takes, or nothing for as long as patience() or silence() lasts.
  std::optional<Captured> wait_for(const std::function<bool(const Captured&)>& wanted) const;
  // What has come so far.
  std::vector<Captured> drain() const;

 private:
  std::optional<Captured> receive(int milliseconds) const;
  UniqueFd fd_;
};

// As text; empty if the frame is neither IPv4 nor IPv6.
std::string ip_source(const Bytes& frame);
std::string ip_destination(const Bytes& frame);

Bytes mac_of(const std::string& netns, const std::string& ifname);

}  // namespace bpfvlan::test
