// SPDX-License-Identifier: MIT
// A topology whose stacks keep quiet: frames go in at a place, and every copy of them is captured
// at every interface and where they enter the host's stack.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "frames/captures.hpp"
#include "frames/frame_case.hpp"
#include "frames/frame_sender.hpp"

namespace bpfvlan::test {

class Arena {
 public:
  // `neighbours`: addresses whose MAC address the host knows (X's), so that none is asked for.
  static Result<std::unique_ptr<Arena>> make(EngineKind kind, const Setting& setting,
                                             std::span<const std::string> neighbours);

  // Sends the frames in their order and gives what was seen of each. More than one at a time only
  // if each ends with a marker, whose number is told.
  Result<std::vector<Observation>> inject(std::span<const FrameCase> cases,
                                          std::span<const std::uint32_t> numbers);
  // Fails if a capture had no room for a frame since the last call.
  Result<> check_losses() const { return captures_->check_losses(); }

 private:
  Arena(std::unique_ptr<Topology> topology, Mode mode)
      : topology_(std::move(topology)), mode_(mode) {}
  Result<> quiet(std::span<const std::string> neighbours);
  Result<> open_sockets();
  Result<> send(const FrameCase& c) const;
  Result<> send_case(const FrameCase& c) const;
  // Everything sent so far has been dealt with.
  Result<> settle(std::vector<Seen>& seen);
  // Mode l2: the endpoints have told of their groups.
  Result<> await_memberships();

  std::unique_ptr<Topology> topology_;
  Mode mode_;
  std::unique_ptr<Captures> captures_;
  std::map<Place, FrameSender> senders_;
  std::uint32_t sentinel_ = 0;
};

}  // namespace bpfvlan::test
