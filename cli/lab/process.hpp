// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "bpfvlan/result.hpp"
#include "bpfvlan/unique_fd.hpp"

namespace bpfvlan::lab {

// A program of PATH that runs beside us in a namespace: a server, a client. It ends with its
// object, or with the thread that started it.
class Process {
 public:
  static Result<Process> start(const std::string& netns, const std::vector<std::string>& argv);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process() { stop(); }

  bool running();
  // What it has written so far, standard output and standard error.
  std::string output() const;
  // Asks it to end, and no longer asks after some seconds.
  void stop();

 private:
  Process() = default;
  UniqueFd log_;
  pid_t pid_ = 0;
};

}  // namespace bpfvlan::lab
