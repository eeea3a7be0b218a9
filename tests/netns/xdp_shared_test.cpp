// SPDX-License-Identifier: MIT
// Beside somebody else's program in libxdp's dispatcher, as xdp-loader makes one.
#include <bpf/bpf.h>
#include <fmt/core.h>
#include <netinet/in.h>

#include <filesystem>

#include "bpfvlan/features.hpp"
#include "foreign_xdp.hpp"
#include "packet_socket.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

bool has_freplace() {
  const auto features = probe_features();
  return features && std::any_of(features->begin(), features->end(), [](const Feature& f) {
           return f.name == "freplace" && f.present;
         });
}

class XdpShared : public OurStage, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    if (!has_freplace())
      GTEST_SKIP() << "this kernel lets no program join another: tested on 6.1 and 6.12";
    OurStage::SetUp();
    BV_OK(siblings(BV_MODE_L3S));
    BV_OK(route_from_x(kA));
    // `ip netns exec` would hide the BPF file system.
    const auto r = loader(fmt::format("load -m {} P {}",
                                      GetParam() == std::string("native") ? "native" : "skb",
                                      BV_COUNTING_XDP));
    ASSERT_EQ(r.status, 0) << r.err;
    ASSERT_THAT(status(), HasSubstr("xdp_dispatcher"));
  }
  void TearDown() override { std::filesystem::remove_all("/sys/fs/bpf/xdp"); }

  static lab::CommandResult loader(const std::string& args) {
    return lab::run(lab::words("nsenter --net=/run/netns/host xdp-loader " + args));
  }
  static std::string status() { return loader("status P").out; }
  // How many programs of this name the dispatcher has.
  static std::size_t has(const std::string& name) {
    std::size_t count = 0;
    const auto text = status();
    for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) ++count;
    return count;
  }
  // By the map of the program that libxdp has pinned.
  static std::uint64_t seen() {
    const std::uint32_t zero = 0;
    std::uint64_t count = 0;
    int err = -1;
    for (const auto& e : std::filesystem::recursive_directory_iterator("/sys/fs/bpf/xdp")) {
      if (!e.path().string().ends_with("-prog")) continue;
      const UniqueFd program(bpf_obj_get(e.path().c_str()));
      std::uint32_t map_id = 0;
      bpf_prog_info info{};
      info.nr_map_ids = 1;
      info.map_ids = reinterpret_cast<std::uintptr_t>(&map_id);
      std::uint32_t len = sizeof(info);
      if (bpf_obj_get_info_by_fd(program.get(), &info, &len) ||
          info.name != std::string("somebodys"))
        continue;
      const UniqueFd map(bpf_map_get_fd_by_id(map_id));
      err = bpf_map_lookup_elem(map.get(), &zero, &count);
    }
    EXPECT_EQ(err, 0);
    return count;
  }
  void done(const std::string& args, const std::string& input = {}) {
    const auto r = cli(args, input);
    ASSERT_EQ(r.status, 0) << args << "\n" << r.err;
  }
  void both_run() {
    EXPECT_EQ(has("somebodys"), 1U) << status();
    EXPECT_EQ(has("bv_xdp"), 1U) << status();
    const auto before = seen();
    EXPECT_TRUE(lab::icmp_echo({"a", "x", kX.v4}, patience()));
    EXPECT_GT(seen(), before);
    // Ours drops before the parent's stack has seen it.
    const PacketSocket parent("host", "P");
    const auto dropped = reason(BV_REASON_RX_CHAIN_POLICY);
    EXPECT_FALSE(lab::icmp_echo({"x", "a", kA.v4}, silence()));
    EXPECT_GT(reason(BV_REASON_RX_CHAIN_POLICY), dropped);
    for (const auto& c : parent.drain())
      EXPECT_FALSE(ip_destination(c.frame) == kA.v4 && c.frame.at(23) == IPPROTO_ICMP);
  }
  void drop_new() {
    done("rule restore --parent P",
         "*filter\n:INPUT DROP\n:OUTPUT ACCEPT\n"
         "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n");
  }
};
INSTANTIATE_TEST_SUITE_P(, XdpShared, ::testing::Values("native", "generic"),
                         [](const auto& p) { return std::string(p.param); });

TEST_P(XdpShared, both_run_and_only_ours_comes_and_goes) {
  const std::string mode = GetParam(), other = mode == "native" ? "generic" : "native";
  drop_new();
  const auto before = has("somebodys");
  const auto refused = cli("attach P --xdp " + other);
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr(fmt::format("'P' has libxdp's dispatcher, in {} mode", mode)));
  EXPECT_EQ(has("bv_xdp"), 0U);

  for (int i = 0; i < 2; ++i) {
    done("attach P --xdp " + mode);
    both_run();
  }
  BV_OK(control([&](Control& c) -> Result<> {
    EXPECT_TRUE(c.parents().at(0).xdp_shared);
    return {};
  }));
  done("upgrade");
  both_run();
  done("attach P --xdp off");
  EXPECT_EQ(has("bv_xdp"), 0U) << status();
  EXPECT_EQ(has("somebodys"), before);
  done("attach P --xdp " + mode);
  both_run();
  done("detach P --force");
  EXPECT_EQ(has("bv_xdp"), 0U) << status();
  EXPECT_EQ(has("somebodys"), before);
  const auto count = seen();
  EXPECT_TRUE(lab::icmp_echo({"x", "host", kP.v4}, patience()));
  EXPECT_GT(seen(), count);
}

// As a kill would leave it: in the dispatcher, and not noted as on.
TEST_P(XdpShared, what_a_killed_attach_left_is_taken_off) {
  const std::string mode = GetParam();
  done("attach P --xdp " + mode);
  const auto dir = std::filesystem::directory_iterator("/sys/fs/bpf/bpfvlan")->path().string();
  const UniqueFd parents(bpf_obj_get((dir + "/parents").c_str()));
  std::uint32_t ifindex = 0;
  bv_parent parent{};
  ASSERT_EQ(bpf_map_get_next_key(parents.get(), nullptr, &ifindex), 0);
  ASSERT_EQ(bpf_map_lookup_elem(parents.get(), &ifindex, &parent), 0);
  parent.xdp = BV_XDP_OFF;
  ASSERT_EQ(bpf_map_update_elem(parents.get(), &ifindex, &parent, BPF_EXIST), 0);
  EXPECT_THAT(cli("endpoint list").err, HasSubstr("XDP of 'P' was left unfinished: off"));
  EXPECT_EQ(has("bv_xdp"), 0U) << status();
  EXPECT_EQ(has("somebodys"), 1U);
}

TEST_P(XdpShared, attach_puts_it_back_when_the_dispatcher_is_gone) {
  const std::string mode = GetParam();
  done("attach P --xdp " + mode);
  ASSERT_EQ(loader("unload -a P").status, 0);
  EXPECT_THAT(cli("endpoint list").err, HasSubstr("'P' has lost its XDP program"));
  done("attach P");
  EXPECT_EQ(xdp_shown("host", "P").mode, mode) << "by itself";
  EXPECT_EQ(cli("endpoint list").err, "");
  BV_OK(control([&](Control& c) -> Result<> {
    EXPECT_FALSE(c.parents().at(0).xdp_shared);
    return {};
  }));
}

}  // namespace
}  // namespace bpfvlan::test
