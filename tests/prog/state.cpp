// SPDX-License-Identifier: MIT
#include "state.hpp"

#include <algorithm>
#include <array>

namespace bpfvlan::test {
namespace {

constexpr std::array kEverybody{Who::kSender, Who::kReceiver, Who::kThird};

}  // namespace

void StateTest::set(const World& world) {
  world_ = world;
  install(world, devices(), under_test());
  under_test().reset();
}

void StateTest::load(const Limits& limits) {
  own_.emplace(GetParam(), Programs::Record::kYes, limits);
  set(world_);
}

void StateTest::send(Who from, const Bytes& frame, std::optional<Tag> tag) {
  under_test().run(Hook::kXmit, frame, {.device = device_of(from, devices()), .tag = tag});
}

bv_reason StateTest::reason_of(const Bytes& frame) {
  under_test().run(Hook::kRx, frame, {.device = devices().parent()});
  return under_test().last_verdict().reason;
}

std::vector<Who> StateTest::hearers(const Bytes& frame) {
  std::array<std::uint64_t, kEverybody.size()> before{};
  for (std::size_t i = 0; i < kEverybody.size(); ++i)
    before[i] = under_test().endpoint(id_of(kEverybody[i])).rx_packets;
  under_test().run(Hook::kRx, frame, {.device = devices().parent()});
  std::vector<Who> out;
  for (std::size_t i = 0; i < kEverybody.size(); ++i)
    if (under_test().endpoint(id_of(kEverybody[i])).rx_packets != before[i])
      out.push_back(kEverybody[i]);
  return out;
}

std::uint64_t StateTest::counted(bv_reason reason) {
  return under_test().reasons()[reason].packets;
}

bv_ep_state StateTest::state(Who who) {
  return under_test().find<bv_ep_state>("ep_state", id_of(who)).value_or(bv_ep_state{});
}

std::vector<MacAddr> StateTest::groups(Who who) {
  std::vector<MacAddr> out;
  for (const auto& key : under_test().keys<bv_member_key>("members")) {
    if (key.id != id_of(who)) continue;
    MacAddr& mac = out.emplace_back();
    std::copy(std::begin(key.mac), std::end(key.mac), mac.octets.begin());
  }
  std::sort(out.begin(), out.end(),
            [](const MacAddr& a, const MacAddr& b) { return a.octets < b.octets; });
  return out;
}

bv_endpoint StateTest::settings(Who who) {
  return under_test()
      .find<bv_endpoint>("endpoints", device_of(who, devices()))
      .value_or(bv_endpoint{});
}

void StateTest::change(Who who, const bv_endpoint& settings) {
  under_test().put(device_of(who, devices()), settings);
}

}  // namespace bpfvlan::test
