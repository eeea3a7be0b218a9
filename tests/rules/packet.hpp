// SPDX-License-Identifier: MIT
// All that a rule looks at, of one packet.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "bpfvlan/rules.hpp"

namespace bpfvlan {

struct RulePacket {
  RuleFamily family = RuleFamily::IPv4;
  std::array<std::uint8_t, 16> src{}, dst{};  // network order; IPv4: the first four bytes
  std::uint8_t protocol = 0;
  bool has_transport = false;  // its header is there: not a later fragment
  std::uint16_t sport = 0, dport = 0;
  std::uint8_t icmp_type = 0, icmp_code = 0;
  std::uint8_t tcp_flags = 0;
  bv_ctstate state = BV_CTSTATE_NEW;
  std::string endpoint{};
  std::uint32_t endpoint_id = 0;

  bv_rule_key key() const;
};

std::string describe(const RulePacket& packet);

}  // namespace bpfvlan
