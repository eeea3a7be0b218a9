// SPDX-License-Identifier: MIT
#include "stateful/tcp_talk.hpp"

#include <fmt/core.h>

#include <utility>

namespace bpfvlan::test {
namespace {

constexpr std::uint16_t kServer = 80;

std::uint8_t bits(const std::string& flags) {
  static constexpr std::string_view order = "FSRPAU";
  std::uint8_t out = 0;
  for (const auto letter : flags) out |= static_cast<std::uint8_t>(1U << order.find(letter));
  return out;
}

bool has(const std::string& flags, char flag) {
  return flags.find(flag) != std::string::npos;
}

}  // namespace

TcpTalk::TcpTalk(int family, Place opener, std::uint16_t port)
    : family_(family), opener_(opener), port_(port) {}

TcpTalk& TcpTalk::add(const std::string& what, Place from, Tcp header, unsigned bytes) {
  const bool opener = from == opener_;
  header.sport = opener ? port_ : kServer;
  header.dport = opener ? kServer : port_;
  header.window = window_;
  if (scale_ >= 0 && (header.flags & Tcp::kSyn))
    header.options = {3, 3, static_cast<std::uint8_t>(scale_), 1};
  const auto what_else = bytes ? fmt::format(", {} bytes", bytes) : "";
  steps_.push_back({fmt::format("{} {}{}", to_string(from), what, what_else), from,
                    packet(family_, from, header, payload(bytes)), std::exchange(wait_, {})});
  return *this;
}

TcpTalk& TcpTalk::sends(Place from, const std::string& flags, unsigned bytes) {
  auto& own = side(from);
  const Tcp header{.seq = own.next,
                   .ack = has(flags, 'A') ? side(other_end(from)).next : 0,
                   .flags = bits(flags)};
  own.next += bytes + has(flags, 'S') + has(flags, 'F');
  return add(flags, from, header, bytes);
}

TcpTalk& TcpTalk::open() {
  return sends(opener(), "S").sends(answerer(), "SA").sends(opener(), "A");
}

TcpTalk& TcpTalk::again() {
  auto step = steps_.back();
  step.what += " again";
  step.wait = std::exchange(wait_, {});
  steps_.push_back(std::move(step));
  return *this;
}

TcpTalk& TcpTalk::beside(Place from, const std::string& flags, std::int64_t seq, std::int64_t ack,
                         unsigned bytes) {
  const auto at = [](std::uint32_t next, std::int64_t beside) {
    return static_cast<std::uint32_t>(next + beside);
  };
  const Tcp header{.seq = at(side(from).next, seq),
                   .ack = has(flags, 'A') ? at(side(other_end(from)).next, ack) : 0,
                   .flags = bits(flags)};
  return add(fmt::format("{} {:+} ack {:+}", flags, seq, ack), from, header, bytes);
}

TcpTalk& TcpTalk::restart(std::int64_t seq) {
  of_opener_.next = static_cast<std::uint32_t>(of_opener_.next + seq);
  of_answerer_.next += 5'000'000;
  return *this;
}

TcpTalk& TcpTalk::wait(std::chrono::seconds time) {
  wait_ = time;
  return *this;
}

TcpTalk& TcpTalk::with_window_scale(std::uint8_t scale) {
  scale_ = scale;
  return *this;
}

TcpTalk& TcpTalk::with_window(std::uint16_t window) {
  window_ = window;
  return *this;
}

}  // namespace bpfvlan::test
