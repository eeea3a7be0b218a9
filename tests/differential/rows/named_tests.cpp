// SPDX-License-Identifier: MIT
#include "rows/named_tests.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "lab/command.hpp"
#include "rows/rows.hpp"

namespace bpfvlan::test {
namespace {

using Names = std::set<std::string>;

// The object of each BPF compiler has its tests: "rx_malformed_clang_19".
std::string without_compiler(const std::string& name) {
  const auto at = name.rfind("_clang_");
  if (at == std::string::npos) return name;
  return name.find_first_not_of("0123456789", at + 7) == std::string::npos ? name.substr(0, at)
                                                                           : name;
}

// A list has "All/RowTest." and below it "  EndsAsItShould/rx_malformed_clang_19  # GetParam() …".
// A test is known by "RowTest.EndsAsItShould", whatever its parameters, and by a parameter's name.
Names parse(const std::string& list) {
  Names names;
  std::istringstream lines(list);
  std::string line, suite;
  while (std::getline(lines, line)) {
    line = line.substr(0, line.find("  #"));
    if (!line.starts_with("  ")) {
      suite = line.substr(line.find('/') + 1);  // npos + 1 is 0
      continue;
    }
    const auto test = line.substr(2);
    const auto slash = test.find('/');
    names.insert(suite + test.substr(0, slash));
    if (slash != std::string::npos) names.insert(without_compiler(test.substr(slash + 1)));
  }
  return names;
}

std::map<std::string, Names> names_of(const std::vector<std::string>& suites) {
  std::map<std::string, Names> names;
  for (const auto& suite : suites) {
    const auto equals = suite.find('=');
    names[suite.substr(0, equals)] =
        parse(lab::run({suite.substr(equals + 1), "--gtest_list_tests"}).out);
  }
  return names;
}

}  // namespace

bool check_named_tests(const std::vector<std::string>& suites) {
  auto names = names_of(suites);
  bool good = true;
  for (const auto& row : rows())
    for (const auto* cell : {&row.l2, &row.l3, &row.l3s}) {
      if (cell->status != Status::Different && !*cell->test) continue;
      const std::string test = cell->test;
      const auto colon = std::min(test.find(": "), test.size());
      const auto suite = test.substr(0, colon);
      const auto name = test.substr(std::min(colon + 2, test.size()));
      const bool own = suite == "judge";
      // That another row differs says nothing of this one; and who is not played is not compared.
      if (own ? cell->played && name == row.id : names[suite].contains(name)) continue;
      fmt::print("row {}: there is no test \"{}\"\n", row.id, test);
      good = false;
    }
  return good;
}

}  // namespace bpfvlan::test
