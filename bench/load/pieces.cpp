// SPDX-License-Identifier: MIT
#include <sys/socket.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "cpu.hpp"
#include "flow.hpp"
#include "loads.hpp"
#include "times.hpp"

namespace bpfvlan::test {

Result<nlohmann::json> send_pieces(const Load& load) {
  BV_CHECK(run_on(load.client_cpu));
  const char* address = load.path.address.c_str();
  // From whatever address the route says.
  BV_TRY(auto flow, Flow::open({load.path.from, {"", ""}}, {load.path.to, {address, ""}}, AF_INET,
                               Traffic::Stream));
  std::vector<double> seen;
  for (Times times; times.all() < load.time; times.lap()) {
    BV_TRY(const auto nanoseconds, flow.batch());
    seen.push_back(nanoseconds / 1000);
  }
  BV_CHECK(flow.at_rest());
  const auto middle = seen.begin() + static_cast<std::ptrdiff_t>(seen.size() / 2);
  std::nth_element(seen.begin(), middle, seen.end());
  return nlohmann::json{{"p50_us", std::round(1000 * *middle) / 1000}};
}

}  // namespace bpfvlan::test
