// SPDX-License-Identifier: MIT
// What was seen of one thing on both engines, as text that is equal if they behave alike.
#pragma once

#include <string>
#include <vector>

namespace bpfvlan::test {

struct Comparison {
  std::string row;      // the row of docs/semantics.md it belongs to, by its id in rows.cpp
  std::string subject;  // what was tried: "A -> X icmp ipv4"
  std::string ipvlan;   // what was seen there, a line or more
  std::string bpfvlan;

  // Wrong whatever the row says: the driver is not as the row has it, or another row's difference
  // is in the way.
  std::string wrong{};

  bool same() const { return ipvlan == bpfvlan; }
};

using Comparisons = std::vector<Comparison>;

}  // namespace bpfvlan::test
