// SPDX-License-Identifier: MIT
// What the end-to-end benchmarks play on: X on the wire, the parent P, and A and B behind it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engine.hpp"
#include "stage.hpp"

namespace bpfvlan::test {

struct Peer {
  std::string name;
  std::optional<EngineKind> engine;   // none: a plain veth pair, where A's address is P's own
  bv_device device = BV_DEVICE_VETH;  // of our endpoints
};

struct Place {
  std::string netns;
  Addr addr;
};

// Made anew for each turn of a peer and gone behind it: what one has switched on in the kernel
// (hooks, connection tracking) is none of another's cost.
class Network {
 public:
  static Result<std::unique_ptr<Network>> make(const Peer& peer, Mode mode);

  Engine& engine() { return *engine_; }
  Place x() const { return {"x", kX}; }
  Place a() const;
  Place b() const { return {"b", mode_ == BV_MODE_L2 ? kB2 : kB}; }  // with endpoints alone

 private:
  Network(Peer peer, Mode mode) : peer_(std::move(peer)), mode_(mode) {}
  Result<> cable();
  Result<> endpoint(const Place& place);

  Peer peer_;
  Mode mode_;
  lab::Lab lab_;
  std::unique_ptr<Engine> engine_;
};

// iptables-save's format: rules for what comes in that do not match, and at last one that does.
std::string input_rules(unsigned rules);

}  // namespace bpfvlan::test
