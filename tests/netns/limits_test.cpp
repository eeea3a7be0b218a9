// SPDX-License-Identifier: MIT
// As many endpoints and addresses as are promised, and a packet through the last of them.
#include <fmt/core.h>

#include <fstream>

#include "stage.hpp"

namespace bpfvlan::test {
namespace {

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

}  // namespace
}  // namespace bpfvlan::test
