// SPDX-License-Identifier: MIT
// Endpoints on netkit pairs where the kernel has them; what is said where it does not. That they
// behave like those on veth pairs is for the other suites, with BPFVLAN_TEST_DEVICE=netkit.
#include <bpf/bpf.h>
#include <net/if.h>

#include "bpfvlan/features.hpp"
#include "bpfvlan/netns.hpp"
#include "bpfvlan/unique_fd.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

using ::testing::HasSubstr;

// Not in Debian 12's headers: enum bpf_attach_type of Linux 6.7.
constexpr auto kNetkitPrimary = static_cast<bpf_attach_type>(54);
constexpr auto kNetkitPeer = static_cast<bpf_attach_type>(55);

bool has_netkit() {
  const auto features = probe_features();
  return features && std::any_of(features->begin(), features->end(),
                                 [](const Feature& f) { return f.name == "netkit" && f.present; });
}

class Netkit : public OurStage {
 protected:
  void SetUp() override {
    OurStage::SetUp();
    BV_OK(attach(BV_POLICY_BRIDGE));
    BV_OK(lab.add_netns("a"));
    BV_OK(route_from_x(kA));
  }
  lab::CommandResult add(const char* name, const Addr& addr, const char* device) {
    return cli(
        fmt::format("endpoint add {0} --parent P --netns {0} --address {1} --address {2} "
                    "--default-route --device {3}",
                    name, addr.cidr(AF_INET), addr.cidr(AF_INET6), device));
  }
};

TEST_F(Netkit, is_refused_where_there_is_none) {
  const auto r = add("a", kA, "netkit");
  if (has_netkit()) {
    EXPECT_EQ(r.status, 0) << r.err;
    EXPECT_EQ(info("a").device, "netkit");
    return;
  }
  EXPECT_EQ(r.status, 3);
  EXPECT_THAT(r.err, HasSubstr("this kernel has no netkit device (CONFIG_NETKIT, since 6.7)"));
  EXPECT_EQ(cli("-j endpoint list").out, "[]\n");
}

TEST_F(Netkit, auto_says_what_it_took) {
  const auto r = add("a", kA, "auto");
  ASSERT_EQ(r.status, 0) << r.err;
  const auto* device = has_netkit() ? "netkit" : "veth";
  EXPECT_EQ(info("a").device, device);
  EXPECT_THAT(r.err, HasSubstr(fmt::format("endpoint 'a' has a {} pair", device)));
  EXPECT_TRUE(ok("a", "x", kX.v4));
}

TEST_F(Netkit, what_is_no_device_is_refused) {
  const auto r = add("a", kA, "tap");
  EXPECT_EQ(r.status, 2);
  EXPECT_THAT(r.err, HasSubstr("--device"));
}

// With all capabilities in the endpoint's namespace: only the host side has a say in the program.
TEST_F(Netkit, the_endpoint_cannot_get_rid_of_the_program) {
  if (!has_netkit()) GTEST_SKIP() << "this kernel has no netkit device: tested on 6.12";
  BV_OK(lab.add_netns("b"));
  ASSERT_EQ(add("a", kA, "netkit").status, 0);
  ASSERT_EQ(add("b", kB, "netkit").status, 0);
  ASSERT_EQ(cli("endpoint set b --policy private").status, 0);
  {
    const auto ns = Netns::open("a");
    BV_OK(ns);
    const auto in = InNetns::enter(ns->fd());
    BV_OK(in);
    const auto ifindex = static_cast<int>(if_nametoindex("a"));
    const bpf_insn pass[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
    const UniqueFd program(
        bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "pass", "GPL", pass, std::size(pass), nullptr));
    ASSERT_TRUE(program);
    for (const auto type : {kNetkitPrimary, kNetkitPeer}) {
      EXPECT_EQ(bpf_link_create(program.get(), ifindex, type, nullptr), -EACCES);
      EXPECT_EQ(bpf_prog_attach(program.get(), ifindex, type, 0), -EACCES);
      EXPECT_EQ(bpf_prog_detach2(program.get(), ifindex, type), -EACCES);
    }
  }
  EXPECT_TRUE(no({{"a", "b", kB.v4}, {"a", "b", kB.v6}}));
  EXPECT_TRUE(ok("a", "x", kX.v4));
}

}  // namespace
}  // namespace bpfvlan::test
