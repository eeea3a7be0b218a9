// SPDX-License-Identifier: MIT
#include "flows/live_traffic.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

#include <utility>

namespace bpfvlan::test {
namespace {

constexpr std::pair<Place, Place> kTalking[] = {
    {Place::A, Place::B}, {Place::B, Place::A}, {Place::A, Place::X}, {Place::X, Place::A},
    {Place::X, Place::B}, {Place::X, Place::H}, {Place::X, Place::P}};

Result<std::unique_ptr<Streams>> start_streams(const Topology& topology,
                                               const std::vector<Talk>& talks) {
  std::vector<lab::Path> paths;
  for (const auto& [from, to, family] : talks)
    paths.push_back({topology.netns(from), topology.netns(to), address_of(to).of(family)});
  return Streams::start(paths);
}

}  // namespace

Result<std::unique_ptr<LiveTraffic>> LiveTraffic::start(SideBySide& both) {
  std::unique_ptr<LiveTraffic> live(new LiveTraffic(both));
  for (const int family : {AF_INET, AF_INET6})
    for (const auto& [from, to] : kTalking) live->talks_.push_back({from, to, family});
  const auto& networks = both.networks();
  BV_TRY(live->streams_.ipvlan, start_streams(*networks.ipvlan, live->talks_));
  BV_TRY(live->streams_.bpfvlan, start_streams(*networks.bpfvlan, live->talks_));
  live->steps_ = {std::vector<std::string>(live->talks_.size()),
                  std::vector<std::string>(live->talks_.size())};
  live->usually_ = live->ask(Alive(live->talks_.size()), 2 * silence()).ipvlan;
  return live;
}

// What one engine has and the other has not may still come there.
OfBoth<LiveTraffic::Alive> LiveTraffic::ask(Alive hoped, Milliseconds silence) {
  for (;;) {
    auto alive = ask_both(
        [&](const auto& s) { return s->alive(hoped, silence, 2 * bpfvlan::test::silence()); },
        streams_.ipvlan, streams_.bpfvlan);
    bool again = false;
    for (std::size_t i = 0; i < hoped.size(); ++i)
      if (alive.ipvlan[i] != alive.bpfvlan[i] && !hoped[i]) again = hoped[i] = true;
    if (!again) return alive;
  }
}

// Where some are expected, they show how long an answer takes.
void LiveTraffic::step(const std::string& name, Expect expect) {
  const auto alive = expect == Expect::AsUsual ? ask(usually_, silence() / 4)
                                               : ask(Alive(talks_.size()), silence());
  for (const auto& [steps, now] :
       {std::tie(steps_.ipvlan, alive.ipvlan), std::tie(steps_.bpfvlan, alive.bpfvlan)})
    for (std::size_t i = 0; i < now.size(); ++i)
      steps[i] +=
          fmt::format("{}{}: {}", steps[i].empty() ? "" : ", ", name, now[i] ? "yes" : "no");
}

void LiveTraffic::conclude(const std::string& event,
                           const std::function<std::string(const Talk&)>& row_of) {
  for (std::size_t i = 0; i < talks_.size(); ++i) {
    const auto& talk = talks_[i];
    const auto row = row_of(talk);
    auto ipvlan = std::exchange(steps_.ipvlan[i], {});
    auto bpfvlan = std::exchange(steps_.bpfvlan[i], {});
    if (row.empty()) continue;
    both_.add({row,
               fmt::format("{} -> {} stream {}, {}", to_string(talk.from), to_string(talk.to),
                           talk.family == AF_INET ? "ipv4" : "ipv6", event),
               std::move(ipvlan), std::move(bpfvlan)});
  }
}

}  // namespace bpfvlan::test
