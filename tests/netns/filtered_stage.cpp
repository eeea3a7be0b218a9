// SPDX-License-Identifier: MIT
#include "filtered_stage.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <regex>

namespace bpfvlan::test {

std::string filter_table(int family, const std::vector<std::string>& rules) {
  std::string table = "*filter\n:INPUT DROP [0:0]\n:OUTPUT DROP [0:0]\n";
  if (family == AF_INET6)
    for (const auto* chain : {"INPUT", "OUTPUT"})
      for (const int type : {133, 134, 135, 136})
        table +=
            fmt::format("-A {} -p ipv6-icmp -m icmp6 --icmpv6-type {} -j ACCEPT\n", chain, type);
  return table + fmt::format("{}\nCOMMIT\n", fmt::join(rules, "\n"));
}

void Filtered::SetUp() {
  BothFamilies::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  BV_OK(siblings(BV_MODE_L3S));
  BV_OK(route_from_x(kA));
  BV_OK(route_from_x(kB));
}

std::uint64_t Filtered::policy_packets(bv_chain chain) {
  const auto chains = engine().rules(family());
  EXPECT_TRUE(chains) << chains.error().what;
  return chains ? chains->at(chain).count.packets : 0;
}

bool Filtered::has_connection(const std::string& regex) {
  const auto lines = engine().connections(family());
  EXPECT_TRUE(lines) << lines.error().what;
  const std::regex wanted(regex);
  return lines && std::any_of(lines->begin(), lines->end(), [&](const std::string& line) {
           return std::regex_search(line, wanted);
         });
}

}  // namespace bpfvlan::test
