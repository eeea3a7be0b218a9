// SPDX-License-Identifier: MIT
#include "path_rows.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

#include <iterator>

namespace bpfvlan::test {
namespace {

constexpr Path kPaths[]{
    {"sibling to sibling", &Network::a, &Network::b},
    {"endpoint to outside", &Network::a, &Network::x},
    {"outside to endpoint", &Network::x, &Network::a},
};

const Setting kSettings[]{
    {BV_MODE_L2, {}}, {BV_MODE_L3, {}}, {BV_MODE_L3S, {}}, {BV_MODE_L3S, 1U}, {BV_MODE_L3S, 1000U},
};

std::vector<Row> rows_of(const Setting& setting, const Path& path) {
  const bool inbound = path.to == &Network::a;
  if (setting.rules) {  // input_rules() are about what comes in by IPv4 and UDP
    if (!inbound) return {};
    return {{setting, &path, AF_INET, Traffic::Datagrams}};
  }
  std::vector<Row> rows{{setting, &path, AF_INET, Traffic::Datagrams},
                        {setting, &path, AF_INET6, Traffic::Datagrams}};
  // What comes in by X has crossed a cable first, with either peer: most of a stream is that.
  if (!inbound) rows.push_back({setting, &path, AF_INET, Traffic::Stream});
  return rows;
}

}  // namespace

nlohmann::json Row::names() const {
  nlohmann::json j{{"mode", bpfvlan::to_string(setting.mode)},
                   {"path", path->name},
                   {"traffic", to_string(traffic)},
                   {"family", family_name(family)}};
  if (setting.rules) j["rules"] = *setting.rules;
  return j;
}

std::string sentence(const nlohmann::json& names) {
  const auto word = [&](const char* name) { return names.at(name).get<std::string>(); };
  return fmt::format(
      "{}{}, {}, {}, {}", word("mode"),
      names.contains("rules") ? fmt::format(", rules: {}", names["rules"].dump()) : "",
      word("path"), word("traffic"), word("family"));
}

std::vector<Row> all_rows() {
  std::vector<Row> all;
  for (const auto& setting : kSettings)
    for (const auto& path : kPaths) {
      auto rows = rows_of(setting, path);
      all.insert(all.end(), std::make_move_iterator(rows.begin()),
                 std::make_move_iterator(rows.end()));
    }
  return all;
}

}  // namespace bpfvlan::test
