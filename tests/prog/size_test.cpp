// SPDX-License-Identifier: MIT
// How large the programs are, as they are shipped: bench/bounds.json says what they may be, so that
// what makes one larger, or its verification longer, is seen, and the bound raised on purpose.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "setup.hpp"

namespace bpfvlan::test {
namespace {

using nlohmann::json;

class SizeTest : public ::testing::TestWithParam<std::string> {};

void expect_within(const std::string& program, const Size& size, const json& bound) {
  const auto because = bound.at("because").get<std::string>();
  EXPECT_LE(size.instructions, bound.at("instructions").get<std::uint32_t>())
      << program << ": instructions as the kernel has them; the bound: " << because;
  EXPECT_LE(size.verified, bound.at("verified").get<std::uint32_t>())
      << program << ": instructions that the verifier walks; the bound: " << because;
}

TEST_P(SizeTest, EachProgramIsWithinItsBounds) {
  std::ifstream file(BV_BOUNDS);
  const auto bounds = json::parse(file).at("programs");
  Programs shipped(GetParam(), Programs::Record::kNo);
  shipped.need_xdp();
  const std::map<std::string, Size> sizes{
      {"bv_rx", shipped.size(Hook::kRx)},         {"bv_xmit", shipped.size(Hook::kXmit)},
      {"bv_netkit", shipped.size(Hook::kNetkit)}, {"bv_local", shipped.size(Hook::kLocal)},
      {"bv_filter", shipped.filter_size()},       {"bv_xdp", shipped.size(Hook::kXdp)}};
  for (const auto& [program, size] : sizes) {
    ASSERT_TRUE(bounds.contains(program)) << program;
    expect_within(program, size, bounds.at(program));
  }
  EXPECT_EQ(bounds.size(), sizes.size()) << "a bound of a program that is not there";
}

INSTANTIATE_TEST_SUITE_P(Compilers, SizeTest, ::testing::ValuesIn(bpf_objects()),
                         [](const auto& i) { return compiler_of(i.param); });

}  // namespace
}  // namespace bpfvlan::test
