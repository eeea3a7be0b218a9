// SPDX-License-Identifier: MIT
#include "conntrack_line.hpp"

#include <arpa/inet.h>

#include <iterator>

namespace bpfvlan::cli {
namespace {

struct AddressText {
  char text[INET6_ADDRSTRLEN];
};

AddressText address_text(int family, const std::array<std::uint8_t, 16>& address) {
  AddressText out{};
  inet_ntop(family, address.data() + (family == AF_INET ? 12 : 0), out.text, sizeof(out.text));
  return out;
}

enum class Identifies { Nothing, Ports, Keys, Icmp };

// What there is in a tuple besides the addresses. Protocols that are tracked by these alone have
// zeros there, as with a kernel that knows no more of them.
Identifies beside_addresses(std::uint8_t protocol) {
  switch (protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_SCTP:
    case IPPROTO_DCCP:
      return Identifies::Ports;
    case IPPROTO_GRE:
      return Identifies::Keys;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return Identifies::Icmp;
    default:
      return Identifies::Nothing;
  }
}

void append_tuple(fmt::memory_buffer& to, const Connection& c, const ConnectionTuple& t) {
  auto out = std::back_inserter(to);
  fmt::format_to(out, "src={} dst={} ", address_text(c.family, t.src).text,
                 address_text(c.family, t.dst).text);
  switch (beside_addresses(c.protocol)) {
    case Identifies::Ports:
      fmt::format_to(out, "sport={} dport={} ", t.sport, t.dport);
      break;
    case Identifies::Keys:
      fmt::format_to(out, "srckey=0x{:x} dstkey=0x{:x} ", t.sport, t.dport);
      break;
    case Identifies::Icmp:
      fmt::format_to(out, "type={} code={} id={} ", t.icmp_type, t.icmp_code, t.icmp_id);
      break;
    case Identifies::Nothing:
      break;
  }
  fmt::format_to(out, "packets={} bytes={} ", t.packets, t.bytes);
}

Rows tuple_row(const Connection& c, const ConnectionTuple& t) {
  Rows row = {{"src", address_text(c.family, t.src).text},
              {"dst", address_text(c.family, t.dst).text}};
  switch (beside_addresses(c.protocol)) {
    case Identifies::Ports:
      row["sport"] = t.sport;
      row["dport"] = t.dport;
      break;
    case Identifies::Icmp:
      row["type"] = t.icmp_type;
      row["code"] = t.icmp_code;
      row["id"] = t.icmp_id;
      break;
    case Identifies::Keys:
    case Identifies::Nothing:
      break;
  }
  row["packets"] = t.packets;
  row["bytes"] = t.bytes;
  return row;
}

Rows text_or_null(std::string_view text) {
  return text.empty() ? Rows(nullptr) : Rows(text);
}

}  // namespace

void append_line(fmt::memory_buffer& to, const Connection& c, bool extended) {
  auto out = std::back_inserter(to);
  if (extended) fmt::format_to(out, "{:<8} {} ", c.family == AF_INET ? "ipv4" : "ipv6", c.family);
  const auto name = protocol_name(c.protocol);
  fmt::format_to(out, "{:<8} {} {} ", name.empty() ? "unknown" : name, c.protocol, c.seconds_left);
  if (c.state) fmt::format_to(out, "{} ", to_string(*c.state));
  append_tuple(to, c, c.original);
  if (!c.seen_reply) fmt::format_to(out, "[UNREPLIED] ");
  append_tuple(to, c, c.reply);
  if (c.assured) fmt::format_to(out, "[ASSURED] ");
  fmt::format_to(out, "mark=0 use=1\n");
}

Rows to_row(const Connection& c) {
  return {{"family", c.family == AF_INET ? "ipv4" : "ipv6"},
          {"protocol", text_or_null(protocol_name(c.protocol))},
          {"protocol_number", c.protocol},
          {"timeout", c.seconds_left},
          {"state", c.state ? Rows(to_string(*c.state)) : Rows(nullptr)},
          {"seen_reply", c.seen_reply},
          {"assured", c.assured},
          {"parent", text_or_null(c.parent)},
          {"endpoint", text_or_null(c.endpoint)},
          {"original", tuple_row(c, c.original)},
          {"reply", tuple_row(c, c.reply)}};
}

}  // namespace bpfvlan::cli
