// SPDX-License-Identifier: MIT
#include "encode.hpp"

namespace bpfvlan::test {
namespace {

void put_tlv(Bytes& out, std::size_t type, const Bytes& value) {
  put16(out, type << 9 | value.size());
  put(out, value);
}

// Subtype "MAC address" is 4 in a chassis id and 3 in a port id.
Bytes lldp_id(std::size_t subtype, const MacAddr& mac) {
  Bytes id;
  put8(id, subtype);
  put(id, mac.octets);
  return id;
}

}  // namespace

Bytes encode(const Ethernet& eth, const Surroundings& around) {
  Bytes out;
  put(out, eth.dst.octets);
  put(out, eth.src.octets);
  put16(out, eth.ethertype.value_or(around.ethertype));
  return out;
}

// The TPID is the ethertype of the layer outside; here stand TCI and the next ethertype.
Bytes encode(const Vlan& vlan, const Surroundings& around) {
  Bytes out;
  put16(out, vlan.priority << 13u | (vlan.drop_eligible ? 1u << 12 : 0u) | vlan.id);
  put16(out, vlan.ethertype.value_or(around.ethertype));
  return out;
}

Bytes encode(const Mpls& mpls, const Surroundings& around) {
  const bool bottom = mpls.bottom.value_or(!around.above_mpls);
  Bytes out;
  put32(out, mpls.label << 12 | mpls.traffic_class << 9u | (bottom ? 1u << 8 : 0u) | mpls.ttl);
  return out;
}

Bytes encode(const Arp& arp, const Surroundings&) {
  Bytes out;
  put16(out, arp.hardware);
  put16(out, arp.protocol);
  put8(out, arp.sender_mac.octets.size());
  put8(out, arp.sender_ip.octets.size());
  put16(out, arp.operation);
  put(out, arp.sender_mac.octets);
  put(out, arp.sender_ip.octets);
  put(out, arp.target_mac.octets);
  put(out, arp.target_ip.octets);
  return out;
}

Bytes encode(const Pause& pause, const Surroundings&) {
  constexpr std::size_t kOpcode = 1, kReserved = 42;
  Bytes out;
  put16(out, kOpcode);
  put16(out, pause.quanta);
  put(out, Bytes(kReserved));
  return out;
}

Bytes encode(const Lldp& lldp, const Surroundings&) {
  Bytes ttl, out;
  put16(ttl, lldp.ttl);
  put_tlv(out, 1, lldp_id(4, lldp.chassis));
  put_tlv(out, 2, lldp_id(3, lldp.port));
  put_tlv(out, 3, ttl);
  put_tlv(out, 0, {});
  return out;
}

Bytes encode(const Raw& raw, const Surroundings&) {
  return raw.bytes;
}

}  // namespace bpfvlan::test
