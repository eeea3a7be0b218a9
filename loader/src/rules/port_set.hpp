// SPDX-License-Identifier: MIT
// Sets of 16-bit values: ports, or type and code of ICMP.
#pragma once

#include "bpfvlan/rules.hpp"

namespace bpfvlan {

class PortSet {
 public:
  static PortSet all() { return of({{0, 65535}}, false); }
  static PortSet of(const PortList& list, bool inverted);

  PortSet intersect(const PortSet& other) const;
  bool is_all() const { return ranges_.size() == 1 && ranges_[0] == PortRange{0, 65535}; }
  // In order, with gaps between them.
  const PortList& ranges() const { return ranges_; }

 private:
  PortSet complement() const;

  PortList ranges_;
};

}  // namespace bpfvlan
