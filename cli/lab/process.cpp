// SPDX-License-Identifier: MIT
#include "lab/process.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>
#include <utility>

#include "bpfvlan/netns.hpp"

namespace bpfvlan::lab {

Result<Process> Process::start(const std::string& netns, const std::vector<std::string>& argv) {
  // A test that is killed takes its daemons with it.
  std::vector<std::string> words{"setpriv", "--pdeathsig", "KILL", "--"};
  words.insert(words.end(), argv.begin(), argv.end());
  std::vector<char*> args;
  args.reserve(words.size() + 1);
  for (auto& word : words) args.push_back(word.data());
  args.push_back(nullptr);

  Process process;
  process.log_ = UniqueFd(memfd_create("log", MFD_CLOEXEC));
  if (!process.log_) return fail(errno, "a file in memory");
  BV_TRY(const auto ns, Netns::open(netns));
  BV_TRY(const auto in, InNetns::enter(ns.fd()));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO})
    posix_spawn_file_actions_adddup2(&actions, process.log_.get(), stream);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);  // with the processes it starts
  const int failed =
      posix_spawnp(&process.pid_, args[0], &actions, &attributes, args.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed) {
    process.pid_ = 0;
    return fail(failed, fmt::format("start {}", argv[0]));
  }
  return process;
}

Process::Process(Process&& other) noexcept
    : log_(std::move(other.log_)), pid_(std::exchange(other.pid_, 0)) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    stop();
    log_ = std::move(other.log_);
    pid_ = std::exchange(other.pid_, 0);
  }
  return *this;
}

bool Process::running() {
  siginfo_t ended{};
  return pid_ && waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         ended.si_pid == 0;
}

std::string Process::output() const {
  std::string text;
  char buffer[4096];
  ssize_t n = 0;
  while ((n = pread(log_.get(), buffer, sizeof(buffer), static_cast<off_t>(text.size()))) > 0)
    text.append(buffer, static_cast<std::size_t>(n));
  return text;
}

// Not reaped before its group is killed: until then nobody else can have its number.
void Process::stop() {
  if (!pid_) return;
  kill(pid_, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (running() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  kill(-pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
}

}  // namespace bpfvlan::lab
