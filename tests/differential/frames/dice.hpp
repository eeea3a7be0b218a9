// SPDX-License-Identifier: MIT
// Choices from a seed, the same with every standard library: its distributions are not.
#pragma once

#include <cstdint>
#include <random>
#include <span>

namespace bpfvlan::test {

class Dice {
 public:
  Dice(std::uint64_t seed, std::uint32_t index) {
    std::seed_seq words{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                        index};
    engine_.seed(words);
  }

  // 0 … n - 1
  template <class T>
  T below(T n) {
    return static_cast<T>(engine_() % static_cast<std::uint64_t>(n));
  }
  // True in `percent` of 100 cases.
  bool chance(unsigned percent) { return below(100U) < percent; }
  template <class C>
  const auto& of(const C& pool) {
    return pool[below(std::size(pool))];
  }
  template <class T>
  T bits() {
    return static_cast<T>(engine_());
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace bpfvlan::test
