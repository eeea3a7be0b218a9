// SPDX-License-Identifier: MIT
// Broadcast and multicast as programs use them.
#pragma once

#include <sys/socket.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "bpfvlan/unique_fd.hpp"

namespace bpfvlan::test {

struct Group {
  const char* name;
  int family;
  const char* address;
};
inline constexpr Group kBroadcast{"broadcast", AF_INET, "255.255.255.255"};
inline constexpr Group kMulticast4{"multicast4", AF_INET, "239.1.1.1"};
inline constexpr Group kMulticast6{"multicast6", AF_INET6, "ff15::1:7:7"};
inline constexpr Group kMulticast6Low{"multicast6_low", AF_INET6, "ff15::1"};
inline constexpr Group kMdns4{"mdns4", AF_INET, "224.0.0.251"};
inline constexpr Group kMdns6{"mdns6", AF_INET6, "ff02::fb"};
// Do its frames have the MAC address that every host hears? ff15::1 has that of ff02::1.
bool is_everybodys(const Group& group);
void PrintTo(const Group& group, std::ostream* out);

// A socket that has joined the group on an interface (or hears broadcasts there), until it ends.
// What it sends itself, its own stack does not bring back.
class Member {
 public:
  Member(const std::string& netns, const std::string& ifname, const Group& group);

  bool send(const std::string& text) const;
  // What came since the last call, in order.
  std::vector<std::string> heard() const;

 private:
  Group group_;
  UniqueFd fd_;
};

}  // namespace bpfvlan::test
