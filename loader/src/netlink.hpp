// SPDX-License-Identifier: MIT
// rtnetlink through libnl, as far as endpoints need it. Every request waits for its answer.
#pragma once

#include <netlink/netlink.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bpfvlan/types.hpp"

namespace bpfvlan {

struct Link {
  std::uint32_t ifindex = 0;
  std::string name;
  std::string kind;  // "veth", …; empty for hardware
  std::string alias;
  std::uint32_t group = 0;
  std::uint32_t mtu = 0;
  unsigned flags = 0;                        // IFF_*
  unsigned arptype = 0;                      // ARPHRD_*
  bool running = false;                      // operational state "up": its queue takes packets
  int peer_ifindex = 0;                      // IFLA_LINK
  std::optional<std::int32_t> peer_netns{};  // its namespace's id in this one; none: this one
  Mac mac{};
};

// Of one of the kinds that endpoints have.
inline bool is_pair(const Link& link) {
  return link.kind == "veth" || link.kind == "netkit";
}

// Of two devices, one here and one in an endpoint's namespace.
struct PairRequest {
  std::string host_name;
  std::string inner_name;
  int inner_netns = -1;  // fd; -1: this namespace
  Mac mac{};             // of both ends
  std::uint32_t mtu = 0;
  std::uint32_t group = 0;  // of the host side
  bool arp = false;         // ARP and neighbour discovery on the inner side
};

// Bound for life to the namespace it was opened in.
class Netlink {
 public:
  static Result<Netlink> open();

  Result<std::vector<Link>> links() const;
  Result<std::optional<Link>> link(const std::string& name) const;
  Result<std::optional<Link>> link(std::uint32_t ifindex) const;

  // Fails whole or not at all.
  Result<> add_veth(const PairRequest& request) const;
  // What the inner side sends is dropped until it has a program; ARP is on.
  Result<> add_netkit(const PairRequest& request) const;
  Result<> set_alias(std::uint32_t ifindex, const std::string& alias) const;
  Result<> set_up(std::uint32_t ifindex) const;
  Result<> set_arp(std::uint32_t ifindex, bool on) const;
  Result<> set_allmulti(std::uint32_t ifindex, bool on) const;
  // Link-local addresses that do not follow from the MAC address. Without IPv6 there: does nothing.
  Result<> set_random_link_local(std::uint32_t ifindex) const;
  Result<> set_mtu(std::uint32_t ifindex, std::uint32_t mtu) const;
  Result<> set_mac(std::uint32_t ifindex, const Mac& mac) const;
  Result<> delete_link(std::uint32_t ifindex) const;

  Result<std::vector<IpPrefix>> addresses(std::uint32_t ifindex, int family = AF_UNSPEC) const;
  // Those of all interfaces, with the interface of each.
  Result<std::vector<std::pair<std::uint32_t, IpPrefix>>> all_addresses() const;
  Result<> add_address(std::uint32_t ifindex, const IpPrefix& address) const;
  // Does this namespace take packets for the address as its own?
  Result<bool> is_local(const IpPrefix& address) const;
  Result<> delete_address(std::uint32_t ifindex, const IpPrefix& address) const;
  Result<> add_default_route(std::uint32_t ifindex, int family) const;

  // What this namespace calls the other, if it has met it.
  Result<std::optional<std::int32_t>> id_of_netns(int fd) const;

  Result<bool> has_clsact(std::uint32_t ifindex) const;
  // Filters in the clsact qdisc of a device, both directions together.
  Result<unsigned> count_clsact_filters(std::uint32_t ifindex) const;

 private:
  struct Free {
    void operator()(nl_sock* s) const noexcept { nl_socket_free(s); }
  };
  // Of one interface, or of all: 0.
  Result<std::vector<std::pair<std::uint32_t, IpPrefix>>> dump_addresses(std::uint32_t ifindex,
                                                                         int family) const;
  template <class Fill>
  Result<> change(std::uint32_t ifindex, const char* what, Fill fill) const;

  std::unique_ptr<nl_sock, Free> sock_;
};

}  // namespace bpfvlan
