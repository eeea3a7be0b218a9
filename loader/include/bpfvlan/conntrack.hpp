// SPDX-License-Identifier: MIT
// The connections of endpoints whose packets pass the rules, as nf_conntrack's tools show theirs.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bpfvlan/result.hpp"
#include "bpfvlan/schema.h"

namespace bpfvlan {

// One direction of a connection, as its packets have it.
struct ConnectionTuple {
  std::array<std::uint8_t, 16> src{}, dst{};  // network order; IPv4 as ::ffff:0:0/96
  std::uint16_t sport = 0, dport = 0;
  std::uint8_t icmp_type = 0, icmp_code = 0;
  std::uint16_t icmp_id = 0;
  std::uint64_t packets = 0, bytes = 0;  // from the IP header on
};

struct Connection {
  int family = 0;
  std::uint8_t protocol = 0;
  std::optional<bv_tcp_state> state{};  // TCP's
  bool seen_reply = false;
  bool assured = false;
  std::uint32_t seconds_left = 0;
  ConnectionTuple original{}, reply{};
  // Empty: not known. Both are the Conntrack's that gave the connection.
  std::string_view parent{}, endpoint{};
};

// Addresses that begin with the same bits: ADDRESS or ADDRESS/LENGTH, any.
struct AddressRange {
  int family = 0;
  std::array<std::uint8_t, 16> addr{};  // as in ConnectionTuple
  std::uint8_t length = 0;              // of 128

  static Result<AddressRange> parse(std::string_view text);
  bool contains(const std::array<std::uint8_t, 16>& address) const;  // of the same family
};

// What is unset is any. Addresses, ports, type and identifier are the original direction's.
struct ConnectionFilter {
  std::optional<AddressRange> src{}, dst{};
  std::optional<std::uint8_t> protocol{};
  std::optional<std::uint16_t> sport{}, dport{};
  std::optional<std::uint8_t> icmp_type{};
  std::optional<std::uint16_t> icmp_id{};
  std::optional<bv_tcp_state> state{};
  std::optional<std::string> endpoint{};

  bool matches(const Connection& c) const;
};

std::string_view to_string(bv_tcp_state state);
Result<bv_tcp_state> parse_tcp_state(std::string_view text);
// "tcp"; empty for those that have no name with nf_conntrack.
std::string_view protocol_name(std::uint8_t protocol);
Result<std::uint8_t> parse_protocol(std::string_view text);  // name or number

// What time-outs and switches are, under their names in net.netfilter.
struct ConntrackSetting {
  std::string_view name;
  std::uint32_t value = 0;  // of time-outs: seconds
  std::uint32_t default_value = 0;
};

// NAME=VALUE; before the name may be "net.netfilter.".
struct ConntrackChange {
  std::string name;
  std::uint64_t value = 0;

  static Result<ConntrackChange> parse(std::string_view text);
};

struct ConntrackCounter {
  std::string_view name;
  std::uint64_t value = 0;
};

// The table of one namespace, or one parent's part of it. Needs no Control and no lock: what it
// knows of parents and endpoints is what Control::conntrack() found.
class Conntrack {
 public:
  using Each = std::function<Result<>(const Connection&)>;
  // Of the table: 0 to 1.
  using Progress = std::function<void(double)>;

  Conntrack(Conntrack&&) noexcept;
  Conntrack& operator=(Conntrack&&) noexcept;
  ~Conntrack();

  // All these give the number of connections. Memory does not grow with it.
  Result<std::uint64_t> list(const ConnectionFilter& filter, const Each& each,
                             const Progress& progress = {}) const;
  // `each` sees them after they went.
  Result<std::uint64_t> erase(const ConnectionFilter& filter, const Each& each,
                              const Progress& progress = {}) const;
  Result<std::uint64_t> flush() const;

  // Of the whole table, whatever the parent.
  Result<std::vector<ConntrackCounter>> stats() const;
  std::uint32_t max_connections() const;

  struct Impl;
  explicit Conntrack(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace bpfvlan
