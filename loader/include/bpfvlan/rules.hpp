// SPDX-License-Identifier: MIT
// Rules as people write them: iptables' options, one list per chain for both IP versions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bpfvlan/ip_prefix.hpp"
#include "bpfvlan/result.hpp"
#include "bpfvlan/schema.h"

namespace bpfvlan {

enum class RuleFamily : std::uint8_t { Any, IPv4, IPv6 };

// With `!` before it: all but this.
template <class T>
struct Match {
  T value{};
  bool inverted = false;
  bool operator==(const Match&) const = default;
};

struct PortRange {
  std::uint16_t first = 0, last = 0;
  bool operator==(const PortRange&) const = default;
};
using PortList = std::vector<PortRange>;  // -m multiport

struct IcmpType {
  std::uint8_t type = 0;
  std::optional<std::uint8_t> code{};  // unset: all of the type
  bool any = false;                    // `any`: every type
  bool operator==(const IcmpType&) const = default;
};

// Of the flags in `mask`, exactly those in `set`; bits as in the TCP header.
struct TcpFlags {
  std::uint8_t mask = 0, set = 0;
  bool operator==(const TcpFlags&) const = default;
};

struct Rule {
  RuleFamily family = RuleFamily::Any;  // as given, or what an address, ICMP or a reject type means
  std::optional<Match<IpPrefix>> source{}, destination{};  // host part 0
  std::optional<Match<std::uint8_t>> protocol{};
  std::optional<Match<PortRange>> source_port{}, destination_port{};
  std::optional<Match<PortList>> source_ports{}, destination_ports{}, either_ports{};
  std::optional<Match<IcmpType>> icmp_type{};  // of ICMP or ICMPv6, as `protocol` is
  std::optional<Match<TcpFlags>> tcp_flags{};
  std::optional<Match<std::uint8_t>> states{};  // bit 1 << enum bv_ctstate
  std::optional<Match<std::string>> endpoint{};
  std::optional<std::string> comment{};
  bv_target target = BV_TARGET_ACCEPT;
  std::string_view reject_with{};  // its name; empty: each IP version's "port unreachable"

  bool operator==(const Rule&) const = default;
};

// A rule's options, a word each; `family` is what it is of anyway. An error names the word by its
// place, the first being number `first_word`.
Result<Rule> parse_rule(std::span<const std::string> words, RuleFamily family = RuleFamily::Any,
                        std::size_t first_word = 1);

// The options as iptables-save writes them: equal rules have equal text.
std::string to_text(const Rule& rule);

// Parts of it, for tables.
std::string protocol_text(const Rule& rule);
std::string address_text(const std::optional<Match<IpPrefix>>& match, RuleFamily family);
std::string matches_text(const Rule& rule);  // all but protocol, addresses and target

std::string_view to_string(RuleFamily family);
std::string_view to_string(bv_target target);
std::string_view to_string(bv_chain chain);           // INPUT, OUTPUT
Result<bv_chain> parse_chain(std::string_view text);  // in capitals or not
Result<bv_target> parse_chain_policy(std::string_view text);

inline constexpr std::array kChains = {BV_CHAIN_INPUT, BV_CHAIN_OUTPUT};

struct RuleCount {
  std::uint64_t packets = 0, bytes = 0;
};

struct CountedRule {
  Rule rule;
  RuleCount count{};
  std::size_t line = 0;  // of the text it was read from; 0: of none
};

struct RuleChain {
  bv_target policy = BV_TARGET_ACCEPT;
  RuleCount count{};  // of the policy
  std::vector<CountedRule> rules{};
};
using RuleChains = std::array<RuleChain, BV_CHAIN_MAX>;  // index enum bv_chain

// The filter table as iptables-save writes it, but that without `counters` the policies' are 0 too:
// what is restored from it is saved as the same.
std::string save_rules(const RuleChains& chains, bool counters);

struct RestoredRules {
  RuleChains chains{};
  std::array<bool, BV_CHAIN_MAX> has_policy{};  // else the one that is there stays
  std::vector<std::string> notices{};           // what was skipped, a sentence each
};
// The reverse, also of what iptables-save wrote: other tables and the chain FORWARD are skipped.
Result<RestoredRules> parse_saved_rules(std::string_view text, RuleFamily family = RuleFamily::Any);

}  // namespace bpfvlan
