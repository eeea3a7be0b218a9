// SPDX-License-Identifier: MIT
// One benchmark: a frame, run again and again by the kernel.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>
#include <string>

#include "devices.hpp"
#include "programs.hpp"
#include "world.hpp"

namespace bpfvlan::test {

inline constexpr std::uint32_t kRuns = 100'000;  // of one iteration

struct Case {
  std::string name;
  Hook hook;
  Bytes frame;
  std::int32_t returned;  // TC_ACT_*, XDP_*: proof that the frame took the path it is named for
  World world{};
  std::uint32_t number_at = 0;  // Context::number_at
};

void add(const std::string& name, const std::function<void(benchmark::State&)>& run);

void measure(benchmark::State& state, const Case& c, const Programs& programs,
             const Devices& devices, std::uint32_t runs);

}  // namespace bpfvlan::test
