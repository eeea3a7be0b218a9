// SPDX-License-Identifier: MIT
// A topology in mode l3s whose stacks are silent: frames go in at X or A, and what comes out at the
// other one is seen, as are the connections and the rules' counters.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bpfvlan/conntrack.hpp"
#include "frames/frame_sender.hpp"
#include "packet_socket.hpp"
#include "stack_log.hpp"
#include "stateful/entry.hpp"
#include "topology.hpp"

namespace bpfvlan::test {

struct Arrival {
  Place at = Place::X;  // the wire there, or A's stack
  Bytes packet{};       // from the IP header on
  auto operator<=>(const Arrival&) const = default;
};

class Site {
 public:
  static Result<std::unique_ptr<Site>> make(EngineKind kind, const Setting& setting);

  EngineKind kind() const { return topology_->kind(); }
  Topology& topology() { return *topology_; }

  // What arrives anywhere because of it, in order of places.
  Result<std::vector<Arrival>> send(Place from, const Bytes& frame);

  // The filter table of one family; the other's is not played then.
  Result<> restore(int family, const std::string& table);
  Result<RuleChains> rules(int family);
  Result<> set(const std::string& name, const std::string& value) const;
  Result<std::string> value_of(const std::string& name) const;
  Result<> mute(bool on) const;  // A's stack
  Result<std::vector<Entry>> connections() const;
  Result<> flush_connections() const;

 private:
  explicit Site(std::unique_ptr<Topology> topology);
  Result<> quiet();
  Result<> settle(std::vector<Arrival>& arrivals);
  Result<> pass_on(const PacketSocket& from, const PacketSocket& to, bool to_x,
                   std::vector<Arrival>& arrivals);

  std::unique_ptr<Topology> topology_;
  PacketSocket x_, p_;
  std::map<Place, FrameSender> senders_;  // at X and A
  std::vector<StackLog> logs_;
  std::optional<Conntrack> ours_;
  std::uint32_t sentinel_ = 0;
};

}  // namespace bpfvlan::test
