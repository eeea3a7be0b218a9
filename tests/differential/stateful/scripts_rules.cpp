// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <sys/socket.h>

#include "stateful/script.hpp"

namespace bpfvlan::test {
namespace {

constexpr const char* kPolicies = ":INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT {} [0:0]\n";

std::string rules(const char* output_policy, const std::string& lines) {
  return fmt::format(fmt::runtime(kPolicies), output_policy) + lines;
}

struct Kind {
  const char* name;
  Bytes (*make)(int family, Place from);
};

Bytes udp(int family, Place from) {
  return packet(family, from, Udp{.sport = 61'000, .dport = 53}, payload(700));
}
Bytes syn(int family, Place from) {
  return packet(family, from, Tcp{.sport = 61'001, .dport = 80, .seq = 77});
}
Bytes ack(int family, Place from) {
  return packet(family, from, Tcp{.sport = 61'002, .dport = 80, .seq = 77, .ack = 99, .flags = 16},
                payload(50));
}
Bytes echo(int family, Place from) {
  return family == AF_INET ? packet(family, from, IcmpEcho{.id = 77}, payload(50))
                           : packet(family, from, Icmp6Echo{.id = 77}, payload(50));
}

constexpr Kind kKinds[] = {{"UDP", udp}, {"SYN", syn}, {"ACK", ack}, {"echo", echo}};

void add_rejects(Scripts& all, int family) {
  const std::vector<const char*> types =
      family == AF_INET
          ? std::vector{"icmp-net-unreachable",   "icmp-host-unreachable", "icmp-port-unreachable",
                        "icmp-proto-unreachable", "icmp-net-prohibited",   "icmp-host-prohibited",
                        "icmp-admin-prohibited"}
          : std::vector{"icmp6-no-route", "icmp6-adm-prohibited", "icmp6-addr-unreachable",
                        "icmp6-port-unreachable"};
  for (const auto* type : types) {
    Script script{"rule_reject", fmt::format("REJECT with {}", type), family};
    if (family == AF_INET6) {
      script.row = "rule_reject_source";
      script.stated = {"*X gets 6?????????????40fd000055000000000000000000000025*",
                       "*X gets 6?????????????40fd000010000000000000000000000100*"};
    }
    script.stacks_answer = true;
    script.rules = rules("ACCEPT", fmt::format("-A INPUT -j REJECT --reject-with {}\n", type));
    for (const auto& kind : kKinds)
      script.steps.push_back({kind.name, Place::X, kind.make(family, Place::X)});
    all.push_back(std::move(script));
  }
  Script reset{"rule_reject", "REJECT with tcp-reset", family};
  reset.stacks_answer = true;
  reset.rules = rules("ACCEPT", "-A INPUT -p tcp -j REJECT --reject-with tcp-reset\n");
  reset.steps = {{"SYN", Place::X, syn(family, Place::X)},
                 {"ACK", Place::X, ack(family, Place::X)}};
  all.push_back(reset);
  reset.row = "rule_reject_filtered";
  reset.stated = {"*SYN: nothing*", "*SYN: X gets*"};
  reset.rules = rules("DROP", "-A INPUT -p tcp -j REJECT --reject-with tcp-reset\n");
  all.push_back(reset);
  Script output{"rule_reject_output", "REJECT of what A sends", family};
  output.stacks_answer = true;
  output.stated = {"*UDP: nothing*", "*UDP: A gets*"};
  output.rules = rules("ACCEPT", "-A OUTPUT -j REJECT\n");
  for (const auto& kind : kKinds)
    output.steps.push_back({kind.name, Place::A, kind.make(family, Place::A)});
  all.push_back(std::move(output));
}

}  // namespace

void add_rule_scripts(Scripts& all, int family) {
  add_rejects(all, family);
  const auto add = [&](const char* row, const char* what, Step step, const Stated& stated) {
    Script script{row, what, family, {std::move(step)}};
    script.stated = stated;
    all.push_back(std::move(script));
  };
  const auto from_x = [&](const char* what, auto layer) {
    return Step{what, Place::X, packet(family, Place::X, layer, payload(32))};
  };
  const Stated passes{"*: nothing*", "*: arrives at A*"};
  add("ct_checksum", "TCP", from_x("SYN", Tcp{.sport = 62'000, .dport = 80, .checksum = 0x1234}),
      passes);
  add("ct_checksum", "UDP", from_x("sent", Udp{.sport = 62'000, .dport = 53, .checksum = 0x1234}),
      passes);
  const auto with_protocol = [&](const char* what, std::uint8_t protocol, Bytes bytes) {
    const Ethernet mac{.dst = kMacP, .src = kMacX};
    const Raw raw{std::move(bytes)};
    return Step{what, Place::X,
                family == AF_INET
                    ? frame(mac, IPv4{.src = kX.v4, .dst = kA.v4, .protocol = protocol}, raw)
                    : frame(mac, IPv6{.src = kX.v6, .dst = kA.v6, .next_header = protocol}, raw)};
  };
  // Ports 62,001 and 80, and an INIT, whose checksum is not SCTP's.
  add("ct_trackers", "SCTP",
      with_protocol("INIT", 132, {0xf2, 0x31, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 20,
                                  0,    1,    0, 0,  0, 0, 8, 0, 0, 1, 0, 1, 0, 0, 0, 1}),
      passes);
  add("ct_trackers", "GRE", with_protocol("sent", 47, {0, 0, 8, 0, 1, 2, 3, 4}),
      {"*: arrives at A*", "*: arrives at A*"});
  // Of its checksum: 4 bytes, which would have to be 8 at least.
  add("ct_udplite", "a coverage shorter than the header",
      with_protocol("sent", 136, {0xf2, 0x31, 0, 80, 0, 4, 0, 0, 1, 2, 3, 4}), passes);
  if (family != AF_INET6) return;
  Script discovery{"ct_discovery", "a neighbour's question", family};
  discovery.rules = ":INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n";
  discovery.stated = passes;
  discovery.steps = {{"asks for A", Place::X,
                      frame(Ethernet{.dst = kMacP, .src = kMacX},
                            IPv6{.src = kX.v6, .dst = kA.v6, .hop_limit = 255},
                            NeighborSolicitation{.target = kA.v6, .source_mac = kMacX})}};
  all.push_back(std::move(discovery));
}

}  // namespace bpfvlan::test
