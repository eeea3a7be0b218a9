// SPDX-License-Identifier: MIT
#include "frames/arena.hpp"

#include <fmt/core.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>

#include "bpfvlan/test/frame.hpp"
#include "frames/frame_fields.hpp"
#include "frames/groups.hpp"
#include "lab/command.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::uint32_t kSentinels = 0xf0000000;  // numbers from here on are no case's
constexpr int kMld2Report = 143;                  // RFC 3810
constexpr unsigned kMtu = 9000;

// IPv4: of the same identification and addresses.
bool is_fragment_of(const Bytes& frame, const Bytes& whole) {
  constexpr std::size_t kHeaders = 34;
  if (frame.size() < kHeaders || whole.size() < kHeaders) return false;
  const auto same = [&](std::ptrdiff_t from, std::ptrdiff_t to) {
    return std::equal(frame.begin() + from, frame.begin() + to, whole.begin() + from);
  };
  const bool fragment = ((frame[20] & 0x3f) | frame[21]) != 0;
  return fragment && frame[12] == 8 && frame[13] == 0 && same(12, 16) && same(18, 20) &&
         same(26, 34);
}

// What an endpoint's stack would give to sockets has no Ethernet header.
Bytes as_frame(const Seen& s) {
  if (!at_input(s)) return s.frame;
  const bool v4 = !s.frame.empty() && s.frame[0] >> 4 == 4;
  auto out = frame(
      Ethernet{.src = kMacP, .ethertype = static_cast<std::uint16_t>(v4 ? ETH_P_IP : ETH_P_IPV6)});
  out.insert(out.end(), s.frame.begin(), s.frame.end());
  return out;
}

// A copy, changed or not, by its last bytes. What was segmented keeps its ports.
bool is_copy(const Bytes& frame, const FrameCase& c, std::ptrdiff_t last) {
  constexpr std::ptrdiff_t kPorts = 4;
  const auto size = std::ssize(frame);
  if (is_fragment_of(frame, c.frame)) return true;
  if (c.offload.gso_type && size >= c.offload.csum_start + kPorts)
    return std::equal(c.frame.begin() + c.offload.csum_start,
                      c.frame.begin() + c.offload.csum_start + kPorts,
                      frame.begin() + c.offload.csum_start);
  return size >= last && std::ssize(c.frame) >= last &&
         std::equal(c.frame.end() - last, c.frame.end(), frame.end() - last);
}

// Those of the interfaces; and the loopback's, which is none.
bool has_a_stacks_mac(const Seen& s) {
  static const std::array cables{MacAddr(kMacP), MacAddr(kMacX), MacAddr(kMacQ), MacAddr(kMacY)};
  if (s.frame.size() < ETH_HLEN) return false;
  const auto source = s.frame.begin() + ETH_ALEN;
  if (s.where.ends_with("lo")) return std::all_of(source, source + ETH_ALEN, std::logical_not{});
  return std::any_of(cables.begin(), cables.end(), [&](const MacAddr& mac) {
    return std::equal(mac.octets.begin(), mac.octets.end(), source);
  });
}

constexpr const char* kToEndpoints =
    "ip daddr { 192.168.10.100, 172.16.1.200, 10.211.55.254 } accept\n"
    "ip6 daddr { fd00:10::100, fd00:1::200, fd00:55::254 } accept";

// Who has a packet may complain about its options, once a second, or by the loopback as often as it
// likes. Endpoints' packets pass the host's output, and may be such errors, but hardly the host's
// own; those of the endpoint in the host come from a user's socket.
constexpr const char* kMute = "chain out { type filter hook output priority raw; policy drop; };";
constexpr const char* kMuteHost =
    "chain out { type filter hook output priority raw;\n"
    "meta skuid 0 accept\n"
    "ip saddr { 10.211.55.25, 10.211.55.254, 10.77.0.25, 127.0.0.0/8 } ip ttl 64 ip dscp cs6 "
    "icmp type parameter-problem drop\n"
    "oifname lo ip6 saddr { fd00:55::25, fd00:55::254, fd00:77::25 } ip6 hoplimit 64 "
    "icmpv6 type { parameter-problem, destination-unreachable } drop\n};";

