// SPDX-License-Identifier: MIT
#include "row.hpp"

#include <ostream>

namespace bpfvlan::test {
namespace {

constexpr std::size_t kPayload = 24;

std::vector<Row>& registry() {
  static std::vector<Row> rows;
  return rows;
}

}  // namespace

void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name;
}

bool add_rows(Hook hook, const std::string& table, std::vector<Row> rows) {
  for (Row& row : rows) {
    row.hook = hook;
    row.name = (hook == Hook::kRx ? "rx_" : "xmit_") + table + "_" + row.name;
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
  return registry();
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
