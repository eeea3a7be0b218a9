// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include <functional>

#include "stateful/tcp_talk.hpp"

namespace bpfvlan::test {
namespace {

using std::chrono::seconds;

constexpr std::uint16_t kFirstPort = 30'000;
constexpr int kMillion = 1'000'000;

void close(TcpTalk& t) {
  t.open().sends(t.opener(), "FA").sends(t.answerer(), "FA").sends(t.opener(), "A");
}

}  // namespace

void add_tcp_window_scripts(Scripts& all, int family) {
  std::uint16_t port = kFirstPort;
  using Settings = std::vector<std::pair<std::string, std::string>>;
  const auto add = [&](const char* name, const std::function<void(TcpTalk&)>& talk,
                       const Settings& settings = {}) {
    for (const auto opener : {Place::X, Place::A}) {
      TcpTalk t(family, opener, port++);
      talk(t);
      all.push_back({"ct_tcp_window", fmt::format("{}, {} opens", name, to_string(opener)), family,
                     t.steps(), settings});
      // A reset that may be challenged: ours is as Linux 6.11, before it the connection had 10 s.
      all.back().seconds = std::string(name).find("reset") == std::string::npos;
    }
  };
  add("blind resets", [](TcpTalk& t) {
    t.open().sends(t.opener(), "PA", 100).sends(t.answerer(), "A");
    for (const auto seq : {kMillion, -kMillion, 70'000, 20'000, 100, 1, -1})
      t.beside(t.opener(), "R", seq).beside(t.answerer(), "R", seq);
    t.sends(t.opener(), "PA", 10).sends(t.answerer(), "A");
  });
  add("a reset within the window, and a challenge", [](TcpTalk& t) {
    t.open().beside(t.opener(), "R", 10).sends(t.answerer(), "A").sends(t.opener(), "PA", 10);
    t.sends(t.answerer(), "A").sends(t.opener(), "R");
  });
  add("sent again", [](TcpTalk& t) {
    t.open().sends(t.opener(), "PA", 100).again().again().again().again();
    t.sends(t.answerer(), "A").beside(t.opener(), "A", -1).beside(t.answerer(), "A", -1);
    t.beside(t.opener(), "PA", -100, 0, 100).sends(t.answerer(), "PA", 50).again();
  });
  add("out of the window", [](TcpTalk& t) {
    t.open().sends(t.opener(), "PA", 100).sends(t.answerer(), "A");
    for (const auto beside : {kMillion, -kMillion, 70'000, -70'000, 9'000, -9'000})
      for (const auto from : {t.opener(), t.answerer()})
        t.beside(from, "PA", beside, 0, 10).beside(from, "PA", 0, beside, 10);
    t.sends(t.opener(), "PA", 10).sends(t.answerer(), "A");
  });
  add("out of the window, let pass",
      [](TcpTalk& t) {
        t.open().beside(t.opener(), "PA", kMillion, 0, 10).beside(t.answerer(), "A", 0, kMillion);
        t.sends(t.opener(), "PA", 10).sends(t.answerer(), "A");
      },
      {{"nf_conntrack_tcp_be_liberal", "1"}});
  add("a window that is scaled", [](TcpTalk& t) {
    t.with_window_scale(7).open();
    for (const auto beside : {kMillion, 1'040'000, 1'060'000, 70'000, 2'000'000})
      t.beside(t.opener(), "PA", beside, 0, 100).beside(t.answerer(), "PA", beside, 0, 100);
    t.with_window(0).sends(t.answerer(), "A").with_window(8192).sends(t.answerer(), "A");
    t.sends(t.opener(), "PA", 10).sends(t.answerer(), "A");
  });
  add("in the middle", [](TcpTalk& t) {
    t.sends(t.opener(), "PA", 100).sends(t.answerer(), "A").sends(t.answerer(), "PA", 100);
    t.sends(t.opener(), "A").beside(t.opener(), "A", kMillion).sends(t.opener(), "FA");
    t.sends(t.answerer(), "FA").sends(t.opener(), "A");
  });
  add("in the middle, not picked up",
      [](TcpTalk& t) { t.sends(t.opener(), "PA", 100).sends(t.answerer(), "A"); },
      {{"nf_conntrack_tcp_loose", "0"}});
  add("the same ends again", [](TcpTalk& t) {
    close(t);
    t.restart(kMillion).open().sends(t.opener(), "PA", 10).sends(t.answerer(), "A");
  });
  add("the same ends again, from older numbers", [](TcpTalk& t) {
    close(t);
    t.restart(-kMillion).open().sends(t.opener(), "PA", 10).sends(t.answerer(), "A");
  });
  add("the same ends again, after a reset", [](TcpTalk& t) {
    t.open().sends(t.opener(), "R").restart(kMillion).open().sends(t.opener(), "PA", 10);
  });
  add("the same ends again, the other side opens", [](TcpTalk& t) {
    close(t);
    t.restart(kMillion).sends(t.answerer(), "S").sends(t.opener(), "SA");
    t.sends(t.answerer(), "A").sends(t.opener(), "A");
  });
  add("a SYN while it is open", [](TcpTalk& t) {
    t.open().beside(t.opener(), "S", kMillion).beside(t.answerer(), "A", 0);
    t.sends(t.opener(), "R").restart(kMillion).open();
  });
  add("nobody answers in time",
      [](TcpTalk& t) {
        t.sends(t.opener(), "S").wait(seconds(4)).sends(t.answerer(), "SA");
        t.sends(t.opener(), "A");
      },
      {{"nf_conntrack_tcp_timeout_syn_sent", "2"}});
  add("closed, and over",
      [](TcpTalk& t) {
        close(t);
        t.wait(seconds(4)).beside(t.answerer(), "A", 0).beside(t.opener(), "FA", -1);
      },
      {{"nf_conntrack_tcp_timeout_time_wait", "2"}});
  add("not acknowledged",
      [](TcpTalk& t) { t.open().sends(t.opener(), "PA", 100).sends(t.answerer(), "A"); },
      {{"nf_conntrack_tcp_timeout_unacknowledged", "77"}});
  add("sent again too often",
      [](TcpTalk& t) {
        t.open().sends(t.opener(), "PA", 100).again().again().again().sends(t.answerer(), "A");
      },
      {{"nf_conntrack_tcp_timeout_max_retrans", "66"}, {"nf_conntrack_tcp_max_retrans", "2"}});
  add("resets out of order are let pass",
      [](TcpTalk& t) {
        t.open().sends(t.opener(), "PA", 100).beside(t.answerer(), "R", kMillion);
        t.sends(t.answerer(), "A");
      },
      {{"nf_conntrack_tcp_ignore_invalid_rst", "1"}});
}

}  // namespace bpfvlan::test
