// SPDX-License-Identifier: MIT
#include "devices.hpp"

#include <fmt/core.h>
#include <net/if.h>
#include <sched.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <string>
#include <system_error>

#include "world.hpp"

namespace bpfvlan::test {
namespace {

constexpr const char* kSenderIpv6 = "/proc/sys/net/ipv6/conf/bv-sender/";

[[noreturn]] void fail(int err, const std::string& what) {
  throw std::system_error(err, std::generic_category(), what);
}

void ip_batch(const std::string& commands) {
  FILE* pipe = popen("ip -batch -", "w");
  if (!pipe) fail(errno, "start ip");
  const bool written = std::fputs(commands.c_str(), pipe) >= 0;
  if (pclose(pipe) != 0 || !written) fail(EINVAL, "ip -batch, commands:\n" + commands);
}

std::string veth(const std::string& name, const std::string& peer) {
  return fmt::format(
      "link add {0} up address {2} type veth peer name {1} address {2}\n"
      "link set {1} up\n",
      name, peer, kMac);
}

void write_sysctl(const std::string& path, bool on) {
  std::ofstream file(path);
  if (!(file << on << std::flush)) fail(errno, path);
}

std::uint32_t index_of(const char* name) {
  const unsigned int index = if_nametoindex(name);
  if (index == 0) fail(errno, name);
  return index;
}

}  // namespace

Devices::Devices() {
  if (unshare(CLONE_NEWNET)) fail(errno, "new network namespace (root needed)");
  ip_batch("link set lo up\n" + veth("bv-parent", "bv-other") + veth("bv-sender", "bv-sender-in") +
           veth("bv-receiver", "bv-receiver-in") + veth("bv-third", "bv-third-in") +
           fmt::format("addr add {}/24 dev bv-parent\n", kParent4) +
           fmt::format("addr add {}/64 dev bv-parent nodad\n", kParent6) +
           "route add 2001:db8:ffff::/48 dev bv-parent\n"
           "route add 2001:db8:eeee::/48 dev bv-other\n"
           "route add unreachable 2001:db8:dead::/48\n");
  parent_ = index_of("bv-parent");
  sender_ = index_of("bv-sender");
  receiver_ = index_of("bv-receiver");
  third_ = index_of("bv-third");
  other_ = index_of("bv-other");
  write_sysctl(std::string(kSenderIpv6) + "disable_ipv6", true);  // as the control plane does
  set_forwarding(true);
}

void Devices::set_forwarding(bool on) {
  if (on == forwarding_) return;
  write_sysctl(std::string(kSenderIpv6) + "forwarding", on);
  forwarding_ = on;
}

}  // namespace bpfvlan::test
