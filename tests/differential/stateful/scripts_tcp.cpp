// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include <functional>

#include "stateful/tcp_talk.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::uint16_t kFirstPort = 20'000;

}  // namespace

void add_tcp_scripts(Scripts& all, int family) {
  std::uint16_t port = kFirstPort;
  const auto add = [&](const char* name, const std::function<void(TcpTalk&)>& talk) {
    for (const auto opener : {Place::X, Place::A}) {
      TcpTalk t(family, opener, port++);
      talk(t);
      all.push_back(
          {"ct_tcp", fmt::format("{}, {} opens", name, to_string(opener)), family, t.steps()});
    }
  };
  add("the opener closes", [](TcpTalk& t) {
    t.open().sends(t.opener(), "PA", 100).sends(t.answerer(), "A");
    t.sends(t.answerer(), "PA", 500).sends(t.opener(), "A");
    t.sends(t.opener(), "FA").sends(t.answerer(), "A");
    t.sends(t.answerer(), "FA").sends(t.opener(), "A");
  });
  add("the answerer closes", [](TcpTalk& t) {
    t.open().sends(t.answerer(), "FA").sends(t.opener(), "A");
    t.sends(t.opener(), "PA", 200).sends(t.answerer(), "A");
    t.sends(t.opener(), "FA").sends(t.answerer(), "A");
  });
  add("both close at once", [](TcpTalk& t) {
    t.open();
    t.beside(t.opener(), "FA", 0).sends(t.answerer(), "FA");
    t.sends(t.opener(), "FA").sends(t.answerer(), "A");
    t.beside(t.opener(), "A", 0);
  });
  add("FIN and answer in one", [](TcpTalk& t) {
    t.open().sends(t.opener(), "FA").sends(t.answerer(), "FA").sends(t.opener(), "A");
  });
  add("reset by the opener", [](TcpTalk& t) {
    t.open().sends(t.opener(), "PA", 100).sends(t.opener(), "R").sends(t.answerer(), "A");
  });
  add("reset by the answerer", [](TcpTalk& t) {
    t.open().sends(t.opener(), "PA", 100).sends(t.answerer(), "RA").sends(t.opener(), "A");
  });
  add("refused", [](TcpTalk& t) { t.sends(t.opener(), "S").sends(t.answerer(), "RA"); });
  add("half open", [](TcpTalk& t) {
    t.sends(t.opener(), "S").again().sends(t.answerer(), "SA").again();
    t.beside(t.opener(), "S", -1);
  });
  add("half open, and given up", [](TcpTalk& t) {
    t.sends(t.opener(), "S").sends(t.answerer(), "SA").sends(t.opener(), "R");
  });
  add("a segment that does not belong to the opening", [](TcpTalk& t) {
    t.sends(t.opener(), "S").beside(t.answerer(), "A", 0, -7).beside(t.opener(), "A", 0);
    t.sends(t.answerer(), "SA").sends(t.opener(), "A");
  });
  add("an answer to another SYN", [](TcpTalk& t) {
    t.sends(t.opener(), "S").beside(t.answerer(), "SA", 0, 1000).beside(t.opener(), "R", 1000);
    t.sends(t.answerer(), "SA").sends(t.opener(), "A");
  });
  add("both open at once", [](TcpTalk& t) {
    t.sends(t.opener(), "S").sends(t.answerer(), "S");
    t.beside(t.opener(), "SA", -1).beside(t.answerer(), "SA", -1);
    t.sends(t.opener(), "A").sends(t.answerer(), "A", 10).sends(t.opener(), "A");
  });
  add("data with the last segment of the opening", [](TcpTalk& t) {
    t.sends(t.opener(), "S").sends(t.answerer(), "SA").sends(t.opener(), "PA", 300);
    t.sends(t.answerer(), "A");
  });
  add("FIN before it is open", [](TcpTalk& t) {
    t.sends(t.opener(), "S").sends(t.answerer(), "SA").sends(t.answerer(), "FA");
    t.sends(t.opener(), "A").sends(t.opener(), "FA").sends(t.answerer(), "A");
  });
  add("an answer without a question",
      [](TcpTalk& t) { t.sends(t.opener(), "SA").sends(t.answerer(), "R"); });
  for (const char* flags :
       {"R", "RA", "F", "FA", "", "SF", "SR", "FPU", "SFRPAU", "PU", "SU", "SP"})
    add(fmt::format("first segment '{}'", flags).c_str(),
        [&](TcpTalk& t) { t.sends(t.opener(), flags).sends(t.answerer(), "SA"); });
  add("flags that say nothing, in between", [](TcpTalk& t) {
    t.open();
    for (const char* flags : {"", "SF", "FPU", "P", "S", "SA", "AU"})
      t.beside(t.opener(), flags, 0).beside(t.answerer(), flags, 0);
    t.sends(t.opener(), "PA", 10).sends(t.answerer(), "A");
  });
}

}  // namespace bpfvlan::test
