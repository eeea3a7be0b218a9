// SPDX-License-Identifier: MIT
#include "progress.hpp"

#include <fmt/core.h>
#include <unistd.h>

namespace bpfvlan::cli {

using namespace std::chrono_literals;

Progress::Progress(const char* what, bool prints)
    : what_(what),
      wanted_(isatty(STDERR_FILENO) && !(prints && isatty(STDOUT_FILENO))),
      next_(Clock::now() + 1s) {}

Progress::~Progress() {
  if (shown_) fmt::print(stderr, "\r\x1b[K");
}

void Progress::operator()(double part) {
  if (!wanted_ || Clock::now() < next_) return;
  next_ = Clock::now() + 200ms;
  shown_ = true;
  fmt::print(stderr, "\rbpfvlan: {}: {:.0f} %", what_, part * 100);
}

}  // namespace bpfvlan::cli
