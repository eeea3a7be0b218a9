// SPDX-License-Identifier: MIT
// What REJECT answers, byte for byte: nf_reject_ipv4.c, nf_reject_ipv6.c, icmp.c of the kernel.
#include <algorithm>

#include "row.hpp"

namespace bpfvlan::test {
namespace {

// Of an answer: 576 and 1,280 bytes in all (RFC 1812, 4.3.2.3; RFC 4443, 2.4).
constexpr std::size_t kEthernet = 14, kMostQuoted4 = 548, kMostQuoted6 = 1232;
constexpr std::uint8_t kInternetControl = 0xc0;  // precedence of errors (RFC 1812, 4.3.2.5)
constexpr std::uint8_t kTypeOfService = 0x1e;    // which they have of the packet

// A packet in one direction, and the headers of what goes back.
struct Way {
  Hook hook;
  Ethernet there, back;
  IPv4 there4, back4;
  IPv6 there6, back6;
};

Way way(Hook hook) {
  const bool rx = hook == Hook::kRx;
  Way w{.hook = hook,
        .there = {.dst = kMac, .src = kOtherMac},
        .back = {.dst = kOtherMac, .src = kMac},
        .there4 = {.src = kOutside4, .dst = kReceiver4},
        .back4 = {.src = kReceiver4, .dst = kOutside4},
        .there6 = {.src = kOutside6, .dst = kReceiver6},
        .back6 = {.src = kReceiver6, .dst = kOutside6}};
  if (rx) return w;
  std::swap(w.there, w.back);
  w.there4 = {.src = kSender4, .dst = kOutside4};
  w.back4 = {.src = kOutside4, .dst = kSender4};
  w.there6 = {.src = kSender6, .dst = kOutside6};
  w.back6 = {.src = kOutside6, .dst = kSender6};
  return w;
}

Bytes stacked(const Layer& ethernet, const Layer& ip, const std::vector<Layer>& upper) {
  std::vector<Layer> layers{ethernet, ip};
  layers.insert(layers.end(), upper.begin(), upper.end());
  return build(layers);
}

// From the IP header on, without what pads the frame.
Raw quoted(const Bytes& frame, std::size_t padding, std::size_t most) {
  const auto first = frame.begin() + kEthernet;
  return {Bytes(first, first + static_cast<std::ptrdiff_t>(
                                   std::min(frame.size() - padding - kEthernet, most)))};
}

Bytes unreachable4(const Way& w, const Bytes& frame, std::uint8_t code, std::size_t padding = 0) {
  IPv4 ip = w.back4;
  ip.tos = kInternetControl | (frame[kEthernet + 1] & kTypeOfService);
  return stacked(w.back, ip, {IcmpError{.code = code}, quoted(frame, padding, kMostQuoted4)});
}

Bytes unreachable6(const Way& w, const Bytes& frame, std::uint8_t code) {
  return stacked(w.back, w.back6, {Icmp6Error{.code = code}, quoted(frame, 0, kMostQuoted6)});
}

Tcp reset(std::uint32_t seq, std::uint32_t ack, std::uint8_t more_flags) {
  return {.sport = Tcp{}.dport,
          .dport = Tcp{}.sport,
          .seq = seq,
          .ack = ack,
          .flags = static_cast<std::uint8_t>(Tcp::kRst | more_flags),
          .window = 0};
}

Row rejected(const Way& w, const std::string& name, const std::string& rule, const Bytes& frame,
             const Bytes& answer) {
  Row row{.name = name, .frames = {frame}};
  row.reason = w.hook == Hook::kRx ? BV_REASON_RX_REJECTED : BV_REASON_TX_REJECTED;
  row.world.filter = true;
  (w.hook == Hook::kRx ? row.world.input : row.world.output).rules = {rule};
  row.answer = answer;
  row.connections = 0;
  return row;
}

Row dropped(const Way& w, const std::string& name, const std::string& rule, const Bytes& frame) {
  Row row = rejected(w, name, rule, frame, {});
  row.reason = w.hook == Hook::kRx ? BV_REASON_RX_RULE : BV_REASON_TX_RULE;
  row.answer.reset();
  return row;
}

const std::string kReset = "-p tcp -j REJECT --reject-with tcp-reset", kUnreachable = "-j REJECT";
const std::vector<Layer> kUdp{Udp{}, payload(25)};

std::vector<Row> in_every_mode(Hook hook) {
  const Way w = way(hook);
  const Bytes udp4 = stacked(w.there, w.there4, kUdp), udp6 = stacked(w.there, w.there6, kUdp);
  return with_each_mode_and_policy(
      {rejected(w, "udp4", kUnreachable, udp4, unreachable4(w, udp4, 3)),
       rejected(w, "udp6", kUnreachable, udp6, unreachable6(w, udp6, 4))});
}

// RFC 9293, 3.10.7.1: what is acknowledged, or else what the segment occupies.
std::vector<Row> resets(Hook hook) {
  struct Segment {
    const char* name;
    std::uint8_t flags;
    std::size_t data;
    Tcp answer;
  };
  constexpr std::uint32_t kSeq = 1000, kAck = 0xfffffff0;
  const Segment segments[] = {
      {"syn", Tcp::kSyn, 0, reset(0, kSeq + 1, Tcp::kAck)},
      {"syn_with_data", Tcp::kSyn, 7, reset(0, kSeq + 8, Tcp::kAck)},
      {"syn_ack", Tcp::kSyn | Tcp::kAck, 0, reset(kAck, 0, 0)},
      {"ack", Tcp::kAck, 0, reset(kAck, 0, 0)},
      {"data", Tcp::kAck | Tcp::kPsh, 100, reset(kAck, 0, 0)},
      {"fin_ack", Tcp::kFin | Tcp::kAck, 0, reset(kAck, 0, 0)},
      // Flags that belong to no connection are answered as any.
      {"fin_alone", Tcp::kFin, 3, reset(0, kSeq + 4, Tcp::kAck)},
      {"no_flags", 0, 3, reset(0, kSeq + 3, Tcp::kAck)},
  };
  const Way w = way(hook);
  std::vector<Row> rows;
  for (const auto& s : segments) {
    const std::vector<Layer> upper{Tcp{.seq = kSeq, .ack = kAck, .flags = s.flags},
                                   payload(s.data)};
    IPv4 back = w.back4;
    back.dont_fragment = true;
    rows.push_back(rejected(w, std::string(s.name) + "4", kReset, stacked(w.there, w.there4, upper),
                            stacked(w.back, back, {s.answer})));
    rows.push_back(rejected(w, std::string(s.name) + "6", kReset, stacked(w.there, w.there6, upper),
                            stacked(w.back, w.back6, {s.answer})));
  }
  return rows;
}

std::vector<Row> unreachables(Hook hook) {
  const Way w = way(hook);
  IPv4 with_options = w.there4;
  with_options.options = Bytes(8, 1);
  IPv4 fragment = w.there4;
  fragment.more_fragments = true;
  fragment.protocol = Udp::kProtocol;
  const Bytes udp4 = stacked(w.there, w.there4, kUdp), udp6 = stacked(w.there, w.there6, kUdp),
              long4 = stacked(w.there, w.there4, {Udp{}, payload(1401)}),
              long6 = stacked(w.there, w.there6, {Udp{}, payload(1401)}),
              options = stacked(w.there, with_options, kUdp),
              extension = stacked(w.there, w.there6, {DestinationOptions{}, Udp{}, payload(9)}),
              echo4 = stacked(w.there, w.there4, {IcmpEcho{}, payload(9)}),
              echo6 = stacked(w.there, w.there6, {Icmp6Echo{}, payload(9)}),
              syn4 = stacked(w.there, w.there4, {Tcp{}}),
              syn6 = stacked(w.there, w.there6, {Tcp{}}),
              first = stacked(w.there, fragment, {Udp{.length = 100}, payload(32)}),
              other = stacked(w.there, w.there4, {payload(20)});
  IPv4 with_tos = w.there4;
  with_tos.tos = 0xff;
  const Bytes tos = stacked(w.there, with_tos, kUdp), tos_tcp = stacked(w.there, with_tos, {Tcp{}});
  constexpr std::size_t kPadded = 60;
  const Bytes small = stacked(w.there, w.there4, {Udp{}, payload(1)});
  return {
      rejected(w, "by_type4", "-j REJECT --reject-with icmp-admin-prohibited", udp4,
               unreachable4(w, udp4, 13)),
      rejected(w, "by_type6", "-j REJECT --reject-with icmp6-adm-prohibited", udp6,
               unreachable6(w, udp6, 1)),
      rejected(w, "long4", kUnreachable, long4, unreachable4(w, long4, 3)),
      rejected(w, "long6", kUnreachable, long6, unreachable6(w, long6, 4)),
      rejected(w, "options", kUnreachable, options, unreachable4(w, options, 3)),
      rejected(w, "extension_header", kUnreachable, extension, unreachable6(w, extension, 4)),
      rejected(w, "echo4", kUnreachable, echo4, unreachable4(w, echo4, 3)),
      rejected(w, "echo6", kUnreachable, echo6, unreachable6(w, echo6, 4)),
      rejected(w, "tcp4", kUnreachable, syn4, unreachable4(w, syn4, 3)),
      rejected(w, "tcp6", kUnreachable, syn6, unreachable6(w, syn6, 4)),
      rejected(w, "first_fragment", kUnreachable, first, unreachable4(w, first, 3)),
      rejected(w, "tos", kUnreachable, tos, unreachable4(w, tos, 3)),
      rejected(w, "tos_tcp", kUnreachable, tos_tcp, unreachable4(w, tos_tcp, 3)),
      rejected(w, "no_ports", kUnreachable, other, unreachable4(w, other, 3)),
      rejected(w, "padded", kUnreachable, resized(small, kPadded),
               unreachable4(w, resized(small, kPadded), 3, kPadded - small.size())),
  };
}

// RFC 1122, 3.2.2; RFC 4443, 2.4 (e); RFC 9293, 3.10.7.1.
std::vector<Row> unanswered(Hook hook) {
  const Way w = way(hook);
  const auto from4 = [&](const char* src) {
    IPv4 ip = w.there4;
    ip.src = src;
    return stacked(w.there, ip, kUdp);
  };
  const auto from6 = [&](const char* src) {
    IPv6 ip = w.there6;
    ip.src = src;
    return stacked(w.there, ip, kUdp);
  };
  IPv4 later = w.there4;
  later.fragment_offset = 8;
  later.protocol = Udp::kProtocol;
  const Raw quote4 = quoted(stacked(w.back, w.back4, kUdp), 0, kMostQuoted4);
  const Raw quote6 = quoted(stacked(w.back, w.back6, kUdp), 0, kMostQuoted6);
  return {
      dropped(w, "reset4", kReset, stacked(w.there, w.there4, {Tcp{.flags = Tcp::kRst}})),
      dropped(w, "reset6", kReset,
              stacked(w.there, w.there6, {Tcp{.flags = Tcp::kRst | Tcp::kAck}})),
      dropped(w, "error4", kUnreachable, stacked(w.there, w.there4, {IcmpError{}, quote4})),
      dropped(w, "error6", kUnreachable, stacked(w.there, w.there6, {Icmp6Error{}, quote6})),
      dropped(w, "later_fragment4", kUnreachable, stacked(w.there, later, {payload(32)})),
      dropped(w, "later_fragment6", kUnreachable,
              stacked(w.there, w.there6,
                      {Fragment{.offset = 8, .next_header = Udp::kProtocol}, payload(32)})),
      dropped(w, "from_any4", kUnreachable, from4("0.0.0.0")),
      dropped(w, "from_group4", kUnreachable, from4("224.0.0.1")),
      dropped(w, "from_broadcast", kUnreachable, from4("255.255.255.255")),
      dropped(w, "from_any6", kUnreachable, from6("::")),
      dropped(w, "from_group6", kUnreachable, from6("ff02::1")),
  };
}

const bool kInEveryMode = add_rows(Hook::kRx, "reject", in_every_mode(Hook::kRx)) &&
                          add_rows(Hook::kXmit, "reject", in_every_mode(Hook::kXmit));
const bool kResets = add_rows(Hook::kRx, "reject_reset", resets(Hook::kRx)) &&
                     add_rows(Hook::kXmit, "reject_reset", resets(Hook::kXmit));
const bool kUnreachables = add_rows(Hook::kRx, "reject_unreachable", unreachables(Hook::kRx)) &&
                           add_rows(Hook::kXmit, "reject_unreachable", unreachables(Hook::kXmit));
const bool kUnanswered = add_rows(Hook::kRx, "reject_unanswered", unanswered(Hook::kRx)) &&
                         add_rows(Hook::kXmit, "reject_unanswered", unanswered(Hook::kXmit));

// By broadcast, as some stacks take unicast packets too.
const bool kToAll = add_rows(Hook::kRx, "reject_unanswered",
                             {dropped(way(Hook::kRx), "by_broadcast", kUnreachable,
                                      frame(Ethernet{.dst = "ff:ff:ff:ff:ff:ff"},
                                            way(Hook::kRx).there4, Udp{}, payload(25)))});

}  // namespace
}  // namespace bpfvlan::test
