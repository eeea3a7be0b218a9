// SPDX-License-Identifier: MIT
#include "rows.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace bpfvlan::cli {
namespace {

std::string text_of(const Mac& mac) {
  return fmt::format("{:02x}", fmt::join(mac, ":"));
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return tolower(c); });
  return out;
}

}  // namespace

Rows to_rows(const std::vector<EndpointInfo>& endpoints) {
  Rows rows = Rows::array();
  for (const auto& e : endpoints) {
    Rows addresses = Rows::array();
    for (const auto& a : e.addresses) addresses.push_back(a.cidr());
    Rows learned = Rows::array();
    for (const auto& l : e.learned)
      learned.push_back({{"address", l.address.address()}, {"unused_seconds", l.unused_seconds}});
    rows.push_back({{"name", e.name},
                    {"parent", e.parent},
                    {"interface", e.interface},
                    {"netns", e.netns.empty() ? Rows(nullptr) : Rows(e.netns)},
                    {"host_side", e.host_side},
                    {"host_ifindex", e.host_ifindex},
                    {"device", e.device},
                    {"mode", to_string(e.mode)},
                    {"mode_inherited", !e.own_mode},
                    {"policy", to_string(e.policy)},
                    {"policy_inherited", !e.own_policy},
                    {"filter", e.filter},
                    {"filter_inherited", !e.own_filter},
                    {"xdp", e.takes_xdp},
                    {"parent_xdp", to_string(e.parent_xdp)},
                    {"mtu", e.mtu},
                    {"addresses", addresses},
                    {"learn_age", e.learn_age},
                    {"learned", learned},
                    {"addresses_refused", e.addresses_refused},
                    {"groups", e.groups},
                    {"groups_refused", e.groups_refused},
                    {"rx_packets", e.rx_packets},
                    {"rx_bytes", e.rx_bytes},
                    {"tx_packets", e.tx_packets},
                    {"tx_bytes", e.tx_bytes},
                    {"tx_dropped", e.tx_dropped}});
  }
  return rows;
}

std::vector<Column> endpoint_columns() {
  return {{"NAME", "name"},
          {"INTERFACE", "interface"},
          {"PARENT", "parent"},
          {"NETNS", "netns"},
          {"MODE", "mode"},
          {"POLICY", "policy"},
          {"FILTER", "filter"},
          {"DEVICE", "device"},
          {"RX-PKTS", "rx_packets", true},
          {"RX-BYTES", "rx_bytes", true},
          {"TX-PKTS", "tx_packets", true},
          {"TX-BYTES", "tx_bytes", true},
          {"GROUPS", "groups", true},
          {"REFUSED", "addresses_refused", true},
          {"ADDRESSES", "addresses"},
          {"LEARNED", "learned"}};
}

Rows to_rows(const std::vector<ReasonInfo>& reasons) {
  Rows rows = Rows::array();
  for (const auto& r : reasons)
    rows.push_back({{"reason", reason_id(r.reason)},
                    {"action", to_string(reason_action(r.reason))},
                    {"packets", r.packets},
                    {"bytes", r.bytes},
                    {"text", reason_text(r.reason)}});
  return rows;
}

Rows to_rows(const std::vector<HairpinInfo>& ports) {
  Rows rows = Rows::array();
  for (const auto& p : ports) {
    Rows addresses = Rows::array(), stations = Rows::array();
    for (const auto& a : p.addresses) addresses.push_back(a.cidr());
    for (const auto& s : p.stations)
      stations.push_back({{"mac", text_of(s.mac)},
                          {"vlan", s.vlan ? Rows(s.vlan) : Rows(nullptr)},
                          {"unused_seconds", s.unused_seconds}});
    Rows row = {{"interface", p.device}, {"ifindex", p.ifindex},  {"xdp", to_string(p.xdp)},
                {"hook", p.hook},        {"mac", text_of(p.mac)}, {"addresses", addresses},
                {"stations", stations}};
    for (int end = 0; end < BV_HAIRPIN_END_MAX; ++end) {
      const auto which = static_cast<bv_hairpin_end>(end);
      row[lower(hairpin_end_id(which))] = {{"packets", p.counts[which].packets},
                                           {"bytes", p.counts[which].bytes},
                                           {"text", hairpin_end_text(which)}};
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace bpfvlan::cli
