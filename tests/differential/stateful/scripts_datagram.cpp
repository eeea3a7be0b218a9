// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <sys/socket.h>

#include <utility>

#include "stateful/script.hpp"

namespace bpfvlan::test {
namespace {

using std::chrono::seconds;

constexpr std::uint16_t kPort = 40'000, kServer = 53;

// Collects the steps between an opener and who answers.
class Exchange {
 public:
  Exchange(int family, Place opener) : family_(family), opener_(opener) {}

  template <class Layer>
  Exchange& there(std::string what, Layer layer, std::size_t bytes = 32) {
    return add(opener_, std::move(what), std::move(layer), bytes);
  }
  template <class Layer>
  Exchange& back(std::string what, Layer layer, std::size_t bytes = 32) {
    return add(other_end(opener_), std::move(what), std::move(layer), bytes);
  }
  Exchange& wait(seconds time) {
    wait_ = time;
    return *this;
  }
  std::vector<Step> steps() const { return steps_; }

 private:
  template <class Layer>
  Exchange& add(Place from, std::string what, Layer layer, std::size_t bytes) {
    steps_.push_back({fmt::format("{} {}", to_string(from), what), from,
                      packet(family_, from, std::move(layer), payload(bytes)),
                      std::exchange(wait_, {})});
    return *this;
  }

  int family_;
  Place opener_;
  seconds wait_{};
  std::vector<Step> steps_;
};

Udp ask(std::uint16_t port) {
  return {.sport = port, .dport = kServer};
}
Udp answer(std::uint16_t port) {
  return {.sport = kServer, .dport = port};
}

void add_udp(Scripts& all, int family, Place opener) {
  std::uint16_t port = kPort;
  const auto add = [&](const char* name, const Exchange& e,
                       std::vector<std::pair<std::string, std::string>> settings = {}) {
    all.push_back({"ct_udp", fmt::format("{}, {} opens", name, to_string(opener)), family,
                   e.steps(), std::move(settings)});
    ++port;
  };
  const auto start = [&] { return Exchange(family, opener); };
  add("one way", start().there("asks", ask(port)).there("asks again", ask(port)));
  add("answered", start().there("asks", ask(port)).back("answers", answer(port)));
  add("a stream", start()
                      .there("asks", ask(port))
                      .back("answers", answer(port))
                      .wait(seconds(3))
                      .there("asks again", ask(port))
                      .back("answers again", answer(port)));
  add("a stream at once", start()
                              .there("asks", ask(port))
                              .back("answers", answer(port))
                              .there("asks again", ask(port))
                              .back("answers again", answer(port)));
  add("answered too late",
      start().there("asks", ask(port)).wait(seconds(4)).back("answers", answer(port)),
      {{"nf_conntrack_udp_timeout", "2"}});
  auto without = ask(port);
  without.checksum = 0;
  if (family == AF_INET) add("without a checksum", start().there("asks", without));
  auto too_long = ask(port), too_short = ask(port), shorter = ask(port);
  too_long.length = 999;
  too_short.length = 7;
  shorter.length = 20;
  add("a length beyond the packet's", start().there("asks", too_long));
  add("a length below the header's", start().there("asks", too_short));
  shorter.checksum = 0;  // which would be another one
  if (family == AF_INET) add("a length below the packet's", start().there("asks", shorter));
}

template <class Echo>
void add_echo(Scripts& all, int family, Place opener) {
  std::uint16_t id = 400;
  const auto add = [&](const char* name, const Exchange& e) {
    all.push_back(
        {"ct_icmp", fmt::format("{}, {} asks", name, to_string(opener)), family, e.steps()});
    ++id;
  };
  const auto start = [&] { return Exchange(family, opener); };
  const auto request = [&](std::uint16_t seq) { return Echo{.id = id, .seq = seq}; };
  const auto reply = [&](std::uint16_t seq) { return Echo{.reply = true, .id = id, .seq = seq}; };
  add("an echo", start().there("asks", request(1)).back("answers", reply(1)));
  add("several", start()
                     .there("asks", request(1))
                     .there("asks", request(2))
                     .back("answers", reply(1))
                     .back("answers", reply(2))
                     .back("answers", reply(2)));
  add("an answer that nobody asked for", start().there("answers", reply(1)));
  add("the other side asks with the same identifier",
      start().there("asks", request(1)).back("asks", request(1)).there("answers", reply(1)));
}

// What has no ports, or none that are looked at.
void add_others(Scripts& all, int family, Place opener) {
  const auto bytes = [&](Place from, std::uint8_t protocol) {
    const Ethernet mac{.dst = kMacP, .src = from == Place::X ? kMacX : kMacP};
    const auto &src = address_of(from), &dst = address_of(other_end(from));
    return family == AF_INET
               ? frame(mac, IPv4{.src = src.v4, .dst = dst.v4, .protocol = protocol}, payload(32))
               : frame(mac, IPv6{.src = src.v6, .dst = dst.v6, .next_header = protocol},
                       payload(32));
  };
  for (const auto protocol : std::initializer_list<std::uint8_t>{50, 89, 253})
    all.push_back({"ct_generic",
                   fmt::format("protocol {}, {} opens", protocol, to_string(opener)),
                   family,
                   {{"there", opener, bytes(opener, protocol)},
                    {"there again", opener, bytes(opener, protocol)},
                    {"back", other_end(opener), bytes(other_end(opener), protocol)}}});
  // Asks nothing, and is no error.
  const auto odd = family == AF_INET ? packet(family, opener, IcmpError{.type = 9, .code = 0})
                                     : packet(family, opener, Icmp6Error{.type = 150, .code = 0});
  all.push_back({"ct_icmp",
                 fmt::format("of another type, from {}", to_string(opener)),
                 family,
                 {{"sent", opener, odd}}});
}

}  // namespace

void add_datagram_scripts(Scripts& all, int family) {
  for (const auto opener : {Place::X, Place::A}) {
    add_udp(all, family, opener);
    if (family == AF_INET)
      add_echo<IcmpEcho>(all, family, opener);
    else
      add_echo<Icmp6Echo>(all, family, opener);
    add_others(all, family, opener);
  }
}

}  // namespace bpfvlan::test
