// SPDX-License-Identifier: MIT
// Streams between all places that go on while something happens to both networks, and what becomes
// of them step by step.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "flows/side_by_side.hpp"
#include "flows/streams.hpp"

namespace bpfvlan::test {

struct Talk {
  Place from, to;
  int family;
};

class LiveTraffic {
 public:
  static Result<std::unique_ptr<LiveTraffic>> start(SideBySide& both);

  // Which streams are alive at this step. For those that usually are it waits longer, unless
  // anything may be.
  enum class Expect { Anything, AsUsual };
  void step(const std::string& name, Expect expect = Expect::AsUsual);
  // Each stream's steps so far are a comparison, under the row that its places belong to; without
  // one it is not compared. The next step is the first of another event.
  void conclude(const std::string& event, const std::function<std::string(const Talk&)>& row_of);

 private:
  using Alive = std::vector<bool>;

  explicit LiveTraffic(SideBySide& both) : both_(both) {}
  OfBoth<Alive> ask(Alive hoped, Milliseconds silence);

  SideBySide& both_;
  std::vector<Talk> talks_;
  OfBoth<std::unique_ptr<Streams>> streams_;
  Alive usually_;
  OfBoth<std::vector<std::string>> steps_;
};

}  // namespace bpfvlan::test
