// SPDX-License-Identifier: MIT
#include "checksum.hpp"
#include "encode.hpp"

namespace bpfvlan::test {
namespace {

// Extension headers say their length in units of 8 bytes, the first 8 not counted.
std::size_t extension_length(std::size_t bytes) {
  return bytes / 8 - 1;
}

void pad_options(Bytes& options, std::size_t fixed) {
  const std::size_t missing = (8 - (fixed + options.size()) % 8) % 8;
  if (missing == 0) return;
  put8(options, missing == 1 ? 0 : 1);  // Pad1 or PadN
  if (missing == 1) return;
  put8(options, missing - 2);
  put(options, Bytes(missing - 2));
}

template <class Header>
Bytes encode_options(const Header& header, const Surroundings& around) {
  constexpr std::size_t kFixed = 2;
  Bytes options = header.options;
  pad_options(options, kFixed);
  Bytes out;
  put8(out, header.next_header.value_or(around.protocol));
  put8(out, extension_length(kFixed + options.size()));
  put(out, options);
  return out;
}

}  // namespace

Bytes encode(const IPv4& ip, const Surroundings& around) {
  constexpr std::size_t kFixed = 20, kChecksumAt = 10;
  const std::size_t length = kFixed + ip.options.size();
  Bytes out;
  put8(out, static_cast<std::size_t>(ip.version) << 4 | ip.ihl.value_or(length / 4));
  put8(out, ip.tos);
  put16(out, ip.total_length.value_or(length + around.inner.size()));
  put16(out, ip.id);
  put16(out, (ip.dont_fragment ? 0x4000u : 0u) | (ip.more_fragments ? 0x2000u : 0u) |
                 ip.fragment_offset);
  put8(out, ip.ttl);
  put8(out, ip.protocol.value_or(around.protocol));
  put16(out, 0);
  put(out, ip.src.octets);
  put(out, ip.dst.octets);
  put(out, ip.options);
  set16(out, kChecksumAt, ip.checksum.value_or(internet_checksum(out)));
  return out;
}

Bytes encode(const IPv6& ip, const Surroundings& around) {
  Bytes out;
  put32(out, static_cast<std::size_t>(ip.version) << 28 | ip.traffic_class << 20u | ip.flow_label);
  put16(out, ip.payload_length.value_or(around.inner.size()));
  put8(out, ip.next_header.value_or(around.protocol));
  put8(out, ip.hop_limit);
  put(out, ip.src.octets);
  put(out, ip.dst.octets);
  return out;
}

Bytes encode(const HopByHop& header, const Surroundings& around) {
  return encode_options(header, around);
}

Bytes encode(const DestinationOptions& header, const Surroundings& around) {
  return encode_options(header, around);
}

Bytes encode(const Routing& routing, const Surroundings& around) {
  constexpr std::size_t kFixed = 4;
  Bytes out;
  put8(out, routing.next_header.value_or(around.protocol));
  put8(out, extension_length(kFixed + routing.data.size()));
  put8(out, routing.type);
  put8(out, routing.segments_left);
  put(out, routing.data);
  return out;
}

Bytes encode(const Fragment& fragment, const Surroundings& around) {
  Bytes out;
  put8(out, fragment.next_header.value_or(around.protocol));
  put8(out, 0);
  put16(out, fragment.offset << 3u | (fragment.more ? 1u : 0u));
  put32(out, fragment.id);
  return out;
}

}  // namespace bpfvlan::test
