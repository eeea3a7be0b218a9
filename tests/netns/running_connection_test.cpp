// SPDX-License-Identifier: MIT
// What an established connection lives through. Rules accept it alone, and none that begins in the
// middle is taken for one: if it were forgotten for one packet, it would end.
#include <fmt/core.h>
#include <sys/socket.h>

#include <filesystem>
#include <nlohmann/json.hpp>

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
  void done(const std::string& args) {
    const auto r = cli(args);
    ASSERT_EQ(r.status, 0) << args << "\n" << r.err;
  }
  // In both directions.
  static std::string accept(const std::string& match) {
    return fmt::format("-A INPUT {0} -j ACCEPT\n-A OUTPUT {0} -j ACCEPT\n", match);
  }
  void restore(const std::string& rules) {
    BV_OK(engine().restore(GetParam(),
                           fmt::format("*filter\n:INPUT DROP\n:OUTPUT DROP\n{}COMMIT\n", rules)));
  }
  std::uint64_t dropped() {
    return reason(BV_REASON_RX_CHAIN_POLICY) + reason(BV_REASON_TX_CHAIN_POLICY) +
           reason(BV_REASON_RX_RULE) + reason(BV_REASON_TX_RULE);
  }
  static std::filesystem::path pins() {
    return std::filesystem::directory_iterator("/sys/fs/bpf/bpfvlan")->path();
  }
  void add_endpoint() {
    done(
        fmt::format("endpoint add a --parent P --netns a --default-route --address {} --address {}",
                    kA.cidr(AF_INET), kA.cidr(AF_INET6)));
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

// Rules and connections end with `detach`; a TCP connection that is met in the middle is new, as
// with nf_conntrack, and goes on if rules accept it as such.
TEST_P(RunningConnection, is_picked_up_after_detach) {
  done("detach P --force");
  EXPECT_TRUE(transfer->stands_still());
  done("attach P --mode l3s");
  restore(accept("--ctstate NEW,ESTABLISHED"));
  add_endpoint();
  EXPECT_TRUE(transfer->goes_on());
  EXPECT_TRUE(transfer->finish());
}

TEST_P(RunningConnection, is_known_after_a_detach_that_keeps_state) {
  const auto rules = cli("rule save --parent P").out;
  done("detach P --force --keep-state");
  EXPECT_TRUE(transfer->stands_still());
  done("attach P");
  EXPECT_EQ(cli("rule save --parent P").out, rules);
  add_endpoint();
  EXPECT_TRUE(transfer->goes_on());
  EXPECT_TRUE(transfer->finish());
}

TEST_P(RunningConnection, is_known_to_programs_that_replace_others) {
  const auto before = dropped();
  for (int i = 0; i < 3; ++i) {
    std::vector<std::string> ids;
    for (const auto* name : {"bv_rx", "bv_xmit", "bv_local", "bv_filter"}) {
      const auto shown = lab::run({"bpftool", "-j", "prog", "show", "pinned", pins() / name});
      ids.push_back(nlohmann::json::parse(shown.out).at("id").dump());
    }
    done("upgrade");
    EXPECT_TRUE(transfer->goes_on());
    for (const auto& id : ids)
      EXPECT_TRUE(eventually([&] {
        return lab::run({"bpftool", "prog", "show", "id", id}).status;
      })) << "one is still in use";
  }
  EXPECT_EQ(dropped(), before);
  EXPECT_TRUE(transfer->finish());
}

}  // namespace
}  // namespace bpfvlan::test
