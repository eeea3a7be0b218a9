// SPDX-License-Identifier: MIT
// What a packet costs from socket to socket, in instructions: ours beside the kernel's ipvlan. For
// a machine whose clock counts instructions (vm-tests/run-in-vm --icount), where the same takes the
// same time. Peers take turns, each on a network of its own; JSON. With --check FILE only rows with
// bounds are measured, and one that is above its bound is a failure.
#include <fmt/core.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "bounds.hpp"
#include "path_rows.hpp"
#include "path_scale.hpp"

namespace bpfvlan::test {
namespace {

using nlohmann::json;

const Peer kIpvlan{"ipvlan", EngineKind::Ipvlan};
const std::vector<Peer> kPeers{
    kIpvlan,
    {"bpfvlan, veth", EngineKind::Bpfvlan, BV_DEVICE_VETH},
    {"bpfvlan, netkit", EngineKind::Bpfvlan, BV_DEVICE_NETKIT},
};

struct Effort {
  unsigned turns = 3, batches = 100, warm_up = 30;
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// The median batch: timers, grace periods and what else a kernel does meanwhile are in few of them.
Result<double> measure(const Network& network, const Row& row, const Effort& effort) {
  BV_TRY(auto flow, Flow::open((network.*row.path->from)(), (network.*row.path->to)(), row.family,
                               row.traffic));
  for (unsigned i = 0; i < effort.warm_up; ++i) BV_CHECK(flow.batch());
  std::vector<double> seen;
  for (unsigned i = 0; i < effort.batches; ++i) {
    BV_TRY(const auto cost, flow.batch());
    seen.push_back(cost);
  }
  BV_CHECK(flow.at_rest());
  return median(std::move(seen));
}

using Costs = std::map<std::string, std::vector<double>>;  // of each peer, one a turn

Result<> take_turn(const Peer& peer, const std::vector<Row>& rows, const Effort& effort,
                   std::vector<Costs>& costs) {
  const auto& setting = rows.front().setting;
  BV_TRY(const auto network, Network::make(peer, setting.mode));
  if (setting.rules) BV_CHECK(network->engine().restore(AF_INET, input_rules(*setting.rules)));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto cost = measure(*network, rows[i], effort);
    if (!cost)
      return refuse(std::errc::io_error, fmt::format("{}, {}: {}", peer.name,
                                                     sentence(rows[i].names()), cost.error().what));
    costs[i][peer.name].push_back(*cost);
  }
  return {};
}

json result(const Row& row, const Peer& peer, const Costs& costs) {
  const auto digits = [](double value) { return std::round(value * 1e4) / 1e4; };
  const auto& mine = costs.at(peer.name);
  const auto [least, most] = std::minmax_element(mine.begin(), mine.end());
  auto j = row.names();
  j["peer"] = peer.name;
  j["instructions"] = std::llround(median(mine));
  j["turns_apart"] = digits(*most / *least - 1);
  j["ratio"] = digits(median(mine) / median(costs.at(kIpvlan.name)));
  return j;
}

// Rows of one setting.
Result<> compare(const std::vector<Row>& rows, const Effort& effort, json& results) {
  std::vector<Costs> costs(rows.size());
  for (unsigned turn = 0; turn < effort.turns; ++turn)
    for (const auto& peer : kPeers) BV_CHECK(take_turn(peer, rows, effort, costs));
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (const auto& peer : kPeers) results.push_back(result(rows[i], peer, costs[i]));
  return {};
}

Result<json> run(const std::vector<Row>& rows, const Effort& effort) {
  if (const auto missing = engine_missing(EngineKind::Ipvlan))
    return refuse(std::errc::not_supported, *missing);
  auto results = json::array();
  for (auto row = rows.begin(); row != rows.end();) {
    const auto end = std::find_if(row, rows.end(),
                                  [&](const Row& other) { return other.setting != row->setting; });
    BV_CHECK(compare({row, end}, effort, results));
    row = end;
  }
  utsname kernel{};
  uname(&kernel);
  return json{{"kernel", kernel.release}, {"results", results}};
}

Result<bool> check(const std::string& file, const Effort& effort) {
  BV_TRY(const auto bounds, read_bounds(file));
  BV_TRY(const auto rows, rows_with(bounds));
  BV_TRY(const auto measured, run(rows, effort));
  fmt::print("{}\n", measured.dump(1));
  std::fflush(stdout);  // before the sentences
  BV_TRY(const auto sentences, broken(bounds, measured["results"]));
  for (const auto& sentence : sentences) fmt::print(stderr, "{}\n", sentence);
  return sentences.empty();
}

Result<bool> show_scale(const Effort& effort, unsigned endpoints) {
  const auto one = [&](const Network& network, const Row& row) {
    return measure(network, row, effort);
  };
  BV_TRY(const auto results, measure_scale(one, endpoints));
  utsname kernel{};
  uname(&kernel);
  fmt::print("{}\n", json{{"kernel", kernel.release}, {"results", results}}.dump(1));
  return true;
}

Result<bool> show(const Effort& effort) {
  BV_TRY(const auto measured, run(all_rows(), effort));
  fmt::print("{}\n", measured.dump(1));
  return true;
}

}  // namespace
}  // namespace bpfvlan::test

int main(int argc, char** argv) {
  using namespace bpfvlan;
  CLI::App app("Instructions of a packet from socket to socket, beside the kernel's ipvlan");
  test::Effort effort;
  std::string bounds;
  app.add_option("--turns", effort.turns, "Networks of each peer")->check(CLI::Range(1, 100));
  app.add_option("--batches", effort.batches, "Measured on each")->check(CLI::Range(1, 10'000));
  app.add_option("--check", bounds, "File of bounds")->check(CLI::ExistingFile);
  bool scale = false;
  app.add_flag("--scale", scale, "With many endpoints and addresses instead; one turn")
      ->excludes("--check");
  unsigned endpoints = 1024;
  app.add_option("--endpoints", endpoints,
                 "With --scale: how many are many; thousands take minutes")
      ->check(CLI::Range(3, BV_DEFAULT_ENDPOINTS));
  CLI11_PARSE(app, argc, argv);

  if (const auto in = lab::enter_sandbox(); !in) {
    fmt::print(stderr, "{} (run as root)\n", in.error().what);
    return EXIT_FAILURE;
  }
  const auto good = scale            ? test::show_scale(effort, endpoints)
                    : bounds.empty() ? test::show(effort)
                                     : test::check(bounds, effort);
  if (!good) fmt::print(stderr, "{}\n", good.error().what);
  return good && *good ? EXIT_SUCCESS : EXIT_FAILURE;
}
