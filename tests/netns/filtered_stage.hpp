// SPDX-License-Identifier: MIT
// Endpoints in mode l3s whose parent has rules: of ours, or of the host's netfilter.
#pragma once

#include <string>
#include <vector>

#include "stage.hpp"

namespace bpfvlan::test {

// The filter table in iptables-save's format: policy DROP, what neighbour discovery needs (the
// driver's host filters it too), and these rules ("-A INPUT …").
std::string filter_table(int family, const std::vector<std::string>& rules);

// A and B in mode l3s, which X has routes to.
class Filtered : public BothFamilies {
 protected:
  void SetUp() override;

  Result<> restore(const std::vector<std::string>& rules) {
    return engine().restore(family(), filter_table(family(), rules));
  }
  std::uint64_t policy_packets(bv_chain chain);
  // Once only: connections come and go.
  bool has_connection(const std::string& regex);
};

}  // namespace bpfvlan::test
