// SPDX-License-Identifier: MIT
// Network namespaces: opened by what people call them, entered and left.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "bpfvlan/result.hpp"
#include "bpfvlan/unique_fd.hpp"

namespace bpfvlan {

class Netns {
 public:
  static Result<Netns> current();
  // NAME as of `ip netns`, PATH (has a '/') or PID (only digits).
  static Result<Netns> open(const std::string& name_path_or_pid);
  // The namespace that had this cookie and inode, looked for at `hint`, under /run/netns and at
  // every process. ENOENT: gone, or held by nothing that has a name.
  static Result<Netns> find(std::uint64_t cookie, std::uint64_t inode, const std::string& hint);

  // The first of those that have a name under /run/netns or a process, and that `wanted` takes.
  static Result<std::optional<Netns>> search(const std::function<bool(const Netns&)>& wanted);

  int fd() const { return fd_.get(); }
  std::uint64_t cookie() const { return cookie_; }  // never given twice while the machine is up
  std::uint64_t inode() const { return inode_; }    // what /proc and `lsns` show

 private:
  static Result<Netns> from_path(const std::string& path, const std::string& shown);

  UniqueFd fd_;
  std::uint64_t cookie_ = 0;
  std::uint64_t inode_ = 0;
};

// The calling thread is in the namespace while this lives. Not being able to come back would run
// everything after in the wrong namespace, so that aborts.
class InNetns {
 public:
  static Result<InNetns> enter(int fd);
  InNetns(InNetns&&) noexcept = default;
  InNetns& operator=(InNetns&&) = delete;
  ~InNetns();

 private:
  explicit InNetns(UniqueFd back) : back_(std::move(back)) {}
  UniqueFd back_;
};

}  // namespace bpfvlan
