// SPDX-License-Identifier: MIT
// The names that iptables and ip6tables have for values of rules.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bpfvlan/rules.hpp"

namespace bpfvlan {

bool same_letters(std::string_view a, std::string_view b);  // in capitals or not

// Numbers up to `max`, decimal, and nothing after them.
std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t max);

// 0: all.
std::optional<std::uint8_t> protocol_number(const std::string& text);
std::string protocol_name(std::uint8_t protocol);
// The protocols whose ports a rule can name; empty: not one of them.
std::string_view port_match(std::uint8_t protocol);
// UDP-Lite has ports but no match of its own; -m multiport knows it.
bool has_ports(std::uint8_t protocol);

struct IcmpName {
  std::string_view name;
  std::uint8_t type;
  std::optional<std::uint8_t> code{};
};
std::span<const IcmpName> icmp_names(std::uint8_t protocol);

struct FlagName {
  std::string_view name;
  std::uint8_t bits;
};
std::span<const FlagName> tcp_flag_names();

struct StateName {
  std::string_view name;
  bv_ctstate state;
};
std::span<const StateName> state_names();  // in the order that iptables-save has

struct RejectType {
  std::string_view name, alias;
  RuleFamily family;
  std::uint8_t code;  // or BV_REJECT_TCP_RESET
};
// `port-unreach` is an alias of both IP versions; of a rule for both, it is the default.
const RejectType* find_reject_type(std::string_view name, RuleFamily family);
inline constexpr std::string_view kTcpReset = "tcp-reset";
// The code for packets of one IP version.
std::uint8_t reject_code(const Rule& rule, RuleFamily family);
std::string reject_type_names(RuleFamily family);

}  // namespace bpfvlan
