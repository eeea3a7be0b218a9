// SPDX-License-Identifier: MIT
// As many endpoints and addresses as are promised, and a packet through the last of them.
#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "packet_socket.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

// Of an experimental ethertype (IEEE 802, 9.2.3), which nobody answers.
Bytes test_broadcast(const Bytes& from) {
  Bytes frame(64);
  std::fill_n(frame.begin(), 6, std::uint8_t{0xff});
  std::copy(from.begin(), from.end(), frame.begin() + 6);
  frame[12] = 0x88;
  frame[13] = 0xb5;
  return frame;
}

class Limits : public OurStage {
 protected:
  void SetUp() override {
    OurStage::SetUp();
    BV_OK(attach(BV_POLICY_BRIDGE));
    BV_OK(endpoint("a", kA));
  }
};

// On many interfaces: the kernel's own list of one interface's addresses is walked for each new
// one.
TEST_F(Limits, addresses_65536) {
  constexpr unsigned kEndpoints = 64, kEach = 1024;
  BV_OK(lab.add_netns("b"));
  BV_OK(control([](Control& c) -> Result<> {
    for (unsigned e = 0; e < kEndpoints; ++e) {
      EndpointRequest request;
      request.name = fmt::format("e{}", e);
      request.parent = "P";
      request.netns = "b";
      request.device = device_under_test();
      const unsigned have = e == 0 ? 1 : 0;  // a has one
      for (unsigned i = have; i < kEach; ++i) {
        const unsigned n = e * kEach + i;
        BV_TRY(const auto address, IpPrefix::parse(fmt::format("10.64.{}.{}", n >> 8, n & 255)));
        request.addresses.push_back(address);
      }
      BV_CHECK(c.add_endpoint(request));
    }
    return {};
  }));
  EXPECT_EQ(info("e63").addresses.size(), std::size_t{kEach});
  BV_OK(lab.ip("b", fmt::format("route add {} dev e63", kA.v4)));
  EXPECT_TRUE(ok("a", "b", "10.64.255.255"));
  const auto full = cli("address add a 10.0.0.1");
  EXPECT_EQ(full.status, 1);
  EXPECT_THAT(full.err, ::testing::HasSubstr("map addr4 is full"));
}

TEST_F(Limits, endpoints_4096) {
  BV_OK(lab.add_netns("b"));
  const std::string file = "/run/batch";
  {
    std::ofstream batch(file);
    for (unsigned i = 0; i < 4096 - 2; ++i)
      batch << fmt::format("endpoint add e{} --parent P --netns b --address 10.80.{}.{}\n", i,
                           i >> 8, i & 255);
  }
  const auto added = cli("-b " + file);
  ASSERT_EQ(added.status, 0) << added.err;
  BV_OK(endpoint("last", kB));
  EXPECT_TRUE(ok("a", "last", kB.v4));
  const auto full = cli("endpoint add more --parent P");
  EXPECT_EQ(full.status, 1);
  EXPECT_THAT(full.err, ::testing::HasSubstr("there are 4096 endpoints"));
  lab.delete_netns("b");
  EXPECT_TRUE(eventually([&] {
    return lab::run({"ip", "-n", "host", "link", "show", "bpfv4000"}).status != 0;
  }));
  EXPECT_EQ(cli("detach P --force").status, 0);
}

// All that a broadcast did: copies by the endpoints' counters and by their interfaces.
struct Copies {
  std::vector<std::uint64_t> delivered;  // to each
  std::uint64_t arrived = 0, lost = 0;
  std::uint64_t all() const {
    return std::accumulate(delivered.begin(), delivered.end(), std::uint64_t{0});
  }
  friend Copies operator-(Copies a, const Copies& b) {
    for (std::size_t i = 0; i < b.delivered.size(); ++i) a.delivered[i] -= b.delivered[i];
    a.arrived -= b.arrived;
    a.lost -= b.lost;
    return a;
  }
};

class L2Limits : public Limits {
 protected:
  void add(unsigned from, unsigned to) {
    std::string batch;
    for (unsigned i = from; i < to; ++i)
      batch +=
          fmt::format("endpoint add e{} --parent P --mode l2 --netns b --address 10.80.{}.{}\n", i,
                      i >> 8, i & 255);
    const auto added = cli("-b -", batch);
    ASSERT_EQ(added.status, 0) << added.err;
  }
  Copies count() {
    Copies c;
    BV_EXPECT_OK(control([&](Control& control) -> Result<> {
      BV_TRY(const auto all, control.endpoints());
      for (const auto& e : all)
        if (e.mode == BV_MODE_L2) c.delivered.push_back(e.rx_packets);
      BV_TRY(const auto reasons, control.reasons());
      c.lost = reasons.at(BV_REASON_COPY_LOST).packets;
      return {};
    }));
    const auto links = nlohmann::json::parse(lab::run({"ip", "-n", "b", "-s", "-j", "link"}).out);
    for (const auto& link : links)
      if (link.at("ifname") != "lo")
        c.arrived += link.at("stats64").at("rx").at("packets").get<std::uint64_t>();
    return c;
  }
  // What one broadcast adds, once everything of it has come.
  Copies broadcast(const std::string& netns, const std::string& ifname) {
    auto before = count();
    EXPECT_TRUE(eventually([&] {  // the endpoints' own neighbour discovery is over
      const auto last = std::exchange(before, count());
      return last.delivered == before.delivered;
    }));
    EXPECT_TRUE(PacketSocket(netns, ifname).send(test_broadcast(mac_of(netns, ifname))));
    Copies added;
    EXPECT_TRUE(eventually([&] {
      added = count() - before;
      return added.all() > 0 && added.arrived == added.all();
    }));
    return added;
  }
};

// All copies of one frame wait in one queue of the kernel, net.core.netdev_max_backlog long (1,000
// unless set): the programs pause in between.
TEST_F(L2Limits, endpoints_4096) {
  constexpr unsigned kEndpoints = 4096 - 1;  // and a, of mode l3
  BV_OK(lab.add_netns("b"));
  add(0, kEndpoints);
  auto copies = broadcast("x", "X");
  EXPECT_EQ(copies.delivered, std::vector<std::uint64_t>(kEndpoints, 1));
  EXPECT_EQ(copies.lost, 0U);
  copies = broadcast("b", "e4000");
  EXPECT_EQ(std::count(copies.delivered.begin(), copies.delivered.end(), 1U), kEndpoints - 1);
  EXPECT_EQ(copies.lost, 0U);
  EXPECT_EQ(cli("detach P --force").status, 0);
}

}  // namespace
}  // namespace bpfvlan::test
