// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <utility>
#include <vector>

namespace bpfvlan {

// Steps that take back what was done, run in reverse unless the whole succeeded.
class Undo {
 public:
  Undo() = default;
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  ~Undo() {
    while (!steps_.empty()) {
      steps_.back()();
      steps_.pop_back();
    }
  }
  void push(std::function<void()> step) { steps_.push_back(std::move(step)); }
  void release() { steps_.clear(); }

 private:
  std::vector<std::function<void()>> steps_;
};

}  // namespace bpfvlan
