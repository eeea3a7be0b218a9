// SPDX-License-Identifier: MIT
#include "bounds.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>

namespace bpfvlan::test {

using nlohmann::json;

Result<std::vector<Bound>> read_bounds(const std::string& path) {
  std::ifstream file(path);
  const auto whole = json::parse(file, nullptr, false);
  if (!file || whole.is_discarded() || !whole.contains("paths"))
    return refuse(std::errc::invalid_argument, path + ": no JSON with bounds of paths");
  std::vector<Bound> bounds;
  for (const auto& entry : whole["paths"]) {
    if (!entry.value("at_most", json{}).is_number() || !entry.value("peer", json{}).is_string() ||
        !entry.value("because", json{}).is_string())
      return refuse(std::errc::invalid_argument,
                    path + ": a bound has peer, at_most and because: " + entry.dump());
    Bound bound{entry, entry["peer"], entry["at_most"], entry["because"]};
    for (const auto* key : {"peer", "at_most", "because"}) bound.names.erase(key);
    bounds.push_back(std::move(bound));
  }
  return bounds;
}

Result<std::vector<Row>> rows_with(const std::vector<Bound>& bounds) {
  auto rows = all_rows();
  for (const auto& bound : bounds)
    if (std::none_of(rows.begin(), rows.end(),
                     [&](const Row& row) { return row.names() == bound.names; }))
      return refuse(std::errc::invalid_argument, "no row is called " + bound.names.dump());
  std::erase_if(rows, [&](const Row& row) {
    return std::none_of(bounds.begin(), bounds.end(),
                        [&](const Bound& bound) { return row.names() == bound.names; });
  });
  return rows;
}

Result<std::vector<std::string>> broken(const std::vector<Bound>& bounds, const json& results) {
  std::vector<std::string> sentences;
  for (const auto& bound : bounds) {
    auto wanted = bound.names;
    wanted["peer"] = bound.peer;
    // Of a result, what it measured comes on top of its names.
    const auto found = std::find_if(results.begin(), results.end(), [&](const json& result) {
      return std::all_of(wanted.items().begin(), wanted.items().end(),
                         [&](const auto& item) {
                           return result.value(item.key(), json{}) == item.value();
                         }) &&
             result.contains("rules") == wanted.contains("rules");
    });
    if (found == results.end())
      return refuse(std::errc::invalid_argument, "not measured: " + wanted.dump());
    const double measured = (*found)["ratio"];
    if (measured > bound.at_most)
      sentences.push_back(
          fmt::format("{}: {} costs {} times what ipvlan does, the bound is {} ({})",
                      sentence(bound.names), bound.peer, measured, bound.at_most, bound.because));
  }
  return sentences;
}

}  // namespace bpfvlan::test
