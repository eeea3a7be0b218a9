// SPDX-License-Identifier: MIT
#include "lab/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sstream>

#include "bpfvlan/unique_fd.hpp"

namespace bpfvlan::lab {
namespace {

struct Pipe {
  UniqueFd read, write;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) == 0) {
      read = UniqueFd(ends[0]);
      write = UniqueFd(ends[1]);
    }
  }
};

// Both streams at once, so that neither can fill up and stop the program.
void read_both(const UniqueFd& out, const UniqueFd& err, CommandResult& result) {
  pollfd fds[] = {{out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}};
  std::string* to[] = {&result.out, &result.err};
  for (int open = 2; open > 0;) {
    if (poll(fds, 2, -1) < 0) continue;
    for (int i = 0; i < 2; ++i) {
      if (!fds[i].revents) continue;
      char buffer[65536];
      const auto n = read(fds[i].fd, buffer, sizeof(buffer));
      if (n > 0) {
        to[i]->append(buffer, static_cast<std::size_t>(n));
      } else {
        fds[i].fd = -1;
        --open;
      }
    }
  }
}

}  // namespace

CommandResult run(const std::vector<std::string>& argv, const std::string& input) {
  CommandResult result;
  std::vector<char*> args;
  args.reserve(argv.size() + 1);
  for (const auto& a : argv) args.push_back(const_cast<char*>(a.c_str()));
  args.push_back(nullptr);

  Pipe in, out, err;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.write.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.write.get(), STDERR_FILENO);
  pid_t pid = -1;
  const int failed = posix_spawnp(&pid, args[0], &actions, nullptr, args.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed) {
    result.status = 127;
    result.err = argv[0] + ": cannot be run";
    return result;
  }
  in.read.reset();
  out.write.reset();
  err.write.reset();
  // Inputs here are far smaller than a pipe: the write cannot block.
  if (!input.empty() && write(in.write.get(), input.data(), input.size()) < 0) result.err = "pipe";
  in.write.reset();
  read_both(out.read, err.read, result);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

}  // namespace bpfvlan::lab