// What stacks send by themselves, sooner or later: requests for neighbours and answers to them,
// group reports, errors.
bool is_a_stacks_own(const Seen& s) {
  const auto frame = as_frame(s);
  const auto byte = [&](std::size_t at) { return at < frame.size() ? frame[at] : 0; };
  const auto is_one_of = [](int value, std::initializer_list<int> some) {
    return std::find(some.begin(), some.end(), value) != some.end();
  };
  if (!at_input(s) && !has_a_stacks_mac(s)) return false;
  switch (byte(12) << 8 | byte(13)) {
    case ETH_P_ARP:
      return frame.size() == 42 && is_one_of(byte(21), {ARPOP_REQUEST, ARPOP_REPLY});
    case ETH_P_IP:
      if (byte(23) == IPPROTO_IGMP) return byte(22) == 1;  // time to live
      return byte(23) == IPPROTO_ICMP &&                   // perhaps behind options that it answers
             is_one_of(byte(ETH_HLEN + (byte(14) & 15U) * 4),
                       {ICMP_DEST_UNREACH, ICMP_REDIRECT, ICMP_TIME_EXCEEDED, ICMP_PARAMETERPROB});
    case ETH_P_IPV6:
      if (byte(20) == IPPROTO_HOPOPTS)  // a router alert, in 8 bytes
        return byte(54) == IPPROTO_ICMPV6 &&
               is_one_of(byte(62), {MLD_LISTENER_REPORT, MLD_LISTENER_REDUCTION, kMld2Report});
      if (byte(20) != IPPROTO_ICMPV6) return false;
      return byte(54) <= ICMP6_PARAM_PROB ||
             (byte(21) == 255 && byte(54) >= ND_ROUTER_SOLICIT && byte(54) <= ND_REDIRECT);
    default:
      return false;
  }
}

}  // namespace

Result<std::unique_ptr<Arena>> Arena::make(EngineKind kind, const Setting& setting,
                                           std::span<const std::string> neighbours) {
  BV_TRY(auto topology, Topology::make(kind, setting, kMtu));
  std::unique_ptr<Arena> arena(new Arena(std::move(topology), setting.mode));
  BV_CHECK(arena->quiet(neighbours));
  BV_CHECK(arena->open_sockets());
  if (setting.mode == BV_MODE_L2) BV_CHECK(arena->await_memberships());
  return arena;
}

// What an interface receives is captured before this; nobody answers, learns or forwards.
Result<> Arena::quiet(std::span<const std::string> neighbours) {
  // In mode l3s endpoints' packets get as far as the driver's get with the host: to the log.
  const bool l3s = mode_ == BV_MODE_L3S;
  for (const auto place : {Place::X, Place::P, Place::A, Place::B}) {
    const auto netns = topology_->netns(place);
    const auto r = lab::run(
        {"ip", "netns", "exec", netns, "nft", "-f", "-"},
        fmt::format("table inet quiet {{ chain in {{ type filter hook prerouting priority raw; "
                    "policy drop;\n{}\n}}; {} }}",
                    l3s && place != Place::X ? kToEndpoints : "",
                    !l3s                 ? ""
                    : is_endpoint(place) ? kMute
                    : place == Place::P  ? kMuteHost
                                         : ""));
    if (r.status) return refuse(std::errc::io_error, "nft: " + r.err);
    BV_CHECK(topology_->lab().sysctl(netns, "net.ipv4.conf.all.arp_ignore", "8"));
    // An endpoint's packets may reach the host's stack, who has no route to it.
    BV_CHECK(topology_->lab().sysctl(netns, "net.ipv6.icmp.ratelimit", "2147483647"));
  }
  std::vector<std::string> batch;
  for (const auto& address : neighbours)
    for (const auto& [ifname, mac] : {std::pair{"P", kMacX}, std::pair{"Q", kMacY}})
      batch.push_back(
          fmt::format("neigh replace {} lladdr {} dev {} nud permanent", address, mac, ifname));
  return ip_batch(topology_->netns(Place::P), batch);
}

Result<> Arena::open_sockets() {
  BV_TRY(captures_, Captures::make(*topology_));
  for (const auto place : kPlaces) {
    BV_TRY(auto sender, FrameSender::open(topology_->netns(place), interface_of(place)));
    senders_.emplace(place, std::move(sender));
  }
  return {};
}

Result<> Arena::send(const FrameCase& c) const {
  auto sent = senders_.at(c.at).send(c.frame, c.offload);
  if (!sent) sent.error().what = fmt::format("at {}: {}", to_string(c.at), sent.error().what);
  return sent;
}

// The driver tells a sender that its frame was dropped, as a netkit pair does; and what is to be
// segmented is refused if its headers lie, by the socket (EINVAL) or the device (ENOMEM). Any other
// refusal would be a frame that was never there.
Result<> Arena::send_case(const FrameCase& c) const {
  const bool endpoint = c.at == Place::A || c.at == Place::B || c.at == Place::H;
  const auto sent = send(c);
  if (sent) return {};
  const auto code = sent.error().code;
  const bool no_memory = code == std::errc::not_enough_memory;
  if (c.offload.flags && (no_memory || code == std::errc::invalid_argument)) return {};
  const bool told =
      topology_->kind() == EngineKind::Ipvlan || device_under_test() == BV_DEVICE_NETKIT;
  if (endpoint && told && !no_memory && code != std::errc::message_size) return {};
  return tl::unexpected(sent.error());
}

