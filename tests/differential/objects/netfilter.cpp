// SPDX-License-Identifier: MIT
// What the parent's netfilter counts of endpoints' traffic.
#include <fmt/core.h>

#include <array>
#include <map>

#include "lab/command.hpp"
#include "lab/probe.hpp"
#include "objects/object_case.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::array kHooks{"prerouting", "input", "forward", "output", "postrouting"};
constexpr const char* kUnseen = "prerouting 0, input 0, forward 0, output 0, postrouting 0";
constexpr const char* kReceived = "prerouting 1, input 1, forward 0, output 0, postrouting 0";
constexpr const char* kSent = "prerouting 0, input 0, forward 0, output 1, postrouting 1";

lab::CommandResult nft(const Topology& t, std::vector<std::string> args, const std::string& input) {
  std::vector<std::string> command{"ip", "netns", "exec", t.netns(Place::P), "nft"};
  command.insert(command.end(), args.begin(), args.end());
  return lab::run(command, input);
}

// Counts what goes from one address to another at each hook, while something is sent.
Result<Outcome> counted(const Topology& t, const char* from, const char* to,
                        const std::function<Result<>(const Topology&)>& send) {
  std::string rules = "table inet watch {\n";
  for (const auto* hook : kHooks)
    rules += fmt::format(
        "counter {0} {{ }}\nchain at_{0} {{ type filter hook {0} priority 0;\n"
        "ip saddr {1} ip daddr {2} counter name {0}\n}}\n",
        hook, from, to);
  if (const auto r = nft(t, {"-f", "-"}, rules + "}\n"); r.status)
    return refuse(std::errc::io_error, "nft: " + r.err);
  BV_CHECK(send(t));
  const auto listed = nft(t, {"-j", "list", "counters"}, {});
  if (listed.status) return refuse(std::errc::io_error, "nft: " + listed.err);
  if (const auto r = nft(t, {"delete", "table", "inet", "watch"}, {}); r.status)
    return refuse(std::errc::io_error, "nft: " + r.err);
  std::map<std::string, int> packets;
  const auto ruleset = nlohmann::json::parse(listed.out);
  for (const auto& item : ruleset.at("nftables"))
    if (item.contains("counter")) packets[item["counter"]["name"]] = item["counter"]["packets"];
  std::string out;
  for (const auto* hook : kHooks)
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", hook, packets.at(hook));
  return Outcome{out};
}

Result<> to_outside(const Topology& t) {
  if (lab::udp_echo({t.netns(Place::A), t.netns(Place::X), kX.v4}, 100, patience())) return {};
  return refuse(std::errc::timed_out, "no echo from X");
}

Result<> to_sibling(const Topology& t, Policy policy) {
  const bool answered =
      lab::udp_echo({t.netns(Place::A), t.netns(Place::B), kB.v4}, 100, silence());
  if (answered == (policy == BV_POLICY_BRIDGE)) return {};
  return refuse(std::errc::protocol_error, "an echo from B is bridge's alone");
}

}  // namespace

void add_netfilter_cases(ObjectCases& all, const Setting& setting) {
  const auto policy = setting.policy;
  const char* sent = setting.mode == BV_MODE_L2 ? kUnseen : kSent;
  const char* received = setting.mode == BV_MODE_L3S ? kReceived : kUnseen;
  all.push_back({"filter_xmit", "a datagram A to X", {sent}, {kUnseen}, [](const Topology& t) {
                   return counted(t, kA.v4, kX.v4, to_outside);
                 }});
  all.push_back({"filter_rx", "its echo", {received}, {kUnseen}, [](const Topology& t) {
                   return counted(t, kX.v4, kA.v4, to_outside);
                 }});
  // With vepa it goes to the wire, as what is for X.
  const bool to_wire = policy == BV_POLICY_VEPA;
  all.push_back({to_wire ? "filter_xmit" : "filter_siblings",
                 "a datagram A to B",
                 {to_wire ? sent : kUnseen},
                 {kUnseen},
                 [policy](const Topology& t) {
                   return counted(t, kA.v4, kB.v4,
                                  [policy](const Topology& t2) { return to_sibling(t2, policy); });
                 }});
}

}  // namespace bpfvlan::test
