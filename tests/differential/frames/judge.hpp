// SPDX-License-Identifier: MIT
// Puts the same frames into both engines and compares what was seen.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "frames/arena.hpp"
#include "frames/differences.hpp"

namespace bpfvlan::test {

// What both engines did with one frame.
struct Judged {
  Observation ipvlan;    // but for collisions
  Observation expected;  // of ours: the driver's, changed by the deliberate differences
  Observation bpfvlan;
  std::set<std::string> rows{};  // of the differences that made it

  bool alike() const { return expected == bpfvlan; }
};
std::string to_text(const FrameCase& c, const Judged& judged);

class Judge {
 public:
  static Result<Judge> make(const Setting& setting);

  const Setting& setting() const { return setting_; }
  // `numbers`: as Arena::inject() wants them.
  Result<std::vector<Judged>> judge(std::span<const FrameCase> cases,
                                    std::span<const std::uint32_t> numbers);
  Result<Judged> judge(const FrameCase& c);
  // Fails if something was seen but not captured.
  Result<> check_losses() const;
  // Whether it differs each time it is tried: a frame of some stack's own may have come between.
  Result<bool> differs(const FrameCase& c);

 private:
  explicit Judge(const Setting& setting) : setting_(setting), differences_(differences(setting)) {}
  Judged decide(const FrameCase& c, Observation ipvlan, Observation bpfvlan) const;

  Setting setting_;
  Differences differences_;
  std::unique_ptr<Arena> ipvlan_, bpfvlan_;
};

}  // namespace bpfvlan::test
