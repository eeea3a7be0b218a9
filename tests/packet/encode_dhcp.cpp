// SPDX-License-Identifier: MIT
#include "encode.hpp"

namespace bpfvlan::test {
namespace {

void put_option(Bytes& out, const DhcpOption& option) {
  put8(out, option.code);
  if (option.code == DhcpOption::kPad || option.code == DhcpOption::kEnd) return;
  put8(out, option.length.value_or(option.data.size()));
  put(out, option.data);
}

}  // namespace

Bytes encode(const Dhcp& dhcp, const Surroundings&) {
  constexpr std::size_t kEthernet = 1, kMacLength = 6, kClientHardware = 16, kNames = 64 + 128;
  Bytes out;
  put8(out, dhcp.operation);
  put8(out, kEthernet);
  put8(out, kMacLength);
  put8(out, 0);  // hops
  put32(out, dhcp.xid);
  put16(out, 0);  // seconds
  put16(out, dhcp.broadcast ? 0x8000 : 0);
  for (const auto& ip : {dhcp.client_ip, dhcp.your_ip, dhcp.server_ip, dhcp.relay_ip})
    put(out, ip.octets);
  put(out, dhcp.client_mac.octets);
  put(out, Bytes(kClientHardware - kMacLength));
  put(out, Bytes(kNames));
  put32(out, 0x63825363);  // the magic cookie
  for (const DhcpOption& option : dhcp.options) put_option(out, option);
  return out;
}

}  // namespace bpfvlan::test
