// SPDX-License-Identifier: MIT
#include "endpoint_checks.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cstring>

namespace bpfvlan {
namespace {

Result<> check_name(const std::string& name) {
  const bool good = !name.empty() && name.size() < BV_NAME_LEN && name[0] != '-' &&
                    std::all_of(name.begin(), name.end(), [](unsigned char c) {
                      return isalnum(c) || std::strchr("_.:-", c);
                    });
  if (good) return {};
  return refuse(std::errc::invalid_argument,
                fmt::format("'{}' is no endpoint name: 1 to {} letters, digits, '_', '.', ':' or "
                            "'-', not '-' first",
                            name, BV_NAME_LEN - 1));
}

// The kernel's dev_valid_name(), net/core/dev.c.
Result<> check_ifname(const std::string& name) {
  const bool good = !name.empty() && name.size() < BV_IFNAME_LEN && name != "." && name != ".." &&
                    std::none_of(name.begin(), name.end(), [](unsigned char c) {
                      return c == '/' || c == ':' || isspace(c);
                    });
  if (good) return {};
  return refuse(std::errc::invalid_argument,
                fmt::format("'{}' is no interface name (1 to {} characters, no '/', ':' or space): "
                            "give one with --ifname",
                            name, BV_IFNAME_LEN - 1));
}

}  // namespace

Result<> check_request(const EndpointRequest& request, const std::string& ifname) {
  BV_CHECK(check_name(request.name));
  BV_CHECK(check_ifname(ifname));
  if (request.netns && request.netns->size() >= BV_NETNS_LEN)
    return refuse(
        std::errc::filename_too_long,
        fmt::format("the path of a namespace has at most {} characters", BV_NETNS_LEN - 1));
  if (request.default_route && request.addresses.empty())
    return refuse(std::errc::invalid_argument, "a default route needs an address of its family");
  return {};
}

Result<> check_mtu(const EndpointRequest& request, const bv_parent& parent) {
  if (!request.mtu) return {};
  const bool has6 = std::any_of(request.addresses.begin(), request.addresses.end(),
                                [](const auto& a) { return a.family == AF_INET6; });
  const auto least = has6 ? kMinMtu6 : kMinMtu4;
  if (*request.mtu >= least && *request.mtu <= parent.mtu) return {};
  return refuse(std::errc::invalid_argument,
                fmt::format("MTU {} is not within {} and the MTU {} of '{}'", *request.mtu, least,
                            parent.mtu, parent.ifname));
}

Result<> check_addresses(const Control::Impl& c, std::uint32_t parent,
                         const std::vector<IpPrefix>& addresses, std::uint32_t learner) {
  if (addresses.empty()) return {};
  BV_TRY(const auto parents_own, c.nl.addresses(parent));
  for (auto a = addresses.begin(); a != addresses.end(); ++a) {
    const auto same = [&](const IpPrefix& other) { return other.same_address(*a); };
    if (std::any_of(addresses.begin(), a, same))
      return refuse(std::errc::address_in_use,
                    fmt::format("address {} is given twice", a->address()));
    BV_TRY(const auto owner, c.owner(parent, *a));
    if (owner && !(owner->learned && owner->host_side == learner))
      return refuse(
          std::errc::address_in_use,
          fmt::format("address {} {} endpoint '{}'", a->address(),
                      owner->learned ? "is in use: learned by" : "belongs to", owner->name));
    if (std::any_of(parents_own.begin(), parents_own.end(), same))
      return refuse(std::errc::address_in_use,
                    fmt::format("address {} belongs to the parent itself", a->address()));
  }
  return {};
}

}  // namespace bpfvlan
