// SPDX-License-Identifier: MIT
#include "measure.hpp"

namespace bpfvlan::test {
namespace {

constexpr int kIterations = 20;

}  // namespace

void add(const std::string& name, const std::function<void(benchmark::State&)>& run) {
  benchmark::RegisterBenchmark(name.c_str(), run)
      ->UseManualTime()
      ->Iterations(kIterations)
      ->Unit(benchmark::kNanosecond);
}

void measure(benchmark::State& state, const Case& c, const Programs& programs,
             const Devices& devices, std::uint32_t runs) {
  const Context context{.device = c.hook == Hook::kXmit ? devices.sender() : devices.parent(),
                        .came_by = c.hook == Hook::kLocal ? devices.sender() : 0,
                        .number_at = c.number_at};
  for (auto _ : state) {
    const Outcome outcome = programs.run(c.hook, c.frame, context, runs);
    if (outcome.returned != c.returned) {
      state.SkipWithError("took another path");
      break;
    }
    state.SetIterationTime(outcome.nanoseconds * 1e-9);
  }
  const Size size = programs.size(c.hook);
  state.counters["insns"] = size.instructions;
  state.counters["verified_insns"] = size.verified;
}

}  // namespace bpfvlan::test
