// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <sys/socket.h>

#include "stateful/script.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kEthernetHeader = 14;

// A UDP packet in pieces of `size` bytes, a multiple of 8.
std::vector<Bytes> fragments(int family, Place from, std::uint16_t id, std::size_t size) {
  const auto whole =
      packet(family, from, Udp{.sport = id, .dport = 53}, payload(2 * size + size / 2));
  const auto ip_header = kEthernetHeader + (family == AF_INET ? 20U : 40U);
  const auto &src = address_of(from), &dst = address_of(other_end(from));
  const Ethernet mac{.dst = kMacP, .src = from == Place::X ? kMacX : kMacP};
  std::vector<Bytes> out;
  for (auto at = ip_header; at < whole.size(); at += size) {
    const auto end = std::min(at + size, whole.size());
    const auto part = whole.begin() + static_cast<std::ptrdiff_t>(at);
    const Raw raw{Bytes(part, whole.begin() + static_cast<std::ptrdiff_t>(end))};
    const auto offset = static_cast<std::uint16_t>((at - ip_header) / 8);
    const bool more = end < whole.size();
    out.push_back(family == AF_INET
                      ? frame(mac,
                              IPv4{.src = src.v4,
                                   .dst = dst.v4,
                                   .id = id,
                                   .more_fragments = more,
                                   .fragment_offset = offset,
                                   .protocol = 17},
                              raw)
                      : frame(mac, IPv6{.src = src.v6, .dst = dst.v6},
                              Fragment{.offset = offset, .more = more, .id = id, .next_header = 17},
                              raw));
  }
  return out;
}

}  // namespace

void add_fragment_scripts(Scripts& all, int family) {
  std::uint16_t id = 60'000;
  const auto add = [&](const char* row, const char* name, std::initializer_list<std::size_t> order,
                       const std::optional<Stated>& stated = {}) {
    for (const auto from : {Place::X, Place::A}) {
      const auto parts = fragments(family, from, id++, 400);
      Script script{row, fmt::format("{}, from {}", name, to_string(from)), family};
      script.at_the_end = true;  // the driver keeps them until it has all
      script.counts = row == std::string("ct_fragment_counts");
      script.stated = stated;
      for (const auto i : order)
        script.steps.push_back({fmt::format("part {}", i + 1), from, parts.at(i)});
      all.push_back(std::move(script));
    }
  };
  add("ct_fragments", "in order", {0, 1, 2});
  add("ct_fragment_counts", "counted", {0, 1, 2},
      Stated{"*packets=1 bytes=10?8 *", "*packets=1 bytes=4??*"});
  add("ct_fragments", "twice", {0, 1, 2, 0, 1, 2});
  add("ct_fragments", "without the first", {1, 2});
  add("ct_fragment_order", "the last one first", {2, 1, 0}, Stated{"*? gets*", "*in the end: *"});
}

}  // namespace bpfvlan::test
