// SPDX-License-Identifier: MIT
// Rows of docs/semantics.md, "Different on purpose": what the kernel's driver does otherwise.
#include <sys/socket.h>

#include "stage.hpp"

namespace bpfvlan::test {
namespace {

class L3Differences : public OurStage, public ::testing::WithParamInterface<int> {
 protected:
  std::string of(const Addr& a) const { return a.of(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(, L3Differences, ::testing::Values(AF_INET, AF_INET6),
                         [](const auto& i) { return family_name(i.param); });

// Mode and policy are the endpoint's own: the stricter of the two holds.
TEST_P(L3Differences, policy_of_one_endpoint) {
  BV_OK(attach(BV_POLICY_BRIDGE));
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint("b", kB, [](auto& r) { r.policy = BV_POLICY_PRIVATE; }));
  BV_OK(endpoint("c", {"10.9.9.9", "fd00:9::9"}));
  EXPECT_TRUE(no({{"a", "b", of(kB)}, {"b", "a", of(kA)}}));
  EXPECT_TRUE(ok("c", "a", of(kA)));
  BV_OK(control([](Control& c) { return c.set_endpoint("b", {}, BV_POLICY_BRIDGE); }));
  EXPECT_TRUE(ok("a", "b", of(kB)));
  BV_OK(attach(BV_POLICY_PRIVATE));  // the parent's default: not for b, which has its own
  EXPECT_TRUE(no({{"c", "a", of(kA)}, {"a", "b", of(kB)}})) << "a follows the parent";
}

}  // namespace
}  // namespace bpfvlan::test
