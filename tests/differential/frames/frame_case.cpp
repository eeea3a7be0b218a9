// SPDX-License-Identifier: MIT
#include "frames/frame_case.hpp"

#include <fmt/format.h>
#include <linux/if_packet.h>

#include <algorithm>
#include <array>

namespace bpfvlan::test {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic{0xb9, 0xf1, 'J', 'u'};

const char* type_name(int type) {
  switch (type) {
    case PACKET_HOST:
      return "to us";
    case PACKET_BROADCAST:
      return "broadcast";
    case PACKET_MULTICAST:
      return "multicast";
    case PACKET_OTHERHOST:
      return "to another host";
    case PACKET_OUTGOING:
      return "outgoing";
    default:
      return "of another type";
  }
}

std::string offload_text(const Offload& o) {
  if (o == Offload{}) return "";
  return fmt::format(" offload(flags {} gso {} header {} size {} csum {}+{})", o.flags, o.gso_type,
                     o.header_len, o.gso_size, o.csum_start, o.csum_offset);
}

// Byte by byte, as far as the lengths allow.
std::string changes(const Bytes& before, const Bytes& after) {
  if (before.size() != after.size()) return to_text(after);
  std::string out = "     ";
  for (std::size_t i = 0; i < before.size(); ++i)
    if (before[i] != after[i]) out += fmt::format(" {}: {:02x}->{:02x}", i, before[i], after[i]);
  return out + "\n";
}

}  // namespace

void mark(Bytes& frame, std::uint32_t number) {
  auto* at = frame.data() + frame.size() - kMarkerSize;
  std::copy(kMagic.begin(), kMagic.end(), at);
  for (unsigned i = 0; i < 4; ++i) at[4 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
}

std::optional<std::uint32_t> marker_of(const Bytes& frame) {
  if (frame.size() < kMarkerSize) return {};
  const auto* at = frame.data() + frame.size() - kMarkerSize;
  if (!std::equal(kMagic.begin(), kMagic.end(), at)) return {};
  std::uint32_t number = 0;
  for (unsigned i = 0; i < 4; ++i) number = number << 8 | at[4 + i];
  return number;
}

std::string to_text(const Bytes& frame) {
  std::string out;
  const auto shown = std::min<std::size_t>(frame.size(), 128);
  for (std::size_t i = 0; i < shown; i += 32)
    out += fmt::format(
        "      {:4}: {:02x}\n", i,
        fmt::join(frame.begin() + static_cast<std::ptrdiff_t>(i),
                  frame.begin() + static_cast<std::ptrdiff_t>(std::min(i + 32, shown)), " "));
  if (shown < frame.size()) out += fmt::format("      … {} more\n", frame.size() - shown);
  return out;
}

std::string to_text(const Observation& observation, const FrameCase& c) {
  if (observation.empty()) return "    nothing\n";
  std::string out;
  for (const auto& s : observation) {
    out += fmt::format("    {}: {}{}{}", s.where, type_name(s.type),
                       s.tag ? fmt::format(", tag {:#06x} {:#06x}", s.tag->tpid, s.tag->tci) : "",
                       offload_text(s.offload));
    out += s.frame == c.frame ? "\n" : ", changed:\n" + changes(c.frame, s.frame);
  }
  return out;
}

std::string to_text(const FrameCase& c) {
  return fmt::format("    sent at {}, {} bytes{}\n{}", to_string(c.at), c.frame.size(),
                     offload_text(c.offload), to_text(c.frame));
}

}  // namespace bpfvlan::test
