// SPDX-License-Identifier: MIT
#include "stateful/site.hpp"

#include <fmt/core.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "bpfvlan/control.hpp"
#include "bpfvlan/netns.hpp"
#include "bpfvlan/test/frame.hpp"
#include "frames/frame_case.hpp"
#include "frames/frame_fields.hpp"
#include "lab/command.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::uint16_t kSentinelType = 0x88b5;  // for experiments
constexpr int kRounds = 3;  // of sentinels: as many devices as a packet and its answer may cross

// Requests for neighbours and reports of groups.
bool is_a_stacks_own(const Bytes& frame) {
  if (ethertype(frame) != ETHERTYPE_IPV6) return ethertype(frame) != ETHERTYPE_IP;
  const auto byte = [&](std::size_t at) { return at < frame.size() ? frame[at] : 0; };
  if (byte(20) == IPPROTO_HOPOPTS) return true;
  return byte(20) == IPPROTO_ICMPV6 && byte(54) >= 130 && byte(54) <= 143;
}

// Nothing A's stack sends gets as far as its interface.
constexpr const char* kMuteA = "add chain inet mute out { policy drop; }";
constexpr const char* kLetASpeak = "add chain inet mute out { policy accept; }";
// It has its packets whole before they are logged, as the driver's host has them.
constexpr const char* kTablesOfA =
    "table inet mute { chain out { type filter hook output priority raw; policy drop; }; }\n"
    "table inet whole { chain in { type filter hook prerouting priority 0; ct state new; }; }";
constexpr const char* kDeafX =
    "table inet deaf { chain in { type filter hook prerouting priority raw; policy drop; }; }";

Result<> nft(const std::string& netns, const char* commands) {
  const auto r = lab::run({"ip", "netns", "exec", netns, "nft", "-f", "-"}, commands);
  if (r.status) return refuse(std::errc::io_error, "nft: " + r.err);
  return {};
}

}  // namespace

Site::Site(std::unique_ptr<Topology> topology)
    : topology_(std::move(topology)),
      x_(topology_->netns(Place::X), "X"),
      p_(topology_->netns(Place::P), "P") {}

Result<std::unique_ptr<Site>> Site::make(EngineKind kind, const Setting& setting) {
  BV_TRY(auto topology, Topology::make(kind, setting));
  std::unique_ptr<Site> site(new Site(std::move(topology)));
  BV_CHECK(site->quiet());
  for (const auto place : {Place::X, Place::A}) {
    BV_TRY(auto sender, FrameSender::open(site->topology_->netns(place), interface_of(place)));
    site->senders_.emplace(place, std::move(sender));
  }
  for (const auto place : {Place::P, Place::A}) {
    BV_TRY(auto log, StackLog::open(site->topology_->netns(place), StackLog::Then::Accept));
    site->logs_.push_back(std::move(log));
  }
  if (kind == EngineKind::Bpfvlan) {
    BV_TRY(auto control, Control::open({.parent_netns = site->topology_->netns(Place::P),
                                        .lock_timeout = patience()}));
    BV_TRY(site->ours_, control.conntrack());
  }
  return site;
}

Result<> Site::quiet() {
  for (const auto& [place, rules] : {std::pair{Place::A, kTablesOfA}, std::pair{Place::X, kDeafX}})
    BV_CHECK(nft(topology_->netns(place), rules));
  const auto host = topology_->netns(Place::P);
  // Whoever rejects says so each time.
  for (const auto& netns : {host, topology_->netns(Place::A)}) {
    BV_CHECK(topology_->lab().sysctl(netns, "net.ipv4.icmp_ratelimit", "0"));
    BV_CHECK(topology_->lab().sysctl(netns, "net.ipv6.icmp.ratelimit", "0"));
  }
  std::vector<std::string> batch{"route add default via 10.211.55.1",
                                 "route add default via fd00:55::1"};
  for (const auto* address : {kX.v4, kX.v6})
    batch.push_back(fmt::format("neigh replace {} lladdr {} dev P nud permanent", address, kMacX));
  return ip_batch(host, batch);
}

