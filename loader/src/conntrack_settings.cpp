// SPDX-License-Identifier: MIT
#include "conntrack_settings.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <limits>

namespace bpfvlan {
namespace {

struct Timeout {
  std::string_view name;
  std::uint32_t seconds;
};
constexpr Timeout kTimeouts[] = {
#define X(id, name, seconds) {name, seconds},
    BV_CT_TIMEOUTS(X)
#undef X
};

struct Switch {
  std::string_view name;
  std::uint8_t bv_ct_settings::*field;
  std::uint8_t default_value;
  std::uint8_t most;
};
// Defaults: nf_conntrack_tcp_init_net().
constexpr Switch kSwitches[] = {
    {"nf_conntrack_tcp_loose", &bv_ct_settings::tcp_loose, 1, 1},
    {"nf_conntrack_tcp_be_liberal", &bv_ct_settings::tcp_be_liberal, 0, 1},
    {"nf_conntrack_tcp_ignore_invalid_rst", &bv_ct_settings::tcp_ignore_invalid_rst, 0, 1},
    {"nf_conntrack_tcp_max_retrans", &bv_ct_settings::tcp_max_retrans, 3, 15},
};

// Times in the table are compared as signed distances.
constexpr std::uint64_t kMaxTicks = std::numeric_limits<std::int32_t>::max();

// Never early, and read back as the seconds that were asked for.
std::uint64_t to_ticks(std::uint64_t seconds, std::uint32_t per_1000) {
  return (seconds * per_1000 + 999) / 1000;
}

std::uint32_t to_seconds(std::uint32_t ticks, std::uint32_t per_1000) {
  return static_cast<std::uint32_t>(std::uint64_t{ticks} * 1000 / per_1000);
}

Result<> change(bv_ct_settings& settings, const ConntrackChange& change) {
  const auto not_within = [&](std::uint64_t least, std::uint64_t most, const char* unit) {
    return refuse(
        std::errc::invalid_argument,
        fmt::format("{}={}: not within {} and {}{}", change.name, change.value, least, most, unit));
  };
  for (const auto& s : kSwitches) {
    if (s.name != change.name) continue;
    if (change.value > s.most) return not_within(0, s.most, "");
    settings.*s.field = static_cast<std::uint8_t>(change.value);
    return {};
  }
  const auto per_1000 = settings.ticks_per_1000_seconds;
  const auto most = kMaxTicks * 1000 / per_1000;
  for (std::size_t i = 0; i < std::size(kTimeouts); ++i) {
    if (kTimeouts[i].name != change.name) continue;
    if (change.value < 1 || change.value > most) return not_within(1, most, " seconds");
    settings.timeout[i] = static_cast<std::uint32_t>(to_ticks(change.value, per_1000));
    return {};
  }
  return refuse(std::errc::invalid_argument,
                fmt::format("no setting '{}': `conntrack settings` lists them", change.name));
}

// Entries keep their time when a time-out becomes shorter.
void set_longest(bv_ct_settings& settings) {
  for (std::size_t i = 0; i < std::size(kTimeouts); ++i)
    settings.longest = std::max(settings.longest, settings.timeout[i]);
}

}  // namespace

// The resolution of this clock is the kernel's tick, and nothing else tells CONFIG_HZ.
std::uint32_t ticks_per_1000_seconds() {
  timespec resolution{};
  clock_getres(CLOCK_MONOTONIC_COARSE, &resolution);
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const auto ns = static_cast<std::uint64_t>(resolution.tv_nsec);
  const auto hz = (kSecond + ns / 2) / ns;
  return static_cast<std::uint32_t>(hz * 1000 >> BV_CT_TICK_SHIFT);
}

bv_ct_settings default_ct_settings(std::uint32_t ticks_per_1000_seconds) {
  bv_ct_settings settings{};
  settings.ticks_per_1000_seconds = ticks_per_1000_seconds;
  for (std::size_t i = 0; i < std::size(kTimeouts); ++i)
    settings.timeout[i] =
        static_cast<std::uint32_t>(to_ticks(kTimeouts[i].seconds, ticks_per_1000_seconds));
  for (const auto& s : kSwitches) settings.*s.field = s.default_value;
  set_longest(settings);
  return settings;
}

std::vector<ConntrackSetting> list_settings(const bv_ct_settings& settings) {
  std::vector<ConntrackSetting> out;
  for (std::size_t i = 0; i < std::size(kTimeouts); ++i)
    out.push_back({kTimeouts[i].name,
                   to_seconds(settings.timeout[i], settings.ticks_per_1000_seconds),
                   kTimeouts[i].seconds});
  for (const auto& s : kSwitches) out.push_back({s.name, settings.*s.field, s.default_value});
  return out;
}

Result<bv_ct_settings> change_settings(bv_ct_settings settings,
                                       const std::vector<ConntrackChange>& changes) {
  for (const auto& c : changes) BV_CHECK(change(settings, c));
  set_longest(settings);
  return settings;
}

Result<ConntrackChange> ConntrackChange::parse(std::string_view text) {
  const auto equals = text.find('=');
  const auto bad = [&] {
    return refuse(std::errc::invalid_argument,
                  fmt::format("'{}' is not NAME=VALUE with a number from 0 on", text));
  };
  if (equals == std::string_view::npos) return bad();
  auto name = text.substr(0, equals);
  const auto digits = text.substr(equals + 1);
  constexpr std::string_view kPrefix = "net.netfilter.";
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  ConntrackChange change{std::string(name), 0};
  std::uint64_t value = 0;
  const auto [end, err] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (err != std::errc{} || end != digits.data() + digits.size()) return bad();
  change.value = value;
  return change;
}

}  // namespace bpfvlan
