// SPDX-License-Identifier: MIT
#include "rows.hpp"

namespace bpfvlan::cli {

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

}  // namespace bpfvlan::cli
