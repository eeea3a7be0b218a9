// SPDX-License-Identifier: MIT
// What XDP in front of bv_rx takes from it, and what it leaves.
#include "row.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kEthernet = 14, kHeader4 = 20, kHeader6 = 40;
constexpr std::size_t kManyBuffers = 3900;  // more than BPF_PROG_TEST_RUN puts into the first one

const Ethernet kFromWire{.dst = kMac, .src = kOtherMac};
const IPv4 kIn4{.src = kOutside4, .dst = kReceiver4};
const IPv6 kIn6{.src = kOutside6, .dst = kReceiver6};
const Chain kDropAll{.policy = BV_TARGET_DROP};

Bytes in4(const IPv4& ip, const Ethernet& ethernet = kFromWire) {
  return frame(ethernet, ip, Udp{}, payload(24));
}
Bytes in6(const IPv6& ip, const Ethernet& ethernet = kFromWire) {
  return frame(ethernet, ip, Udp{}, payload(24));
}
Bytes from4(const char* src) {
  return in4({.src = src, .dst = kReceiver4});
}
Bytes from6(const char* src) {
  return in6({.src = src, .dst = kReceiver6});
}

std::vector<Bytes> operator+(std::vector<Bytes> a, const std::vector<Bytes>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<Bytes> bad_headers(const Ethernet& ethernet) {
  const auto with = [&](IPv4 ip) {
    ip.src = kOutside4;
    ip.dst = kReceiver4;
    return in4(ip, ethernet);
  };
  const Bytes whole4 = in4(kIn4, ethernet), whole6 = in6(kIn6, ethernet);
  std::vector<Bytes> out{with({.version = 5}),
                         with({.version = 6}),
                         with({.ihl = 0}),
                         with({.ihl = 4}),
                         with({.total_length = kHeader4 - 1}),
                         with({.ihl = 15, .total_length = 59}),
                         with({.options = Bytes(4, 1), .total_length = kHeader4}),
                         with({.total_length = 65535}),
                         in4({.src = kOutside4, .dst = kOutside4, .version = 5}, ethernet),
                         in6({.src = kOutside6, .dst = kReceiver6, .version = 4}, ethernet),
                         in6({.src = kOutside6, .dst = kOutside6, .version = 7}, ethernet)};
  return out + cut(whole4, kEthernet, kEthernet + kHeader4) +
         cut(whole4, kEthernet + kHeader4, whole4.size()) +
         cut(whole6, kEthernet, kEthernet + kHeader6);
}

// Every stack drops what comes from there.
std::vector<Bytes> from_nobody() {
  return {from4("0.0.0.0"),   from4("127.0.0.1"), from4("127.255.255.255"),
          from4("224.0.0.1"), from4("239.1.2.3"), from4("255.255.255.255"),
          from6("ff02::1"),   from6("ff00::"),    from6("::1")};
}

// But for learned addresses, which are in xdp_test.cpp.
std::vector<Bytes> from_itself() {
  return {from4(kReceiver4), from4(kReceiverLinkLocal4)};
}

// Beside those. An endpoint's frame may come back by the switch outside, so siblings are none.
std::vector<Bytes> nearly_spoofed() {
  return {from4("0.0.0.1"),
          from4("126.255.255.255"),
          from4("128.0.0.0"),
          from4("223.255.255.255"),
          from4("240.0.0.1"),
          from4("255.255.255.254"),
          from4(kSender4),
          from4(kParent4),
          from4(kForeign4),
          from6("::2"),
          from6("::"),
          from6("fe80::1"),
          from6("::ffff:192.0.2.9"),
          from6("::ffff:127.0.0.1"),
          from6(kReceiver6),
          from6(kSender6),
          from6("feff::1")};
}

// Of no connection: new ones, and such as can be none.
std::vector<Bytes> without_connection() {
  const auto in = [](const Layer& ip, const std::vector<Layer>& upper) {
    std::vector<Layer> layers{kFromWire, ip};
    layers.insert(layers.end(), upper.begin(), upper.end());
    layers.emplace_back(payload(24));
    return build(layers);
  };
  IPv4 options4 = kIn4, first4 = kIn4;
  options4.options = Bytes(40, 1);
  first4.more_fragments = true;
  std::vector<Bytes> out;
  for (const Layer& ip : {Layer(kIn4), Layer(kIn6), Layer(options4)}) {
    out.push_back(in(ip, {Udp{}}));
    out.push_back(in(ip, {Udp{.length = 7}}));
    for (const std::uint8_t flags :
         {Tcp::kSyn, Tcp::kAck, Tcp::kRst, std::uint8_t{0}, std::uint8_t(Tcp::kSyn | Tcp::kAck),
          std::uint8_t(Tcp::kSyn | Tcp::kFin)})
      out.push_back(in(ip, {Tcp{.flags = flags}}));
    out.push_back(in(ip, {Tcp{.data_offset = 4}}));
    out.push_back(in(ip, {Tcp{.data_offset = 15}}));
  }
  out.push_back(in(kIn4, {IcmpEcho{}}));
  out.push_back(in(kIn4, {IcmpEcho{.reply = true}}));
  out.push_back(in(kIn4, {IcmpError{}, kIn4, Udp{}}));
  out.push_back(in(kIn6, {Icmp6Echo{}}));
  out.push_back(in(kIn6, {Icmp6Error{}, kIn6, Udp{}}));
  out.push_back(in(kIn6, {HopByHop{}, DestinationOptions{}, Udp{}}));
  out.push_back(in(kIn6, {Fragment{.more = true}, Udp{.length = 1000}}));
  out.push_back(in(first4, {Udp{.length = 1000}}));
  out.push_back(frame(kFromWire, kIn4));
  out.push_back(frame(kFromWire, kIn6));
  out.push_back(resized(frame(kFromWire, kIn4, Udp{}), 60));
  out.push_back(frame(kFromWire, kIn4, Udp{}, payload(kManyBuffers)));
  return out;
}

// What the filter never looks at, does not ask rules about, or cannot look behind.
std::vector<Bytes> beyond_rules() {
  IPv6 near = kIn6;
  near.hop_limit = 255;
  IPv4 later4 = kIn4, short4 = kIn4;
  later4.fragment_offset = 8;
  later4.protocol = Udp::kProtocol;
  short4.more_fragments = true;
  short4.protocol = Tcp::kProtocol;
  return {
      frame(kFromWire, Arp{.target_ip = kReceiver4}),
      frame(kFromWire, near, NeighborSolicitation{.target = kReceiver6}),
      frame(kFromWire, near, NeighborAdvertisement{.target = kOutside6}),
      frame(kFromWire, IPv6{.src = "::", .dst = kReceiver6, .hop_limit = 255},
            NeighborSolicitation{.target = kReceiver6}),
      frame(kFromWire, later4, payload(32)),
      frame(kFromWire, kIn6, Fragment{.offset = 8, .next_header = Udp::kProtocol}, payload(32)),
      frame(kFromWire, short4, payload(16)),
      frame(kFromWire, kIn6, Fragment{.more = true, .next_header = Tcp::kProtocol}, payload(16)),
      in6({.src = kOutside6, .dst = kReceiver6, .payload_length = 1000})};
}

std::vector<Bytes> for_nobody() {
  return {in4({.src = kOutside4, .dst = kOutside4}), in4({.src = kOutside4, .dst = kParent4}),
          in4({.src = "224.0.0.1", .dst = kOutside4}), in4({.src = kOutside4, .dst = kForeign4}),
          in6({.src = kOutside6, .dst = kOutside6}), in6({.src = "ff02::1", .dst = kParent6}),
          frame(kFromWire, Arp{.target_ip = kParent4}), frame(kFromWire, Lldp{}),
          frame(Ethernet{.dst = kMac, .ethertype = 0x88b5}, payload(32)),
          frame(kFromWire, Arp{.target_ip = kReceiver4}),
          resized(frame(kFromWire, Arp{.target_ip = kReceiver4}), 30),
          // Cut behind its header, which is all that every stack looks at.
          resized(frame(kFromWire, IPv6{.src = "::", .dst = "ff02::1"},
                        NeighborSolicitation{.target = kReceiver6}),
                  60)};
}

// With something in between, or for others: the frames that end here if they are the parent's.
std::vector<Bytes> not_for_parent() {
  std::vector<Bytes> out;
  for (const char* mac : {kOtherMac, "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "02:00:00:00:00:00"})
    out = out + bad_headers({.dst = mac}) +
          std::vector<Bytes>{in4(kIn4, {.dst = mac}), in6(kIn6, {.dst = mac}),
                             in4({.src = "224.0.0.1", .dst = kReceiver4}, {.dst = mac})};
  for (const Vlan& tag : {Vlan{.id = 0}, Vlan{.id = 7}, Vlan{.id = 0, .tpid = 0x88a8},
                          Vlan{.id = 7, .tpid = 0x88a8}}) {
    out.push_back(frame(kFromWire, tag, kIn4, Udp{}, payload(24)));
    out.push_back(frame(kFromWire, tag, IPv4{.dst = kReceiver4, .version = 5}, Udp{}));
  }
  return out;
}

// 0 may be a super-packet's length, if it comes from the same machine.
const std::vector<Bytes> kNoLength = {in4({.src = kOutside4, .dst = kReceiver4, .total_length = 0}),
                                      in4({.src = kOutside4, .dst = kOutside4, .total_length = 0})};

// Once with the filter on and nothing accepted, and once with it off.
std::vector<Row> filtered_and_not(const std::vector<Row>& rows) {
  std::vector<Row> out;
  for (const bool filter : {false, true})
    for (Row row : rows) {
      row.name += filter ? "_filtered" : "_unfiltered";
      row.world.xdp = true;
      row.world.filter = filter;
      row.world.input = filter ? kDropAll : Chain{};
      row.connections = filter ? std::optional<std::size_t>(0) : std::nullopt;
      out.push_back(row);
    }
  return with_each_mode_and_policy(out);
}

const bool kHeaders = add_rows(
    Hook::kXdp, "header",
    filtered_and_not(
        {{.name = "bad", .frames = bad_headers(kFromWire), .reason = BV_REASON_RX_BAD_HEADER},
         {.name = "no_length", .frames = kNoLength, .reason = kLeftToRx}}));
const bool kSources =
    add_rows(Hook::kXdp, "source",
             filtered_and_not(
                 {{.name = "nobodys", .frames = from_nobody(), .reason = BV_REASON_RX_SPOOFED}}));
const bool kOthers = add_rows(
    Hook::kXdp, "others",
    filtered_and_not({{.name = "for_nobody", .frames = for_nobody(), .reason = kLeftToRx},
                      {.name = "not_for_parent", .frames = not_for_parent(), .reason = kLeftToRx},
                      {.name = "at_another_parent",
                       .frames = without_connection() + from_nobody() + from_itself(),
                       .reason = kLeftToRx,
                       .from_other = true}}));

std::vector<Row> rows_of_rules() {
  const Chain rule{.rules = {"-p udp --dport 1 -j DROP", "-j DROP"}};
  const Chain accept{.rules = {"-s 0.0.0.0/0 -j ACCEPT", "-s ::/0 -j ACCEPT"},
                     .policy = BV_TARGET_DROP};
  const Chain reject{.rules = {"-p tcp -j REJECT --reject-with tcp-reset", "-j REJECT"},
                     .policy = BV_TARGET_DROP};
  std::vector<Row> rows = {{.name = "drop",
                            .frames = without_connection(),
                            .reason = BV_REASON_RX_RULE,
                            .world = {.input = rule}},
                           {.name = "policy",
                            .frames = without_connection() + nearly_spoofed() + from_itself(),
                            .reason = BV_REASON_RX_CHAIN_POLICY,
                            .world = {.input = kDropAll}},
                           {.name = "accept",
                            .frames = without_connection() + nearly_spoofed(),
                            .reason = kLeftToRx,
                            .world = {.input = accept}},
                           {.name = "accept_spoofed",
                            .frames = from_nobody() + from_itself(),
                            .reason = BV_REASON_RX_SPOOFED,
                            .world = {.input = accept}},
                           {.name = "reject",
                            .frames = without_connection(),
                            .reason = kLeftToRx,
                            .world = {.input = reject}},
                           {.name = "none", .frames = without_connection(), .reason = kLeftToRx},
                           {.name = "beyond",
                            .frames = beyond_rules(),
                            .reason = kLeftToRx,
                            .world = {.input = kDropAll}},
                           {.name = "other_direction",
                            .frames = without_connection(),
                            .reason = kLeftToRx,
                            .world = {.output = kDropAll}}};
  for (Row& row : rows) {
    row.world.filter = row.world.xdp = true;
    row.connections = 0;
  }
  return with_each_mode_and_policy(rows);
}
const bool kRules = add_rows(Hook::kXdp, "rules", rows_of_rules());

// Neither TCP's nor ICMP's own answers need be seen: a connection is there once it was entered.
std::vector<Row> rows_of_connections() {
  const IPv4 out4{.src = kReceiver4, .dst = kOutside4};
  const IPv6 out6{.src = kReceiver6, .dst = kOutside6};
  const Ethernet to_wire{.dst = kOtherMac, .src = kMac};
  Row row{.name = "entered",
          .frames = {frame(kFromWire, kIn4, Udp{.sport = 5000, .dport = 4000}, payload(24)),
                     frame(kFromWire, kIn6, Tcp{.sport = 5000, .dport = 4000}, payload(24)),
                     frame(kFromWire, kIn4, IcmpEcho{.reply = true}, payload(24)),
                     frame(kFromWire, IPv4{.src = "198.51.100.1", .dst = kReceiver4}, IcmpError{},
                           out4, Udp{}, payload(24))},
          .reason = kLeftToRx};
  row.world.filter = row.world.xdp = true;
  row.world.input = kDropAll;
  row.world.sent_before = {{Who::kReceiver, frame(to_wire, out4, Udp{}, payload(24))},
                           {Who::kReceiver, frame(to_wire, out6, Tcp{}, payload(24))},
                           {Who::kReceiver, frame(to_wire, out4, IcmpEcho{}, payload(24))}};
  row.connections = 3;
  return with_each_mode_and_policy({row});
}
const bool kConnections = add_rows(Hook::kXdp, "connection", rows_of_connections());

std::vector<Row> rows_of_redirects() {
  constexpr std::size_t kUdp4 = kHeader4 + 8, kMtu = 1500;
  const auto of_size = [](std::size_t mtu) {
    return frame(kFromWire, kIn4, Udp{}, payload(mtu - kUdp4));
  };
  const std::vector<Bytes> taken = {in4(kIn4),
                                    in6(kIn6),
                                    of_size(kMtu),
                                    frame(kFromWire, kIn4),
                                    frame(kFromWire, kIn4, Tcp{}, payload(24)),
                                    in6({.src = kOutside6, .dst = kReceiverLinkLocal6})};
  std::vector<Row> rows = {
      {.name = "taken", .frames = taken + nearly_spoofed(), .reason = BV_REASON_RX_DELIVERED},
      {.name = "too_long", .frames = {of_size(kMtu + 1), of_size(3000)}, .reason = kLeftToRx},
      {.name = "many_buffers",
       .frames = {frame(kFromWire, kIn4, Udp{}, payload(kManyBuffers))},
       .reason = kLeftToRx,
       .world = {.xdp_mtu = 9000}},
      {.name = "no_device", .frames = taken, .reason = kLeftToRx, .world = {.xdp_device = false}},
      {.name = "from_nobody", .frames = from_nobody(), .reason = BV_REASON_RX_SPOOFED},
      {.name = "from_itself", .frames = from_itself(), .reason = BV_REASON_RX_SPOOFED},
      {.name = "of_another",
       .frames = {in4({.src = kOutside4, .dst = kThird4}), in6({.src = kOutside6, .dst = kThird6})},
       .reason = kLeftToRx},
      {.name = "for_nobody", .frames = for_nobody(), .reason = kLeftToRx},
      {.name = "not_for_parent", .frames = not_for_parent() + kNoLength, .reason = kLeftToRx},
      {.name = "filtered", .frames = taken, .reason = kLeftToRx, .world = {.filter = true}}};
  for (Row& row : rows) {
    row.world.xdp = true;
    if (!row.world.xdp_mtu) row.world.xdp_mtu = kMtu;
    if (!row.world.filter) row.world.filter = false;
  }
  return with_each_mode_and_policy(rows);
}
const bool kRedirects = add_rows(Hook::kXdp, "redirect", rows_of_redirects());

}  // namespace
}  // namespace bpfvlan::test
