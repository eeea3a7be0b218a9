// SPDX-License-Identifier: MIT
#include "lock.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fstream>
#include <sstream>
#include <thread>

namespace bpfvlan {
namespace {

// A line of /proc/locks: "1: FLOCK  ADVISORY  WRITE 1234 00:1f:5678 0 EOF".
std::string holder(const struct stat& st) {
  const auto where = fmt::format("{:02x}:{:02x}:{}", major(st.st_dev), minor(st.st_dev), st.st_ino);
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    std::istringstream fields(line);
    std::string number, type, advisory, access, pid, inode;
    fields >> number >> type >> advisory >> access >> pid >> inode;
    if (type == "FLOCK" && inode == where) return pid;
  }
  return "unknown";
}

}  // namespace

Result<UniqueFd> lock_directory(const std::string& dir, std::chrono::milliseconds timeout) {
  UniqueFd fd(open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail(errno, fmt::format("lock {}", dir));
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (flock(fd.get(), LOCK_EX | LOCK_NB)) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail(errno, fmt::format("lock {}", dir));
    if (std::chrono::steady_clock::now() >= deadline) {
      struct stat st {};
      fstat(fd.get(), &st);
      return refuse(std::errc::timed_out,
                    fmt::format("another bpfvlan (process {}) has held the lock on {} for more "
                                "than {} ms",
                                holder(st), dir, timeout.count()));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return fd;
}

}  // namespace bpfvlan
