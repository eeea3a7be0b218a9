// SPDX-License-Identifier: MIT
// What an established connection lives through. Rules accept it alone, and none that begins in the
// middle is taken for one: if it were forgotten for one packet, it would end.
#include <bpf/bpf.h>
#include <fmt/core.h>
#include <sys/socket.h>

#include <filesystem>

#include "stage.hpp"
#include "tcp_transfer.hpp"

namespace bpfvlan::test {
namespace {

class RunningConnection : public OurStage, public ::testing::WithParamInterface<int> {
 protected:
  void SetUp() override {
    OurStage::SetUp();
    BV_OK(attach(BV_POLICY_BRIDGE, BV_MODE_L3S));
    BV_OK(endpoint("a", kA));
    BV_OK(route_from_x(kA));
    auto started = TcpTransfer::start({"x", "a", kA.of(GetParam())});
    BV_OK(started);
    transfer = std::move(*started);
    done("conntrack set nf_conntrack_tcp_loose=0");
    restore(accept("--ctstate ESTABLISHED"));
  }
  void done(const std::string& args, const std::string& input = {}) {
    const auto r = cli(args, input);
    ASSERT_EQ(r.status, 0) << args << "\n" << r.err;
  }
  // In both directions.
  static std::string accept(const std::string& match) {
    return fmt::format("-A INPUT {0} -j ACCEPT\n-A OUTPUT {0} -j ACCEPT\n", match);
  }
  void restore(const std::string& rules) {
    done("rule restore --parent P",
         fmt::format("*filter\n:INPUT DROP\n:OUTPUT DROP\n{}COMMIT\n", rules));
  }
  void add_again() {
    done(
        fmt::format("endpoint add a --parent P --netns a --default-route --address {} --address {}",
                    kA.cidr(AF_INET), kA.cidr(AF_INET6)));
  }
  // The pinned ones, by the kernel's numbers.
  std::vector<std::uint32_t> programs() {
    std::vector<std::uint32_t> ids;
    for (const auto* name :
         {"bv_rx", "bv_xmit", "bv_local", "bv_filter", "bv_clock", "bv_ct_forget"}) {
      const UniqueFd fd(bpf_obj_get((pins() / name).c_str()));
      bpf_prog_info info{};
      std::uint32_t length = sizeof(info);
      if (bpf_obj_get_info_by_fd(fd.get(), &info, &length) == 0) ids.push_back(info.id);
    }
    return ids;
  }
  std::uint64_t dropped() {
    return reason(BV_REASON_RX_CHAIN_POLICY) + reason(BV_REASON_TX_CHAIN_POLICY) +
           reason(BV_REASON_RX_RULE) + reason(BV_REASON_TX_RULE);
  }
  std::filesystem::path pins() {
    return *std::filesystem::directory_iterator("/sys/fs/bpf/bpfvlan");
  }

  std::unique_ptr<TcpTransfer> transfer;
};
INSTANTIATE_TEST_SUITE_P(, RunningConnection, ::testing::Values(AF_INET, AF_INET6),
                         [](const auto& family) { return family_name(family.param); });

// Either set accepts it, by other rules: half of one, or half of each, would not.
TEST_P(RunningConnection, sees_no_half_of_a_rule_set) {
  const auto port = accept("-p tcp --dport 1:65535");
  const std::string other = accept("-p udp"),
                    sets[] = {other + other + accept("--ctstate ESTABLISHED"),
                              accept("--ctstate NEW,INVALID") + port + other};
  const auto before = dropped();
  for (int i = 0; i < 25; ++i) {
    for (const auto& set : sets) {
      restore(set);
      ASSERT_TRUE(transfer->goes_on()) << i;
    }
  }
  EXPECT_EQ(dropped(), before);
  EXPECT_TRUE(transfer->finish());
}

TEST_P(RunningConnection, is_known_when_programs_are_put_back) {
  for (const auto& pin : std::filesystem::directory_iterator(pins()))
    if (pin.path().filename().string().starts_with("link_")) std::filesystem::remove(pin.path());
  for (const auto* ifname : {"P", "bpfv0"})
    lab::run({"tc", "-n", "host", "qdisc", "del", "dev", ifname, "clsact"});
  EXPECT_TRUE(transfer->stands_still());
  done("attach P");
  EXPECT_TRUE(transfer->goes_on());
  EXPECT_TRUE(transfer->finish());
}

// Its window has moved on meanwhile: as with nf_conntrack, that must be no reason to drop it.
TEST_P(RunningConnection, is_known_after_a_time_unfiltered) {
  done("conntrack set nf_conntrack_tcp_be_liberal=1");
  for (const auto* args :
       {"attach P --mode l3", "attach P --mode l3s", "endpoint set a --filter off",
        "endpoint set a --filter on", "attach P --policy private"}) {
    done(args);
    EXPECT_TRUE(transfer->goes_on()) << args;
  }
  EXPECT_TRUE(transfer->finish());
}

// Its rules accept nothing new, and stay too.
TEST_P(RunningConnection, is_known_after_detach_with_kept_state) {
  done("detach P --force --keep-state");
  EXPECT_TRUE(transfer->stands_still());
  EXPECT_NE(cli("address add a 10.9.9.9/24").status, 0);
  done("attach P");
  add_again();
  EXPECT_TRUE(transfer->goes_on());
  EXPECT_TRUE(transfer->finish());
}

TEST_P(RunningConnection, is_known_to_other_programs) {
  for (int i = 0; i < 3; ++i) {
    const auto before = programs();
    ASSERT_EQ(before.size(), 6U);
    done("upgrade");
    EXPECT_TRUE(transfer->goes_on()) << i;
    for (const auto id : before)
      EXPECT_TRUE(eventually([id] {
        return !UniqueFd(bpf_prog_get_fd_by_id(id));  // nobody runs it, no pin keeps it
      })) << id;
  }
  EXPECT_TRUE(transfer->finish());
}

// Rules and connections end with `detach`; a TCP connection that is met in the middle is new, as
// with nf_conntrack, and goes on if rules accept it as such.
TEST_P(RunningConnection, is_picked_up_after_detach) {
  done("detach P --force");
  EXPECT_TRUE(transfer->stands_still());
  done("attach P --mode l3s");
  restore(accept("--ctstate NEW,ESTABLISHED"));
  add_again();
  EXPECT_TRUE(transfer->goes_on());
  EXPECT_TRUE(transfer->finish());
}

}  // namespace
}  // namespace bpfvlan::test
