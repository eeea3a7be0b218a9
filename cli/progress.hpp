// SPDX-License-Identifier: MIT
// Says on standard error how far something long has come, if a person is there to see it.
#pragma once

#include <chrono>

namespace bpfvlan::cli {

class Progress {
 public:
  // Of what is being done, such as "reading". On a terminal that shows standard output too,
  // `prints` lines would get mixed with it: then nothing is said.
  Progress(const char* what, bool prints);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void operator()(double part);

 private:
  using Clock = std::chrono::steady_clock;
  const char* what_;
  bool wanted_;
  bool shown_ = false;
  Clock::time_point next_;
};

}  // namespace bpfvlan::cli