Result<std::vector<Observation>> Arena::inject(std::span<const FrameCase> cases,
                                               std::span<const std::uint32_t> numbers) {
  for (const auto& c : cases) BV_CHECK(send_case(c));
  std::vector<Seen> seen;
  BV_CHECK(settle(seen));
  // What a stack says for itself may end with the same address, of its device.
  constexpr std::ptrdiff_t kSome = 4, kAddressAndMore = 12;
  std::vector<Observation> out(cases.size());
  const auto add = [&](std::size_t i, Seen& s) {
    // What the sender's own interface shows of it: the driver changes the frame under the capture.
    if (s.type == PACKET_OUTGOING && s.where == interface_of(cases[i].at)) return;
    out[i].push_back(std::move(s));
  };
  for (auto& s : seen) {
    const auto number = marker_of(s.frame);
    if (number && *number >= kSentinels) continue;
    const auto at = number ? std::find(numbers.begin(), numbers.end(), *number) : numbers.end();
    if (at_input(s) && at == numbers.end()) {  // without what lies behind its length
      const auto of = std::find_if(cases.begin(), cases.end(), [&](const FrameCase& c) {
        return is_input_of(s.frame, c.frame);
      });
      if (of != cases.end()) {
        add(static_cast<std::size_t>(of - cases.begin()), s);
        continue;
      }
    }
    if (cases.size() == 1 &&
        is_copy(as_frame(s), cases[0], is_a_stacks_own(s) ? kAddressAndMore : kSome))
      add(0, s);
    else if (cases.size() > 1 && at != numbers.end())
      add(static_cast<std::size_t>(at - numbers.begin()), s);
    else if (!is_a_stacks_own(s))
      return refuse(std::errc::protocol_error,
                    fmt::format("{}: a frame that nobody sent, at {}:\n{}",
                                to_string(topology_->kind()), s.where, to_text(s.frame)));
  }
  for (auto& observation : out) std::sort(observation.begin(), observation.end());
  return out;
}

// They tell a moment after they have joined or left. (The driver may take a group for another.)
Result<> Arena::await_memberships() {
  std::vector<FrameCase> probes;
  std::vector<std::uint32_t> numbers;
  auto groups = reported_groups();
  groups.emplace_back("33:33:ff:00:00:01");  // of fe80::1, which nobody has
  for (const auto& group : groups) {
    auto f = frame(Ethernet{.dst = group, .src = kMacX}, payload(64));
    numbers.push_back(static_cast<std::uint32_t>(probes.size()));
    mark(f, numbers.back());
    probes.push_back({Place::X, std::move(f)});
  }
  const auto deadline = std::chrono::steady_clock::now() + patience();
  for (;;) {
    BV_TRY(const auto observations, inject(probes, numbers));
    bool all = true;
    for (std::size_t i = 0; i < probes.size(); ++i)
      for (const auto place : {Place::A, Place::B, Place::H}) {
        const bool hears =
            std::any_of(observations[i].begin(), observations[i].end(),
                        [&](const Seen& s) { return s.where == interface_of(place); });
        const bool joined = has_joined(place, probes[i].frame);
        all &= hears == joined || (hears && topology_->kind() == EngineKind::Ipvlan);
      }
    if (all) return {};
    if (std::chrono::steady_clock::now() > deadline)
      return refuse(std::errc::timed_out, fmt::format("{}: endpoints have not joined their groups",
                                                      to_string(topology_->kind())));
  }
}

// Packets wait for each other in one queue per CPU, and this thread stays on one CPU: when a frame
// sent last has gone its long way, from A over the wire, those before it have gone theirs. Those to
// groups wait once more in mode l2, in a queue of the driver's own, and so does the last.
Result<> Arena::settle(std::vector<Seen>& seen) {
  const auto number = kSentinels + sentinel_++ % 0x0f000000;
  const char* to = mode_ == BV_MODE_L2 ? "ff:ff:ff:ff:ff:ff" : kMacX;
  Bytes f = frame(Ethernet{.dst = to, .src = kMacP}, IPv4{.src = kA.v4, .dst = kX.v4}, Udp{},
                  payload(kMarkerSize));
  mark(f, number);
  BV_CHECK(send({Place::A, std::move(f), {}}));
  const auto deadline = std::chrono::steady_clock::now() + patience();
  for (;;) {
    const auto from = seen.size();
    BV_CHECK(captures_->wait(seen));
    for (auto i = from; i < seen.size(); ++i)
      if (seen[i].where == "X" && marker_of(seen[i].frame) == number) {
        return captures_->drain(seen);
      }
    if (std::chrono::steady_clock::now() > deadline)
      return refuse(std::errc::timed_out, fmt::format("{}: a frame from A did not reach X",
                                                      to_string(topology_->kind())));
  }
}

}  // namespace bpfvlan::test
