// SPDX-License-Identifier: MIT
#include "bpfvlan/test/frame.hpp"

#include "encode.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::uint16_t kExperimentalEthertype = 0x88b5;  // IEEE 802, "local experimental"
constexpr std::uint8_t kExperimentalProtocol = 253;       // RFC 3692

std::uint16_t ethertype_of(const Layer& layer) {
  return std::visit(
      []<class L>(const L& l) -> std::uint16_t {
        if constexpr (requires { l.tpid; })
          return l.tpid;
        else if constexpr (requires { L::kEthertype; })
          return L::kEthertype;
        else
          return kExperimentalEthertype;
      },
      layer);
}

std::uint8_t protocol_of(const Layer& layer) {
  return std::visit(
      []<class L>(const L&) -> std::uint8_t {
        if constexpr (requires { L::kProtocol; })
          return L::kProtocol;
        else
          return kExperimentalProtocol;
      },
      layer);
}

const Layer* ip_around(std::span<const Layer> outer) {
  for (auto layer = outer.rbegin(); layer != outer.rend(); ++layer)
    if (std::holds_alternative<IPv4>(*layer) || std::holds_alternative<IPv6>(*layer))
      return &*layer;
  return nullptr;
}

}  // namespace

Bytes build(std::span<const Layer> layers) {
  const Layer nothing = Raw{};
  Bytes inner;
  for (std::size_t i = layers.size(); i-- > 0;) {
    const Layer& next = i + 1 < layers.size() ? layers[i + 1] : nothing;
    const Surroundings around{.inner = inner,
                              .ethertype = ethertype_of(next),
                              .protocol = protocol_of(next),
                              .above_mpls = std::holds_alternative<Mpls>(next),
                              .ip = ip_around(layers.first(i))};
    Bytes out = std::visit([&](const auto& layer) { return encode(layer, around); }, layers[i]);
    put(out, inner);
    inner = std::move(out);
  }
  return inner;
}

Raw payload(std::size_t size) {
  Raw raw{Bytes(size)};
  for (std::size_t i = 0; i < size; ++i) raw.bytes[i] = static_cast<std::uint8_t>(i * 7 + 1);
  return raw;
}

Bytes resized(Bytes frame, std::size_t size) {
  frame.resize(size);
  return frame;
}

}  // namespace bpfvlan::test
