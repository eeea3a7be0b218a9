// SPDX-License-Identifier: MIT
// Row L3-nomcast: no endpoint receives any broadcast or multicast, and none that it sends leaves.
#include <fmt/core.h>
#include <linux/if_packet.h>

#include "group_socket.hpp"
#include "packet_socket.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

constexpr int kCount = 5;

class L3NoMulticast : public OnEitherEngine<Group> {};
INSTANTIATE_TEST_SUITE_P(
    , L3NoMulticast,
    ::testing::Combine(kEitherEngine, ::testing::Values(kBroadcast, kMulticast4, kMulticast6)),
    [](const auto& i) {
      return fmt::format("{}_{}", to_string(std::get<EngineKind>(i.param)),
                         std::get<Group>(i.param).name);
    });

TEST_P(L3NoMulticast, neither_in_nor_out) {
  BV_OK(siblings());
  BV_OK(route_from_x(kA));
  const Member x("x", "X", param()), host("host", "P", param()), a("a", "a", param()),
      b("b", "b", param());
  const PacketSocket at_a("a", "a");

  for (int i = 0; i < kCount; ++i) EXPECT_TRUE(x.send("hello"));
  std::size_t at_host = 0;
  EXPECT_TRUE(eventually([&] { return (at_host += host.heard().size()) == kCount; }))
      << "the parent's own stack hears them";
  x.heard();  // a host hears its own broadcasts
  EXPECT_TRUE(a.heard().empty());
  EXPECT_TRUE(b.heard().empty());
  for (const auto& c : at_a.drain()) EXPECT_EQ(c.packet_type, PACKET_OUTGOING);

  for (int i = 0; i < kCount; ++i) EXPECT_TRUE(a.send("hello"));
  // What comes later is through: so would they be.
  EXPECT_TRUE(lab::udp_echo({"a", "b", kB.v4}, 1, patience()));
  EXPECT_TRUE(lab::udp_echo({"a", "x", kX.v4}, 1, patience()));
  int sent = 0;
  for (const auto& c : at_a.drain()) sent += ip_destination(c.frame) == param().address;
  EXPECT_EQ(sent, kCount) << "they did leave A's stack";
  EXPECT_TRUE(x.heard().empty());
  EXPECT_TRUE(host.heard().empty());
  EXPECT_TRUE(b.heard().empty());
}

}  // namespace
}  // namespace bpfvlan::test
