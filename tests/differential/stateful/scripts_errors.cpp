// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <sys/socket.h>

#include "stateful/script.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kEthernetHeader = 14;

// From `from`, or a router on its side, about a packet.
struct Error {
  int family;
  Place from;
  Raw quoted;
  std::uint8_t type4, type6;
  std::uint8_t code = 0;
  bool by_router = false;
  Place to = other_end(from);

  Bytes bytes() const {
    const Ethernet mac{.dst = kMacP, .src = from == Place::X ? kMacX : kMacP};
    const Addr router{"10.66.1.2", "fd00:66::2"};
    const auto &src = by_router ? router : address_of(from), &dst = address_of(to);
    if (family == AF_INET)
      return frame(mac, IPv4{.src = src.v4, .dst = dst.v4}, IcmpError{.type = type4, .code = code},
                   quoted);
    return frame(mac, IPv6{.src = src.v6, .dst = dst.v6},
                 Icmp6Error{.type = type6, .code = code, .rest = type6 == 2 ? 1280U : 0U}, quoted);
  }
};

Raw quote(const Bytes& frame, std::size_t most = 1000) {
  const auto begin = frame.begin() + kEthernetHeader;
  const auto size = std::min(most, frame.size() - kEthernetHeader);
  return {Bytes(begin, begin + static_cast<std::ptrdiff_t>(size))};
}

constexpr std::uint8_t kUnreachable4 = IcmpError::kUnreachable,
                       kUnreachable6 = Icmp6Error::kUnreachable;

}  // namespace

void add_error_scripts(Scripts& all, int family) {
  std::uint16_t port = 50'000;
  const std::size_t ip_header = family == AF_INET ? 20 : 40;
  for (const auto opener : {Place::X, Place::A}) {
    const auto answerer = other_end(opener);
    const auto add = [&](const char* name, std::vector<Step> steps) {
      all.push_back({"ct_related", fmt::format("{}, {} asks", name, to_string(opener)), family,
                     std::move(steps)});
      ++port;
    };
    const auto udp = [&] {
      return packet(family, opener, Udp{.sport = port, .dport = 53}, payload(40));
    };
    const auto error = [&](Raw quoted, std::uint8_t type4 = kUnreachable4,
                           std::uint8_t type6 = kUnreachable6) {
      return Error{family, answerer, std::move(quoted), type4, type6};
    };
    const Step asks{"asks", opener, udp()};
    const auto says = [&](const char* what, const Error& e) {
      return Step{what, e.from, e.bytes()};
    };
    auto of_router = error(quote(udp()));
    of_router.by_router = true;
    auto port_closed = error(quote(udp()));
    port_closed.code = family == AF_INET ? 3 : 4;
    add("unreachable",
        {asks, says("port unreachable", port_closed), says("once more", port_closed), asks});
    add("by a router", {{"asks", opener, udp()}, says("unreachable", of_router)});
    add("time exceeded", {{"asks", opener, udp()},
                          says("exceeded", error(quote(udp()), 11, Icmp6Error::kTimeExceeded)),
                          says("bad header", error(quote(udp()), 12, 4))});
    add("of no connection", {says("unreachable", error(quote(udp())))});
    add("quotes as little as may be", {{"asks", opener, udp()},
                                       says("8 bytes", error(quote(udp(), ip_header + 8))),
                                       says("4 bytes", error(quote(udp(), ip_header + 4))),
                                       says("no header", error(quote(udp(), ip_header - 2)))});
    const auto answer = packet(family, answerer, Udp{.sport = 53, .dport = port}, payload(40));
    auto about_answer = error(quote(answer));
    about_answer.from = opener;
    about_answer.to = answerer;
    add("about the answer", {{"asks", opener, udp()},
                             {"answers", answerer, answer},
                             says("unreachable", about_answer)});
    // The quoted packet was another's.
    auto to_another = error(quote(answer));
    add("to who did not send what it quotes",
        {{"asks", opener, udp()}, {"answers", answerer, answer}, says("unreachable", to_another)});
    const auto syn = packet(family, opener, Tcp{.sport = port, .dport = 80});
    add("about TCP", {{"SYN", opener, syn},
                      says("unreachable", error(quote(syn))),
                      says("too big", error(quote(syn), kUnreachable4, 2)),
                      {"SYN again", opener, syn}});
    const auto echo = family == AF_INET ? packet(family, opener, IcmpEcho{.id = port}, payload(8))
                                        : packet(family, opener, Icmp6Echo{.id = port}, payload(8));
    add("about an echo", {{"asks", opener, echo}, says("unreachable", error(quote(echo)))});
    const auto inner = error(quote(udp()));
    add("about an error", {{"asks", opener, udp()},
                           says("unreachable", inner),
                           {"unreachable, unreachable", opener,
                            Error{family, opener, quote(inner.bytes()), 3, 1}.bytes()}});
    if (family == AF_INET)
      add("redirect and quench", {{"asks", opener, udp()},
                                  says("redirect", error(quote(udp()), 5)),
                                  says("quench", error(quote(udp()), 4))});
  }
}

}  // namespace bpfvlan::test
