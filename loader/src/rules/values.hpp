// SPDX-License-Identifier: MIT
// Values of a rule's options. Their errors say what is expected; who asks knows where.
#pragma once

#include "bpfvlan/rules.hpp"

namespace bpfvlan {

// ADDRESS, ADDRESS/LENGTH or ADDRESS/MASK.
Result<IpPrefix> parse_rule_prefix(const std::string& text);
// PORT, FIRST:LAST, :LAST or FIRST:, each a number or a service of the protocol.
Result<PortRange> parse_port_range(const std::string& text, std::uint8_t protocol);
Result<PortList> parse_port_list(const std::string& text, std::uint8_t protocol);
// TYPE, TYPE/CODE or a name.
Result<IcmpType> parse_icmp_type(const std::string& text, std::uint8_t protocol);
Result<std::uint8_t> parse_tcp_flags(const std::string& text);
Result<std::uint8_t> parse_states(const std::string& text);

// No control characters: it can stand in a line.
bool is_printable(std::string_view text);

}  // namespace bpfvlan
