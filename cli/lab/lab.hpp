// SPDX-License-Identifier: MIT
// A machine room of network namespaces inside this process's own mount namespace: names and pins
// are seen by this process and its children alone, and vanish with them, however they end.
#pragma once

#include <string>
#include <vector>

#include "bpfvlan/netns.hpp"
#include "bpfvlan/result.hpp"

namespace bpfvlan::lab {

// A private /run (so /run/netns too) and BPF file system. To be called once, before any thread.
Result<> enter_sandbox();

class Lab {
 public:
  Lab() = default;
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;
  ~Lab();

  // A namespace with its loopback up.
  Result<> add_netns(const std::string& name);
  void delete_netns(const std::string& name);

  // `ip -n NETNS ARGS`; the error has what ip said.
  Result<> ip(const std::string& netns, const std::string& args) const;
  // Writes a sysctl of a namespace, such as net.ipv4.ip_forward.
  Result<> sysctl(const std::string& netns, const std::string& key, const std::string& value) const;

  // A veth cable between two namespaces, both ends up.
  Result<> cable(const std::string& netns_a, const std::string& if_a, const std::string& netns_b,
                 const std::string& if_b) const;
  // Adds an address of either family and leaves no duplicate detection pending.
  Result<> address(const std::string& netns, const std::string& ifname,
                   const std::string& cidr) const;
  // IPv6 neighbour discovery is silent until the interfaces' link-local addresses are ready.
  Result<> wait_link_local(const std::string& netns, const std::string& ifname) const;

 private:
  std::vector<std::string> names_;
};

}  // namespace bpfvlan::lab
