// SPDX-License-Identifier: MIT
#include "lab/lab.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

#include "lab/command.hpp"

namespace bpfvlan::lab {
namespace {

Result<> wait(const std::string& failure, const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return refuse(std::errc::timed_out, failure);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return {};
}

}  // namespace

Result<> enter_sandbox() {
  if (unshare(CLONE_NEWNS)) return fail(errno, "a mount namespace of our own");
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr)) return fail(errno, "mounts");
  if (mount("bpfvlan", "/run", "tmpfs", 0, "mode=0755")) return fail(errno, "a private /run");
  if (mkdir("/run/netns", 0755)) return fail(errno, "/run/netns");
  if (mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=0700"))
    return fail(errno, "a private BPF file system");
  return {};
}

Lab::~Lab() {
  while (!names_.empty()) delete_netns(names_.back());
}

Result<> Lab::add_netns(const std::string& name) {
  if (const auto r = run({"ip", "netns", "add", name}); r.status)
    return refuse(std::errc::io_error, r.err);
  names_.push_back(name);
  // Duplicate address detection would be a second of waiting for each interface.
  if (access("/proc/sys/net/ipv6", F_OK) == 0)
    for (const auto* which : {"all", "default"})
      BV_CHECK(sysctl(name, fmt::format("net.ipv6.conf.{}.accept_dad", which), "0"));
  return ip(name, "link set lo up");
}

void Lab::delete_netns(const std::string& name) {
  run({"ip", "netns", "del", name});
  std::erase(names_, name);
}

Result<> Lab::ip(const std::string& netns, const std::string& args) const {
  auto argv = words("ip -n " + netns + " " + args);
  if (const auto r = run(argv); r.status)
    return refuse(std::errc::io_error, fmt::format("ip -n {} {}: {}", netns, args, r.err));
  return {};
}

Result<> Lab::sysctl(const std::string& netns, const std::string& key,
                     const std::string& value) const {
  BV_TRY(const auto ns, Netns::open(netns));
  BV_TRY(const auto in, InNetns::enter(ns.fd()));
  std::string path = "/proc/sys/" + key;
  std::replace(path.begin(), path.end(), '.', '/');
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd || write(fd.get(), value.data(), value.size()) < 0) return fail(errno, key);
  return {};
}

Result<> Lab::cable(const std::string& netns_a, const std::string& if_a, const std::string& netns_b,
                    const std::string& if_b) const {
  BV_CHECK(
      ip(netns_a, fmt::format("link add {} type veth peer name {} netns {}", if_a, if_b, netns_b)));
  BV_CHECK(ip(netns_a, fmt::format("link set {} up", if_a)));
  return ip(netns_b, fmt::format("link set {} up", if_b));
}

Result<> Lab::address(const std::string& netns, const std::string& ifname,
                      const std::string& cidr) const {
  const bool v6 = cidr.find(':') != std::string::npos;
  BV_CHECK(ip(netns, fmt::format("address add {} dev {}{}", cidr, ifname, v6 ? " nodad" : "")));
  if (!v6) return {};
  const auto address = cidr.substr(0, cidr.find('/'));
  return wait(fmt::format("{} in {}: no local route", address, netns), [&] {
    return run({"ip", "-n", netns, "route", "get", address}).out.starts_with("local");
  });
}

Result<> Lab::wait_link_local(const std::string& netns, const std::string& ifname) const {
  return wait(fmt::format("{} in {}: no link-local address", ifname, netns), [&] {
    const auto shown =
        run({"ip", "-n", netns, "-6", "address", "show", "dev", ifname, "scope", "link"}).out;
    return shown.find("fe80::") != std::string::npos &&
           shown.find("tentative") == std::string::npos;
  });
}

}  // namespace bpfvlan::lab
