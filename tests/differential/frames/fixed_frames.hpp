// SPDX-License-Identifier: MIT
// Frames that stand for the rows of behaviour.md, and who gets them.
#pragma once

#include <optional>
#include <vector>

#include "frames/judge.hpp"

namespace bpfvlan::test {

// Who gets a frame: "A", "B", "H" for endpoints, "host" for the parent's stack, "wire"; several
// with blanks between, nothing for a drop. A copy that is not "to us" says so: "A(other host)".
struct Gets {
  const char* bridge = "";
  const char* private_ = "";
  const char* vepa = "";
  constexpr Gets(const char* all) : bridge(all), private_(all), vepa(all) {}
  constexpr Gets(const char* b, const char* p, const char* v) : bridge(b), private_(p), vepa(v) {}
  const char* with(Policy policy) const;
};

struct FixedFrame {
  const char* row;   // id in rows.cpp
  const char* what;  // sets it apart from the row's others
  FrameCase c;
  Gets gets;                       // by the driver
  std::optional<Gets> gets_l3s{};  // if it is not the same there

  const Gets& gets_in(Mode mode) const {
    return mode == BV_MODE_L3S && gets_l3s ? *gets_l3s : gets;
  }
};

std::vector<FixedFrame> fixed_frames(Mode mode);
// What was seen, in the words of Gets. In mode l3s it is sockets that get what arrives for an
// endpoint.
std::string who_got(const FrameCase& c, const Observation& seen, Mode mode);

}  // namespace bpfvlan::test
