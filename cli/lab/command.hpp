// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace bpfvlan::lab {

struct CommandResult {
  int status = -1;  // exit status; 128 + signal
  std::string out;  // standard output
  std::string err;  // standard error
};

// Runs a program of PATH and waits for it. No shell.
CommandResult run(const std::vector<std::string>& argv, const std::string& input = {});

// Splits at spaces: for command lines written in the source.
std::vector<std::string> words(const std::string& line);

}  // namespace bpfvlan::lab
