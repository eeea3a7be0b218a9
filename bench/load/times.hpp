// SPDX-License-Identifier: MIT
// How long each of many things took that follow one another.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <vector>

namespace bpfvlan::test {

class Times {
 public:
  using Clock = std::chrono::steady_clock;

  Times() { laps_.reserve(1 << 20); }

  void lap() {
    const auto now = Clock::now();
    laps_.push_back(std::chrono::duration<float, std::micro>(now - last_).count());
    last_ = now;
  }
  std::size_t count() const { return laps_.size(); }
  std::chrono::duration<double> all() const { return last_ - start_; }
  double microseconds(double share) {
    if (laps_.empty()) return 0;
    const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(laps_.size() - 1));
    std::nth_element(laps_.begin(), laps_.begin() + at, laps_.end());
    return std::round(1000 * static_cast<double>(laps_[static_cast<std::size_t>(at)])) / 1000;
  }

 private:
  std::vector<float> laps_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
};

}  // namespace bpfvlan::test
