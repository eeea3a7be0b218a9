// SPDX-License-Identifier: MIT
#include "ethtool.hpp"

#include <fmt/core.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "bpfvlan/unique_fd.hpp"

namespace bpfvlan {
namespace {

Result<std::uint32_t> ask(const std::string& device, std::uint32_t command,
                          std::uint32_t data = 0) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail(errno, "open a socket to ask for a device's features");
  ethtool_value value{command, data};
  ifreq request{};
  device.copy(static_cast<char*>(request.ifr_name), IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&value);
  if (ioctl(socket.get(), SIOCETHTOOL, &request))
    return fail(errno, fmt::format("features of '{}'", device));
  return value.data;
}

}  // namespace

Result<bool> finishes_checksums(const std::string& device) {
  BV_TRY(const auto on, ask(device, ETHTOOL_GTXCSUM));
  return on != 0;
}

Result<bool> takes_tags_out(const std::string& device) {
  BV_TRY(const auto flags, ask(device, ETHTOOL_GFLAGS));
  return (flags & ETH_FLAG_RXVLAN) != 0;
}

Result<bool> has_gro(const std::string& device) {
  BV_TRY(const auto on, ask(device, ETHTOOL_GGRO));
  return on != 0;
}

Result<> set_gro(const std::string& device, bool on) {
  BV_TRY(const auto ignored, ask(device, ETHTOOL_SGRO, on));
  (void)ignored;
  return {};
}

}  // namespace bpfvlan
