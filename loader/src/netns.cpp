// SPDX-License-Identifier: MIT
#include "bpfvlan/netns.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71  // since Linux 5.14
#endif

namespace bpfvlan {
namespace {

constexpr auto kNamedDir = "/run/netns";  // iproute2's NETNS_RUN_DIR

bool all_digits(const std::string& s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](unsigned char c) { return isdigit(c); });
}

std::string path_of(const std::string& given) {
  if (given.find('/') != std::string::npos) return given;
  if (all_digits(given)) return fmt::format("/proc/{}/ns/net", given);
  return fmt::format("{}/{}", kNamedDir, given);
}

Result<std::uint64_t> cookie_here() {
  UniqueFd sock(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!sock) return fail(errno, "open a socket to ask for the namespace's cookie");
  std::uint64_t cookie = 0;
  socklen_t len = sizeof(cookie);
  if (getsockopt(sock.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len))
    return unsupported(
        "this kernel gives no network namespace cookies (SO_NETNS_COOKIE, since 5.14)");
  return cookie;
}

std::uint64_t inode_at(const std::filesystem::path& path) {
  struct stat st {};
  return stat(path.c_str(), &st) == 0 ? st.st_ino : 0;
}

}  // namespace

Result<Netns> Netns::from_path(const std::string& path, const std::string& shown) {
  Netns ns;
  ns.fd_ = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!ns.fd_) return fail(errno, fmt::format("network namespace '{}'", shown));
  struct statfs fs {};
  struct stat st {};
  if (fstatfs(ns.fd_.get(), &fs) || fstat(ns.fd_.get(), &st))
    return fail(errno, fmt::format("network namespace '{}'", shown));
  if (fs.f_type != NSFS_MAGIC)
    return refuse(std::errc::invalid_argument,
                  fmt::format("'{}' is not a network namespace", shown));
  ns.inode_ = st.st_ino;
  auto in = InNetns::enter(ns.fd_.get());
  if (!in) return tl::unexpected(in.error());
  BV_TRY(ns.cookie_, cookie_here());
  return ns;
}

Result<Netns> Netns::current() {
  return from_path("/proc/thread-self/ns/net", "current");
}

Result<Netns> Netns::open(const std::string& given) {
  if (given.empty())
    return refuse(std::errc::invalid_argument, "the name of a network namespace is empty");
  return from_path(path_of(given), given);
}

// The first that `take` gives, of all paths that a namespace can have.
template <class Take>
static std::optional<Netns> first_of_all(Take take) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(kNamedDir, ignored))
    if (auto ns = take(entry.path())) return ns;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored))
    if (all_digits(entry.path().filename()))
      if (auto ns = take(entry.path() / "ns/net")) return ns;
  return {};
}

Result<std::optional<Netns>> Netns::search(const std::function<bool(const Netns&)>& wanted) {
  std::set<std::uint64_t> seen;
  return first_of_all([&](const std::filesystem::path& path) {
    const auto inode = inode_at(path);
    std::optional<Netns> found;
    if (!inode || !seen.insert(inode).second) return found;
    if (auto ns = from_path(path, path); ns && wanted(*ns)) found = std::move(*ns);
    return found;
  });
}

Result<Netns> Netns::find(std::uint64_t cookie, std::uint64_t inode, const std::string& hint) {
  const auto take = [&](const std::filesystem::path& path) {
    std::optional<Netns> found;
    if (inode_at(path) != inode) return found;
    if (auto ns = from_path(path, path); ns && ns->cookie() == cookie) found = std::move(*ns);
    return found;
  };
  if (!hint.empty())
    if (auto ns = take(path_of(hint))) return std::move(*ns);
  if (auto ns = first_of_all(take)) return std::move(*ns);
  return refuse(std::errc::no_such_file_or_directory,
                fmt::format("network namespace '{}' has no name and no process any more", hint));
}

Result<InNetns> InNetns::enter(int fd) {
  UniqueFd back(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!back) return fail(errno, "open the current network namespace");
  if (setns(fd, CLONE_NEWNET)) return fail(errno, "enter a network namespace");
  return InNetns(std::move(back));
}

InNetns::~InNetns() {
  if (back_ && setns(back_.get(), CLONE_NEWNET)) std::abort();
}

}  // namespace bpfvlan