Result<> Site::pass_on(const PacketSocket& from, const PacketSocket& to, bool to_x,
                       std::vector<Arrival>& arrivals) {
  auto sentinel = frame(
      Ethernet{
          .dst = to_x ? kMacX : kMacP, .src = to_x ? kMacP : kMacX, .ethertype = kSentinelType},
      payload(kMarkerSize));
  mark(sentinel, ++sentinel_);
  if (!from.send(sentinel)) return refuse(std::errc::io_error, "send a sentinel");
  const auto seen = to.wait_for([&](const Captured& c) {
    if (c.packet_type == PACKET_OUTGOING) return false;
    if (c.frame == sentinel) return true;
    if (to_x && !is_a_stacks_own(c.frame))
      arrivals.push_back({Place::X, Bytes(c.frame.begin() + ETH_HLEN, c.frame.end())});
    return false;
  });
  if (!seen) return refuse(std::errc::timed_out, "a sentinel did not arrive");
  return {};
}

// All is sent on one CPU, where packets wait for each other in one queue.
Result<> Site::settle(std::vector<Arrival>& arrivals) {
  for (int round = 0; round < kRounds; ++round) {
    BV_CHECK(pass_on(x_, p_, false, arrivals));
    BV_CHECK(pass_on(p_, x_, true, arrivals));
  }
  std::vector<Bytes> packets;
  for (const auto& log : logs_) BV_CHECK(log.receive(packets));
  for (auto& packet : packets) arrivals.push_back({Place::A, std::move(packet)});
  return {};
}

Result<std::vector<Arrival>> Site::send(Place from, const Bytes& frame) {
  // The driver tells a sender that its packet was dropped.
  if (const auto sent = senders_.at(from).send(frame, {}); !sent && kind() != EngineKind::Ipvlan)
    return tl::unexpected(sent.error());
  std::vector<Arrival> arrivals;
  BV_CHECK(settle(arrivals));
  std::sort(arrivals.begin(), arrivals.end());
  return arrivals;
}

Result<> Site::restore(int family, const std::string& table) {
  return topology_->engine().restore(family, table);
}

Result<RuleChains> Site::rules(int family) {
  return topology_->engine().rules(family);
}

Result<> Site::set(const std::string& name, const std::string& value) const {
  const auto host = topology_->netns(Place::P);
  if (kind() == EngineKind::Ipvlan)
    return topology_->lab().sysctl(host, "net.netfilter." + name, value);
  BV_TRY(auto control, Control::open({.parent_netns = host, .lock_timeout = patience()}));
  BV_TRY(const auto change, ConntrackChange::parse(fmt::format("{}={}", name, value)));
  return control.set_conntrack({change});
}

Result<std::string> Site::value_of(const std::string& name) const {
  const auto host = topology_->netns(Place::P);
  if (kind() == EngineKind::Ipvlan) {
    BV_TRY(const auto ns, Netns::open(host));
    BV_TRY(const auto in, InNetns::enter(ns.fd()));
    std::ifstream file("/proc/sys/net/netfilter/" + name);
    std::string value;
    if (!std::getline(file, value)) return fail(ENOENT, "sysctl " + name);
    return value;
  }
  BV_TRY(auto control, Control::open({.parent_netns = host, .lock_timeout = patience()}));
  BV_TRY(const auto settings, control.conntrack_settings());
  for (const auto& s : settings)
    if (s.name == name) return std::to_string(s.value);
  return fail(ENOENT, "setting " + name);
}

Result<> Site::mute(bool on) const {
  return nft(topology_->netns(Place::A), on ? kMuteA : kLetASpeak);
}

Result<std::vector<Entry>> Site::connections() const {
  if (ours_) return entries_of(*ours_);
  return entries_of_netns(topology_->netns(Place::P));
}

Result<> Site::flush_connections() const {
  if (!ours_) return flush_netns(topology_->netns(Place::P));
  BV_CHECK(ours_->flush());
  return {};
}

}  // namespace bpfvlan::test
