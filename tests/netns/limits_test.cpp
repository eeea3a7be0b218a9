// SPDX-License-Identifier: MIT
// As many endpoints and addresses as are promised, and a packet through the last of them.
#include <fmt/core.h>

#include <sstream>

#include "stage.hpp"

namespace bpfvlan::test {
namespace {

class Limits : public Stage {
 protected:
  void SetUp() override {
    Stage::SetUp();
    BV_OK(attach(BV_POLICY_BRIDGE));
    BV_OK(endpoint("a", kA));
  }
};

TEST_F(Limits, addresses_65536) {
  BV_OK(lab.add_netns("b"));
  BV_OK(control([](Control& c) -> Result<> {
    EndpointRequest request;
    request.name = "b";
    request.parent = "P";
    request.netns = "b";
    request.default_route = true;
    for (unsigned i = 0; i < 65536 - 1; ++i) {
      BV_TRY(const auto address,
             IpPrefix::parse(fmt::format("10.{}.{}.{}", 64 + (i >> 16), i >> 8 & 255, i & 255)));
      request.addresses.push_back(address);
    }
    return c.add_endpoint(request);
  }));
  EXPECT_EQ(info("b").addresses.size(), 65535U);
  EXPECT_TRUE(ok("a", "b", "10.64.255.254"));
  const auto full = cli("address add a 10.0.0.1");
  EXPECT_EQ(full.status, 1);
  EXPECT_THAT(full.err, ::testing::HasSubstr("map addr4 is full"));
  EXPECT_EQ(cli("endpoint del b").status, 0);
}

// In the parent's namespace too, so that 4,096 namespaces are not the test.
TEST_F(Limits, endpoints_4096) {
  BV_OK(lab.add_netns("b"));
  std::ostringstream batch;
  for (unsigned i = 0; i < 4094; ++i)
    batch << fmt::format("endpoint add e{0} --parent P --netns b --address 10.80.{1}.{2}\n", i,
                         i >> 8, i & 255);
  const auto file = "/run/batch";
  ASSERT_EQ(lab::run({"tee", file}, "").status, 0);
  {
    std::FILE* out = std::fopen(file, "w");
    ASSERT_TRUE(out);
    std::fputs(batch.str().c_str(), out);
    std::fclose(out);
  }
  const auto added = cli(fmt::format("-b {}", file));
  ASSERT_EQ(added.status, 0) << added.err;
  BV_OK(endpoint("last", kB));
  EXPECT_TRUE(ok("a", "last", kB.v4));
  const auto full = cli("endpoint add more --parent P");
  EXPECT_EQ(full.status, 1);
  EXPECT_THAT(full.err, ::testing::HasSubstr("there are 4096 endpoints"));
  EXPECT_EQ(cli("detach P --force").status, 0);
}

}  // namespace
}  // namespace bpfvlan::test
