// SPDX-License-Identifier: MIT
// A million connections, listed in seconds and in little memory; and a flood of them.
#include <bpf/bpf.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "bpfvlan/test/frame.hpp"
#include "conntrack_programs.hpp"
#include "packet_socket.hpp"
#include "stage.hpp"
#include "tcp_transfer.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::uint32_t kConnections = 1 << 20;
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

// Every place that is free. Where they are by their hash does not matter to who reads all, nor that
// no packet finds them to who needs room.
void fill(std::uint32_t connections) {
  const auto dir = std::filesystem::directory_iterator("/sys/fs/bpf/bpfvlan")->path().string();
  const auto programs = ConntrackPrograms::open(dir);
  BV_OK(programs);
  const auto now = programs->now();
  BV_OK(now);
  const UniqueFd map(bpf_obj_get((dir + "/conntrack").c_str()));
  ASSERT_TRUE(map);
  bv_conn_set set;
  for (std::uint32_t key = 0; key < connections / BV_CONN_WAYS; ++key) {
    ASSERT_EQ(bpf_map_lookup_elem(map.get(), &key, &set), 0);
    for (std::uint32_t way = 0; way < BV_CONN_WAYS; ++way) {
      if (set.tag[way]) continue;
      set.tag[way] = 1;
      set.conn[way] = udp(key * BV_CONN_WAYS + way, *now + 1'000'000);
    }
    ASSERT_EQ(bpf_map_update_elem(map.get(), &key, &set, BPF_EXIST), 0);
  }
}

class ConntrackLimits : public OurStage {
 protected:
  void SetUp() override {
    OurStage::SetUp();
    ASSERT_EQ(cli(fmt::format("attach P --mode l3s --max-connections {}", kConnections)).status, 0);
    ASSERT_EQ(cli("conntrack set nf_conntrack_tcp_loose=1").status, 0);  // makes the table
    fill(kConnections);
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

// A transfer that the rules let through as long as it is known, and SYNs from everywhere.
class SynFlood : public OurStage {
 protected:
  void begin(std::uint32_t connections) {
    done(fmt::format("attach P --mode l3s --max-connections {}", connections));
    BV_OK(endpoint("a", kA));
    BV_OK(route_from_x(kA));
    auto started = TcpTransfer::start({"x", "a", kA.v4});
    BV_OK(started);
    transfer = std::move(*started);
    EXPECT_TRUE(transfer->goes_on());
    done("conntrack set nf_conntrack_tcp_loose=0");
    done("rule restore --parent P",
         "*filter\n:INPUT DROP\n:OUTPUT DROP\n"
         "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
         "-A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
         "-A INPUT -p tcp --dport 9 -j ACCEPT\nCOMMIT\n");
    syn = frame(Ethernet{}, IPv4{.src = "100.0.0.0", .dst = kA.v4},
                Tcp{.dport = 9, .flags = Tcp::kSyn});
    std::ranges::copy(mac_of("host", "P"), syn.begin());
    syn.back() ^= 1;
  }
  void done(const std::string& args, const std::string& input = {}) {
    const auto r = cli(args, input);
    ASSERT_EQ(r.status, 0) << args << "\n" << r.err;
  }
  // Sources count up from `first`. Both checksums stay as they are: the filter does not ask, and
  // the endpoint's stack, for which one is wrong at least, answers none.
  void send_syns(const PacketSocket& wire, std::uint32_t first, std::uint32_t count) {
    for (auto n = first; n != first + count; ++n) {
      for (unsigned byte = 0; byte < 3; ++byte)
        syn[kSource + 1 + byte] = static_cast<std::uint8_t>(n >> (16 - 8 * byte));
      ASSERT_TRUE(wire.send(syn));
    }
  }
  std::uint64_t stat(const char* name) {
    return nlohmann::json::parse(cli("-j conntrack stats").out).at(0).at(name);
  }

  static constexpr std::size_t kSource = 14 + 12;
  std::unique_ptr<TcpTransfer> transfer;
  Bytes syn;
};

TEST_F(SynFlood, of_a_million_leaves_an_established_connection_alone) {
  constexpr std::uint32_t kRoom = BV_DEFAULT_CONNECTIONS, kFlood = 1'000'000, kBurst = 50'000;
  begin(kRoom);
  const PacketSocket wire("x", "X");
  const auto before = stat("new");
  std::uint32_t sent = 0;
  for (; stat("new") < before + kFlood; sent += kBurst) {
    ASSERT_LT(sent, 4 * kFlood) << "most of them are lost";
    send_syns(wire, sent, kBurst);
    ASSERT_TRUE(transfer->goes_on()) << sent;
  }
  EXPECT_EQ(stat("full"), 0U) << "half-open ones make room";
  EXPECT_EQ(stat("early_dropped") + std::stoull(cli("conntrack count").out), stat("new"));
  EXPECT_EQ(cli("conntrack count -s 10.211.55.1 --state ESTABLISHED").out, "1\n");
  EXPECT_TRUE(transfer->finish());
}

TEST_F(SynFlood, is_refused_where_all_is_assured) {
  constexpr std::uint32_t kRoom = BV_MIN_CONNECTIONS, kFlood = 1000;
  begin(kRoom);
  // Nothing may change in the table while it is filled.
  done("conntrack set nf_conntrack_tcp_be_liberal=1");
  done("endpoint set a --filter off");
  fill(kRoom);
  done("endpoint set a --filter on");
  EXPECT_EQ(cli("conntrack count").out, fmt::format("{}\n", kRoom));
  const auto added = stat("new");
  send_syns(PacketSocket("x", "X"), 0, kFlood);
  EXPECT_TRUE(eventually([&] { return stat("full") == kFlood; })) << stat("full");
  EXPECT_EQ(reason(BV_REASON_RX_CT_FULL), kFlood);
  EXPECT_EQ(stat("new"), added);
  EXPECT_EQ(stat("early_dropped"), 0U);
  EXPECT_TRUE(transfer->goes_on());
  EXPECT_TRUE(transfer->finish());
}

}  // namespace
}  // namespace bpfvlan::test
