// SPDX-License-Identifier: MIT
// Copies for endpoints anywhere among those that there can be.
#include <map>

#include "state.hpp"

namespace bpfvlan::test {
namespace {

class Flooding : public StateTest {
 protected:
  // Their device is the third endpoint's, and counters of their own tell them apart.
  void add(std::uint32_t id) {
    bv_port port{};
    port.host_side = devices().third();
    port.id = id;
    port.parent = devices().parent();
    port.mode = BV_MODE_L2;
    under_test().put("ports", id, port);
  }

  void everybody(const std::vector<std::uint32_t>& ids) {
    std::map<std::uint32_t, std::uint64_t> hints;
    bv_group_chunks chunks{};
    for (const std::uint32_t id : ids) {
      hints[id / 64] |= std::uint64_t{1} << id % 64;
      chunks.words[id / 64 / 64] |= std::uint64_t{1} << id / 64 % 64;
    }
    const std::uint32_t bucket = BV_GROUP_BUCKETS + kParentIndex;
    for (const auto& [chunk, bits] : hints)
      under_test().put("group_hints", bucket * under_test().chunks() + chunk, bits);
    under_test().put("group_chunks", bucket, chunks);
  }

  std::uint64_t received(const std::vector<std::uint32_t>& ids) {
    std::uint64_t sum = 0;
    for (const std::uint32_t id : ids) {
      const auto packets = under_test().endpoint(id).rx_packets;
      EXPECT_LE(packets, 1u) << id;
      sum += packets;
    }
    return sum;
  }

  void join(std::uint32_t id, std::uint8_t type = Igmp::kV2Report) {
    send_as(id,
            frame(Ethernet{.dst = mac_of(Ip4Addr(kGroup4)), .src = kMac}, IPv4{.dst = kGroup4},
                  Igmp{.type = type, .group = kGroup4}),
            devices(), under_test());
  }

  void expect_copies(const std::vector<std::uint32_t>& ids) {
    const Bytes broadcast = to_group(kOtherMac, Ip4Addr(kOutside4), Ip4Addr(kAllHosts));
    const Bytes multicast = to_group(kOtherMac, Ip4Addr(kOutside4), Ip4Addr(kGroup4));
    for (const std::uint32_t id : ids) add(id);
    everybody(ids);
    EXPECT_EQ(reason_of(broadcast), BV_REASON_RX_FLOODED);
    EXPECT_EQ(received(ids), ids.size());

    for (const std::uint32_t id : ids) {
      SCOPED_TRACE(id);
      clear(ids);
      EXPECT_EQ(reason_of(multicast), BV_REASON_RX_NO_ENDPOINT);
      join(id);
      EXPECT_EQ(reason_of(multicast), BV_REASON_RX_FLOODED);
      EXPECT_EQ(received({id}), 1u);
      EXPECT_EQ(received(ids), 1u);
      join(id, Igmp::kV2Leave);
    }
    for (const std::uint32_t id : ids) join(id);
    clear(ids);
    EXPECT_EQ(reason_of(multicast), BV_REASON_RX_FLOODED);
    EXPECT_EQ(received(ids), ids.size());
    EXPECT_EQ(counted(BV_REASON_COPY_LOST), 0u);
  }

 private:
  void clear(const std::vector<std::uint32_t>& ids) {
    for (const std::uint32_t id : ids) under_test().clear_counters(id);
  }
};
INSTANTIATE_TEST_SUITE_P(All, Flooding, ::testing::ValuesIn(bpf_objects()), object_name);

TEST_P(Flooding, AcrossChunks) {
  load({});
  expect_copies({0, 1, 62, 63, 64, 127, 128, 2047, 2048, 4031, 4032, 4095});
}

// Chunks in all words of a bucket.
TEST_P(Flooding, AsManyEndpointsAsThereCanBe) {
  load({.endpoints = BV_MAX_ENDPOINTS});
  expect_copies({0, 63, 64, 4095, 4096, 8191, 30000, 61440, 65535});
}

TEST_P(Flooding, FewEndpoints) {
  load({.endpoints = 64});
  expect_copies({0, 1, 8, 63});
}

TEST_P(Flooding, WholeChunks) {
  load({});
  std::vector<std::uint32_t> ids;
  for (std::uint32_t id = 64; id < 64 + 3 * 64; ++id) ids.push_back(id);
  for (const std::uint32_t id : ids) add(id);
  everybody(ids);
  EXPECT_EQ(reason_of(to_group(kOtherMac, Ip4Addr(kOutside4), Ip4Addr(kAllHosts))),
            BV_REASON_RX_FLOODED);
  EXPECT_EQ(received(ids), ids.size());
}

// Ids that are nobody's, or another parent's, in the hints alone.
TEST_P(Flooding, HintsDecideNothing) {
  load({});
  add(64);
  everybody({64, 65, kForeignId, 4095});
  reason_of(to_group(kOtherMac, Ip4Addr(kOutside4), Ip4Addr(kAllHosts)));
  EXPECT_EQ(received({64}), 1u);
  EXPECT_EQ(received({65, kForeignId, 4095}), 0u);
  EXPECT_EQ(counted(BV_REASON_COPY_LOST), 0u);
}

}  // namespace
}  // namespace bpfvlan::test
