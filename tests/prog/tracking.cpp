// SPDX-License-Identifier: MIT
#include "tracking.hpp"

namespace bpfvlan::test {
namespace {

constexpr const char* kStates[] = {"NEW", "ESTABLISHED", "RELATED", "INVALID"};

Chain by_state() {
  Chain chain;
  for (const char* state : kStates)
    chain.rules.push_back(std::string("-m conntrack --ctstate ") + state + " -j ACCEPT");
  return chain;
}

}  // namespace

Tracking::Tracking(Programs& programs) : programs_(programs) {
  World world{.mode = BV_MODE_L3S};
  world.input = world.output = by_state();
  install(world, devices(), programs_);
  programs_.reset();
}

std::vector<std::uint64_t> Tracking::counts(bv_chain chain) const {
  std::vector<std::uint64_t> out;
  for (std::size_t rule = 0; rule < std::size(kStates); ++rule)
    out.push_back(programs_.rule_count(rule_counter(chain, rule)).packets);
  return out;
}

std::string Tracking::state_of(Hook hook, const Bytes& frame) {
  const bool rx = hook == Hook::kRx;
  const bv_chain chain = rx ? BV_CHAIN_INPUT : BV_CHAIN_OUTPUT;
  const auto before = counts(chain);
  programs_.run(hook, frame, {.device = rx ? devices().parent() : devices().sender()});
  const auto after = counts(chain);
  std::string states;
  for (std::size_t i = 0; i < after.size(); ++i)
    for (auto n = before[i]; n < after[i]; ++n)
      states += (states.empty() ? "" : " ") + std::string(kStates[i]);
  const bv_action action = programs_.last_verdict().action;
  if (action == BV_DROP || action == BV_PASS) return "dropped";
  return states.empty() ? "unfiltered" : states;
}

void Tracking::wait(std::uint32_t seconds) {
  for (std::uint32_t i = 0; i < programs_.connections() / BV_CONN_WAYS; ++i) {
    auto set = *programs_.find<bv_conn_set>("conntrack", i);
    const auto ticks = static_cast<std::uint32_t>(std::uint64_t{seconds} *
                                                  settings().ticks_per_1000_seconds / 1000);
    bool changed = false;
    for (std::size_t way = 0; way < BV_CONN_WAYS; ++way) {
      if (!set.tag[way]) continue;
      set.conn[way].expires -= ticks;
      if (set.conn[way].protocol == Udp::kProtocol) set.conn[way].stream_from -= ticks;
      changed = true;
    }
    if (changed) programs_.put("conntrack", i, set);
  }
}

bv_ct_settings Tracking::settings() const {
  return *programs_.find<bv_ct_settings>("ct_settings", std::uint32_t{0});
}

void Tracking::set(const bv_ct_settings& settings) {
  programs_.put("ct_settings", std::uint32_t{0}, settings);
}

}  // namespace bpfvlan::test
