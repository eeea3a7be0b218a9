// SPDX-License-Identifier: MIT
#include "row.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <ostream>
#include <string_view>
#include <utility>

namespace bpfvlan::test {
namespace {

constexpr std::size_t kPayload = 24;

std::vector<Row>& registry() {
  static std::vector<Row> rows;
  return rows;
}

// behaviour.md, "rx": what l3s leaves to the host.
bool asks_for_neighbour(const Bytes& frame) {
  constexpr std::size_t kEthertypeAt = 12, kNextHeaderAt = 20, kSourceAt = 22, kAddress = 16;
  if (frame.size() < kSourceAt + kAddress) return false;
  const int ethertype = frame[kEthertypeAt] << 8 | frame[kEthertypeAt + 1];
  const auto source = frame.begin() + kSourceAt;
  return ethertype == Arp::kEthertype ||
         (ethertype == IPv6::kEthertype && frame[kNextHeaderAt] == Icmp6Echo::kProtocol &&
          std::all_of(source, source + kAddress, [](auto octet) { return octet == 0; }));
}

// What of a row is different there: the reason, by the row's name.
const std::map<std::string_view, bv_reason> kDifferentInL3s = {
    // The filter reads what delivery alone does not look at.
    {"rx_ipv6_cut_behind_header", BV_REASON_RX_MALFORMED},
    {"rx_ipv6_payload_length_beyond_frame", BV_REASON_RX_MALFORMED},
};

std::vector<Row> in_l3s(const Row& row) {
  Row others = row, requests = row;
  others.name += "_l3s";
  requests.name += "_l3s_request";
  others.world.mode = requests.world.mode = BV_MODE_L3S;
  const auto different = kDifferentInL3s.find(row.name);
  if (different != kDifferentInL3s.end()) others.reason = different->second;
  if (row.reason != BV_REASON_RX_DELIVERED) return {others};

  requests.reason = BV_REASON_RX_NO_ENDPOINT;
  std::erase_if(others.frames, asks_for_neighbour);
  std::erase_if(requests.frames, std::not_fn(asks_for_neighbour));
  std::vector<Row> out{others, requests};
  std::erase_if(out, [](const Row& r) { return r.frames.empty(); });
  return out;
}

}  // namespace

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name;
}

bool add_rows(Hook hook, const std::string& table, std::vector<Row> rows) {
  for (Row& row : rows) {
    row.hook = hook;
    const char* prefix = hook == Hook::kRx ? "rx_" : hook == Hook::kXdp ? "xdp_" : "xmit_";
    row.name = prefix + table + "_" + row.name;
    registry().push_back(std::move(row));
  }
  return true;
}

bool add_rows(const std::string& table, const std::vector<BothWays>& rows) {
  std::vector<Row> rx, xmit;
  for (const BothWays& both : rows) {
    Row row{.name = both.name, .frames = both.frames, .gso_size = both.gso_size, .tag = both.tag};
    row.reason = both.rx;
    rx.push_back(row);
    row.reason = both.xmit;
    xmit.push_back(row);
  }
  return add_rows(Hook::kRx, table, std::move(rx)) && add_rows(Hook::kXmit, table, std::move(xmit));
}

const std::vector<Row>& all_rows() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> out = registry();
    for (const Row& row : registry()) {
      if (row.world.mode != BV_MODE_L3 || row.world.filter || row.hook == Hook::kXdp) continue;
      for (Row& copy : in_l3s(row)) out.push_back(std::move(copy));
    }
    return out;
  }();
  return rows;
}

std::vector<Row> with_each_policy(const std::vector<Row>& rows) {
  std::vector<Row> out;
  for (const Row& row : rows) {
    for (const auto& [policy, name] : kPolicies) {
      Row& copy = out.emplace_back(row);
      copy.name += std::string("_") + name;
      copy.world.sender = copy.world.receiver = policy;
    }
  }
  return out;
}

std::vector<Row> with_each_mode_and_policy(const std::vector<Row>& rows) {
  constexpr std::pair<bv_mode, const char*> kModes[] = {
      {BV_MODE_L2, "l2"}, {BV_MODE_L3, "l3"}, {BV_MODE_L3S, "l3s"}};
  std::vector<Row> out;
  for (const auto& [mode, name] : kModes) {
    for (Row& row : with_each_policy(rows)) {
      row.name += std::string("_") + name;
      row.world.mode = mode;
      out.push_back(std::move(row));
    }
  }
  return out;
}

bv_policy stricter(bv_policy a, bv_policy b) {
  if (a == BV_POLICY_PRIVATE || b == BV_POLICY_PRIVATE) return BV_POLICY_PRIVATE;
  if (a == BV_POLICY_VEPA || b == BV_POLICY_VEPA) return BV_POLICY_VEPA;
  return BV_POLICY_BRIDGE;
}

std::vector<Bytes> cut(const Bytes& frame, std::size_t from, std::size_t to) {
  std::vector<Bytes> out;
  for (std::size_t size = from; size < to; ++size) out.push_back(resized(frame, size));
  return out;
}

Bytes udp4(const IPv4& ip) {
  return frame(Ethernet{}, ip, Udp{}, payload(kPayload));
}

Bytes udp6(const IPv6& ip) {
  return frame(Ethernet{}, ip, Udp{}, payload(kPayload));
}

}  // namespace bpfvlan::test
