// SPDX-License-Identifier: MIT
#include "cpu.hpp"

#include <fmt/core.h>
#include <sched.h>

#include <cerrno>

namespace bpfvlan::test {

Result<> run_on(int cpu) {
  if (cpu < 0) return {};
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (sched_setaffinity(0, sizeof(set), &set)) return fail(errno, fmt::format("CPU {}", cpu));
  return {};
}

}  // namespace bpfvlan::test
