// SPDX-License-Identifier: MIT
#include "flows/side_by_side.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

#include <string_view>

#include "flows/on_purpose.hpp"
#include "rows/rows.hpp"

namespace bpfvlan::test {

Result<std::unique_ptr<SideBySide>> SideBySide::make(const Setting& setting) {
  BV_TRY(auto networks, Networks::make(setting));
  std::unique_ptr<SideBySide> both(new SideBySide(std::move(networks), setting));
  BV_CHECK(both->prepare());
  return both;
}

Result<> SideBySide::prepare() const {
  BV_CHECK(networks_.ip(Place::P,
                        {"route add default via 10.211.55.1", "route add default via fd00:55::1",
                         // What IPv4 takes for granted of an interface that is named.
                         "route add ::/0 dev h metric 4096"}));
  for (const auto* which : {"all", "X"})
    BV_CHECK(
        networks_.sysctl(Place::X, fmt::format("net.ipv4.conf.{}.send_redirects", which), "0"));
  for (const auto place : {Place::X, Place::P, Place::A, Place::B}) {
    BV_CHECK(networks_.sysctl(place, "net.ipv4.icmp_ratemask", "0"));
    BV_CHECK(networks_.sysctl(place, "net.ipv6.icmp.ratelimit", "0"));
    BV_CHECK(networks_.sysctl(place, "net.ipv6.conf.all.keep_addr_on_down", "1"));
    for (const auto* family : {"ipv4", "ipv6"}) {
      // That nobody answers a request for a MAC address is an error after some seconds, or not yet.
      BV_CHECK(networks_.sysctl(
          place, fmt::format("net.{}.neigh.{}.mcast_solicit", family, interface_of(place)), "100"));
      for (const auto which : {std::string_view("all"), interface_of(place)})
        BV_CHECK(networks_.sysctl(
            place, fmt::format("net.{}.conf.{}.accept_redirects", family, which), "0"));
    }
  }
  return know_siblings();
}

// Private and vepa hold for what is asked of siblings too, but not with the driver, where it is a
// matter of time who has heard of whom. Flows show what becomes of packets.
Result<> SideBySide::know_siblings() const {
  if (setting_.mode != BV_MODE_L2 || setting_.policy == BV_POLICY_BRIDGE) return {};
  for (const auto from : {Place::A, Place::B, Place::H}) {
    std::vector<std::string> lines;
    for (const auto to : {Place::A, Place::B, Place::H})
      for (const int family : {AF_INET, AF_INET6})
        if (from != to)
          lines.push_back(fmt::format("neigh replace {} lladdr {} dev {} nud permanent",
                                      address_of(to).of(family), kMacP, interface_of(from)));
    BV_CHECK(networks_.ip(from, lines));
  }
  return {};
}

// So many at once have to wait for each other as well.
SideBySide::Texts SideBySide::attempt(std::span<const Flow> flows, Milliseconds silence) {
  silence += flows.size() * 2ms * slowness();
  return ask_both([&](Watched& w) { return w.attempt(flows, silence); }, ipvlan_, bpfvlan_);
}

bool SideBySide::differs_on_purpose(const std::string& id) const {
  const auto* row = find_row(id);
  return row && cell_of(*row, setting_.mode).status == Status::Different;
}

void SideBySide::add(Comparison comparison) {
  if (differs_on_purpose(comparison.row)) comparison.wrong += unlike_stated(comparison, setting_);
  comparisons_.push_back(std::move(comparison));
}

// What differs may have taken longer on one: it is tried again before it is believed.
void SideBySide::compare(std::span<const Flow> flows, const std::string& when) {
  auto seen = attempt(flows, silence());
  std::vector<Flow> again;
  std::vector<std::size_t> which;
  for (std::size_t i = 0; i < flows.size(); ++i)
    if (seen.ipvlan[i] != seen.bpfvlan[i] && !differs_on_purpose(flows[i].row)) {
      again.push_back(flows[i]);
      which.push_back(i);
    }
  auto second = again.empty() ? Texts{} : attempt(again, 2 * silence());
  for (std::size_t i = 0; i < which.size(); ++i) {
    seen.ipvlan[which[i]] = std::move(second.ipvlan[i]);
    seen.bpfvlan[which[i]] = std::move(second.bpfvlan[i]);
  }
  for (std::size_t i = 0; i < flows.size(); ++i)
    add({flows[i].row, to_string(flows[i]) + (when.empty() ? "" : ", " + when),
         std::move(seen.ipvlan[i]), std::move(seen.bpfvlan[i])});
}

}  // namespace bpfvlan::test
