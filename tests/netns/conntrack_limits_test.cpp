// SPDX-License-Identifier: MIT
// A million connections, listed in seconds and in little memory.
#include <bpf/bpf.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include <filesystem>
#include <numeric>

#include "conntrack_programs.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::uint32_t kConnections = 1 << 20;
constexpr std::uint32_t kSets = kConnections / BV_CONN_WAYS;

bv_conn udp(std::uint32_t n, std::uint32_t expires) {
  bv_conn c{};
  c.lo[10] = c.lo[11] = c.hi[10] = c.hi[11] = 0xff;
  const std::uint8_t hi[4] = {198, 51, 100, 7};
  c.lo[12] = 10;
  for (int byte = 0; byte < 3; ++byte)
    c.lo[13 + byte] = static_cast<std::uint8_t>(n >> (16 - 8 * byte));
  std::copy_n(hi, 4, c.hi + 12);
  c.port[0][1] = 1;
  c.port[1][1] = 53;
  c.protocol = IPPROTO_UDP;
  c.status_state = BV_CONN_LO_STARTED | BV_CONN_SEEN_REPLY | BV_CONN_ASSURED;
  c.expires = expires;
  return c;
}

// Where they are by their hash does not matter to who reads all.
void fill(const std::string& dir) {
  const auto programs = ConntrackPrograms::open(dir);
  BV_OK(programs);
  const auto now = programs->now();
  BV_OK(now);
  const UniqueFd map(bpf_obj_get((dir + "/conntrack").c_str()));
  ASSERT_TRUE(map);
  constexpr std::uint32_t kBatch = 1024;
  std::vector<bv_conn_set> sets(kBatch);
  std::vector<std::uint32_t> keys(kBatch);
  for (std::uint32_t first = 0; first < kSets; first += kBatch) {
    std::iota(keys.begin(), keys.end(), first);
    for (std::uint32_t i = 0; i < kBatch; ++i) {
      for (std::uint32_t way = 0; way < BV_CONN_WAYS; ++way) {
        sets[i].tag[way] = 1;
        sets[i].conn[way] = udp((first + i) * BV_CONN_WAYS + way, *now + 1'000'000);
      }
    }
    std::uint32_t count = kBatch;
    ASSERT_EQ(bpf_map_update_batch(map.get(), keys.data(), sets.data(), &count, nullptr), 0);
  }
}

class ConntrackLimits : public OurStage {
 protected:
  void SetUp() override {
    OurStage::SetUp();
    ASSERT_EQ(cli(fmt::format("attach P --mode l3s --max-connections {}", kConnections)).status, 0);
    fill(std::filesystem::directory_iterator("/sys/fs/bpf/bpfvlan")->path());
  }

  // The command's output, counted by another that reads all of it.
  std::string lines(const std::string& command) {
    const auto r =
        lab::run({"sh", "-c", fmt::format("{} -n host {} | wc -l", BPFVLAN_CLI, command)});
    EXPECT_EQ(r.status, 0) << r.err;
    return r.out;
  }
};

TEST_F(ConntrackLimits, a_million_in_seconds) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(lines("conntrack list"), fmt::format("{}\n", kConnections));
  const auto listed = std::chrono::steady_clock::now();
  EXPECT_LT(listed - begin, 20s * slowness());  // of an unoptimised build
  EXPECT_EQ(cli("conntrack count -s 10.0.0.0/24").out, "256\n");
  EXPECT_EQ(cli("conntrack count").out, fmt::format("{}\n", kConnections));
  EXPECT_LT(std::chrono::steady_clock::now() - listed, 20s * slowness());
  EXPECT_EQ(lines("-j conntrack list -s 10.0.0.0/16"), "1\n");

  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  EXPECT_LT(usage.ru_maxrss, 64 << 10) << "kilobytes of the largest";
}

TEST_F(ConntrackLimits, a_listing_keeps_nobody_waiting) {
  // Its output is read by nobody until the other command has ended.
  const auto r = lab::run({"sh", "-c",
                           fmt::format("{0} -n host conntrack list 2>/dev/null | "
                                       "(sleep 1; {0} -n host endpoint list >&2; wc -l)",
                                       BPFVLAN_CLI)});
  EXPECT_EQ(r.status, 0);
  EXPECT_THAT(r.err, ::testing::HasSubstr("NAME"));
  EXPECT_EQ(r.out, fmt::format("{}\n", kConnections));
}

TEST_F(ConntrackLimits, flush_takes_a_million) {
  EXPECT_THAT(cli("conntrack flush").err, ::testing::HasSubstr(std::to_string(kConnections)));
  EXPECT_EQ(cli("conntrack count").out, "0\n");
}

}  // namespace
}  // namespace bpfvlan::test
