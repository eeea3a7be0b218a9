// SPDX-License-Identifier: MIT
#include "path_scale.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lab/command.hpp"

namespace bpfvlan::test {
namespace {

using nlohmann::json;

// Beside A and B. They are in a namespace of their own, so that its long lists are nobody's on the
// way.
struct Others {
  unsigned endpoints = 0, addresses_each = 0;
};

std::string address(unsigned number) {
  return fmt::format("10.{}.{}.{}", 64 + (number >> 16), number >> 8 & 255, number & 255);
}

Result<> add_ours(const Others& others) {
  std::string batch;
  for (unsigned i = 0, number = 0; i < others.endpoints; ++i) {
    batch += fmt::format("endpoint add c{} --parent P --netns crowd --device veth", i);
    for (unsigned n = 0; n < others.addresses_each; ++n)
      batch += fmt::format(" --address {}", address(number++));
    batch += '\n';
  }
  const auto r = lab::run({BPFVLAN_CLI, "-n", "host", "-b", "-"}, batch);
  if (r.status) return refuse(std::errc::io_error, r.err);
  return {};
}

Result<> add_ipvlans(const Others& others) {
  std::vector<std::string> links, inside;
  for (unsigned i = 0, number = 0; i < others.endpoints; ++i) {
    if (links.size() == 500) {  // ip keeps a file open for each
      BV_CHECK(ip_batch("host", links));
      links.clear();
    }
    links.push_back(fmt::format("link add link P name c{} netns crowd type ipvlan mode l3", i));
    inside.push_back(fmt::format("link set dev c{} up", i));
    for (unsigned n = 0; n < others.addresses_each; ++n)
      inside.push_back(fmt::format("address add {} dev c{}", address(number++), i));
  }
  BV_CHECK(ip_batch("host", links));
  return ip_batch("crowd", inside);
}

std::vector<Row> rows() {
  auto all = all_rows();
  std::erase_if(all, [](const Row& row) {
    return row.setting != Setting{BV_MODE_L3, {}} || row.family != AF_INET ||
           row.traffic != Traffic::Datagrams;
  });
  return all;
}

using Fewest = std::map<std::string, double>;  // by the path: the cost without others

Result<> measure_with(const Peer& peer, const Others& others, const Measure& measure,
                      Fewest& fewest, json& results) {
  lab::Lab crowd;
  BV_TRY(const auto network, Network::make(peer, BV_MODE_L3));
  if (others.endpoints) {
    BV_CHECK(crowd.add_netns("crowd"));
    BV_CHECK(peer.engine == EngineKind::Ipvlan ? add_ipvlans(others) : add_ours(others));
  }
  for (const auto& row : rows()) {
    BV_TRY(const auto cost, measure(*network, row));
    auto j = row.names();
    const auto first = fewest.try_emplace(j.at("path"), cost).first->second;
    j["peer"] = peer.name;
    j["endpoints"] = 2 + others.endpoints;
    j["addresses"] = 2 + others.endpoints * others.addresses_each;
    j["instructions"] = std::llround(cost);
    j["over_fewest"] = std::round(cost / first * 1e4) / 1e4;
    results.push_back(std::move(j));
  }
  return {};
}

}  // namespace

// The driver compares each new address with all that are there, which is what limits how many it is
// given here.
Result<json> measure_scale(const Measure& measure, unsigned endpoints) {
  const Others many{endpoints - 2, 1};
  const std::vector<std::pair<Peer, std::vector<Others>>> peers{
      {{"ipvlan", EngineKind::Ipvlan}, {{}, {64, 256}, many}},
      {{"bpfvlan, veth", EngineKind::Bpfvlan}, {{}, {64, 256}, {62, 1057}, many}},
  };
  auto results = json::array();
  for (const auto& [peer, settings] : peers) {
    Fewest fewest;
    for (const auto& others : settings)
      BV_CHECK(measure_with(peer, others, measure, fewest, results));
  }
  return results;
}

}  // namespace bpfvlan::test
