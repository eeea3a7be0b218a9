// SPDX-License-Identifier: MIT
// XDP in front of a parent: what becomes of traffic is the same with it and without, and how it
// comes and goes.
#include <fmt/core.h>
#include <linux/if_link.h>
#include <sys/socket.h>

#include <filesystem>
#include <set>

#include "bpfvlan/test/frame.hpp"
#include "foreign_xdp.hpp"
#include "packet_socket.hpp"
#include "stage.hpp"
#include "tcp_transfer.hpp"

namespace bpfvlan::test {
namespace {

using ::testing::HasSubstr;

class XdpStage : public OurStage {
 protected:
  void done(const std::string& args, const std::string& input = {}) {
    const auto r = cli(args, input);
    ASSERT_EQ(r.status, 0) << args << "\n" << r.err;
  }
  ParentInfo parent() {
    ParentInfo info;
    BV_EXPECT_OK(control([&](Control& c) -> Result<> {
      const auto all = c.parents();
      if (!all.empty()) info = all.at(0);
      return {};
    }));
    return info;
  }
  std::uint64_t chain_policy() {
    std::uint64_t packets = 0;
    BV_EXPECT_OK(control([&](Control& c) -> Result<> {
      BV_TRY(const auto chains, c.rules("P"));
      packets = chains.at(BV_CHAIN_INPUT).count.packets;
      return {};
    }));
    return packets;
  }
};

class XdpModes : public XdpStage, public ::testing::WithParamInterface<const char*> {
 protected:
  std::string mode() const { return GetParam(); }
};
INSTANTIATE_TEST_SUITE_P(, XdpModes, ::testing::Values("off", "native", "generic"),
                         [](const auto& p) { return std::string(p.param); });

MacAddr address_of(const std::string& netns, const std::string& ifname) {
  const auto bytes = mac_of(netns, ifname);
  MacAddr mac;
  std::copy(bytes.begin(), bytes.end(), mac.octets.begin());
  return mac;
}

TEST_P(XdpModes, new_connections_are_dropped_and_counted_and_established_ones_go_on) {
  BV_OK(siblings(BV_MODE_L3S));
  BV_OK(route_from_x(kA));
  done(fmt::format("attach P --xdp {}", mode()));
  for (const int family : {AF_INET, AF_INET6}) {
    done("rule restore --parent P", "*filter\n:INPUT ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n");
    const auto transfer = TcpTransfer::start({"x", "a", kA.of(family)});
    BV_OK(transfer);
    done("rule restore --parent P",
         "*filter\n:INPUT DROP\n:OUTPUT ACCEPT\n"
         "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n");

    constexpr std::uint64_t kSyns = 50;
    const PacketSocket out("x", "X"), parent("host", "P");
    const auto before = reason(BV_REASON_RX_CHAIN_POLICY);
    EXPECT_EQ(chain_policy(), 0U);
    const auto ethernet = Ethernet{.dst = address_of("host", "P"), .src = address_of("x", "X")};
    std::set<Bytes> syns;
    for (std::uint16_t i = 0; i < kSyns; ++i) {
      const Tcp tcp{.sport = static_cast<std::uint16_t>(20000 + i), .dport = 7};
      syns.insert(family == AF_INET ? frame(ethernet, IPv4{.src = kX.v4, .dst = kA.v4}, tcp)
                                    : frame(ethernet, IPv6{.src = kX.v6, .dst = kA.v6}, tcp));
    }
    for (const auto& syn : syns) EXPECT_TRUE(out.send(syn));
    EXPECT_TRUE(eventually([&] { return chain_policy() == kSyns; })) << chain_policy();
    EXPECT_EQ(reason(BV_REASON_RX_CHAIN_POLICY) - before, kSyns);
    std::size_t passed = 0;
    for (const auto& c : parent.drain()) passed += syns.count(c.frame);
    EXPECT_EQ(passed, mode() == "off" ? kSyns : 0U) << "what the stack has seen of them";
    EXPECT_FALSE(lab::udp_echo({"x", "a", kA.of(family)}, 64, silence()));
    EXPECT_TRUE(lab::udp_echo({"a", "x", kX.of(family)}, 64, patience()));
    EXPECT_TRUE((*transfer)->goes_on());
    EXPECT_TRUE((*transfer)->finish());
  }
}

TEST_P(XdpModes, traffic_is_as_without) {
  BV_OK(siblings());
  BV_OK(route_from_x(kA));
  BV_OK(route_from_x(kB));
  done(fmt::format("attach P --xdp {}", mode()));
  for (const auto* of_ours : {"l3", "l3s"}) {
    done(fmt::format("attach P --mode {}", of_ours));
    for (const int family : {AF_INET, AF_INET6}) {
      EXPECT_TRUE(ok("x", "a", kA.of(family))) << of_ours;
      EXPECT_TRUE(ok("b", "x", kX.of(family))) << of_ours;
      EXPECT_TRUE(ok("a", "b", kB.of(family))) << of_ours;
      EXPECT_TRUE(no("a", "host", kP.of(family))) << of_ours;
      // Super-packets, fragments.
      EXPECT_TRUE(lab::tcp_echo({"x", "a", kA.of(family)}, 4 << 20, patience())) << of_ours;
      EXPECT_TRUE(lab::udp_echo({"x", "a", kA.of(family)}, 9000, patience())) << of_ours;
    }
  }
  EXPECT_TRUE(ok("x", "host", kP.v4));
  EXPECT_TRUE(ok("host", "x", kX.v6));
}

TEST_P(XdpModes, the_programs_of_this_version_take_its_place) {
  BV_OK(siblings());
  BV_OK(route_from_x(kA));
  done(fmt::format("attach P --xdp {}", mode()));
  const auto transfer = TcpTransfer::start({"x", "a", kA.v4});
  BV_OK(transfer);
  for (int i = 0; i < 2; ++i) {
    const auto before = xdp_shown("host", "P");
    done("upgrade");
    const auto after = xdp_shown("host", "P");
    EXPECT_EQ(after.mode, mode() == "off" ? "" : mode());
    EXPECT_EQ(after.id != before.id, mode() != "off");
    EXPECT_TRUE((*transfer)->goes_on());
  }
  EXPECT_TRUE((*transfer)->finish());
}

class XdpLifecycle : public XdpStage {
 protected:
  static std::string state() { return lab::run(lab::words("ip -n host -d -o link show P")).out; }
  static std::string shown() { return xdp_shown("host", "P").mode; }
  static std::size_t links() {
    std::size_t count = 0;
    std::error_code none;
    for (const auto& e : std::filesystem::recursive_directory_iterator("/sys/fs/bpf/bpfvlan", none))
      count += e.path().filename().string().starts_with("link_bv_xdp_");
    return count;
  }
  void refused(const std::string& args, const std::string& says, int status = 1) {
    const auto before = state();
    const auto pins = links();
    const auto was = parent();
    const auto r = cli(args);
    EXPECT_EQ(r.status, status) << args << "\n" << r.err;
    EXPECT_THAT(r.err, HasSubstr(says)) << args;
    EXPECT_EQ(state(), before) << args;
    EXPECT_EQ(links(), pins) << args;
    EXPECT_EQ(parent().name, was.name) << args;
    EXPECT_EQ(parent().xdp, was.xdp) << args;
    EXPECT_EQ(parent().mode, was.mode) << args;
  }
};

TEST_F(XdpLifecycle, attach_again_changes_what_is_said) {
  // The kernel's link watch takes a moment: not ours to compare.
  ASSERT_TRUE(eventually([] { return state().find("state UP") != std::string::npos; }));
  const auto before = state();
  done("attach P");
  EXPECT_EQ(parent().xdp, BV_XDP_OFF) << "the default";
  EXPECT_EQ(state(), before);
  for (const auto* mode : {"native", "generic", "native", "off", "generic", "off"}) {
    const std::string shows = mode == std::string("off") ? "" : mode;
    done(fmt::format("attach P --xdp {}", mode));
    EXPECT_EQ(shown(), shows);
    const auto id = xdp_shown("host", "P").id;
    done(fmt::format("attach P --xdp {}", mode));
    done("attach P --policy private");
    EXPECT_EQ(shown(), shows) << "what is not said stays";
    EXPECT_EQ(xdp_shown("host", "P").id, id);
    EXPECT_EQ(bpfvlan::to_string(parent().xdp), mode);
    EXPECT_EQ(links(), shows.empty() ? 0U : 1U);
  }
  for (const auto* mode : {"native", "generic"}) {
    done(fmt::format("attach P --xdp {}", mode));
    done("detach P");
    EXPECT_EQ(state(), before) << mode;
    EXPECT_TRUE(std::filesystem::is_empty("/sys/fs/bpf/bpfvlan"));
  }
  refused("attach P --xdp fast", "--xdp", 2);
}

TEST_F(XdpLifecycle, is_kept_by_a_detach_that_keeps_state) {
  done("attach P --xdp native");
  done("detach P --keep-state");
  EXPECT_EQ(shown(), "");
  done("attach P");
  EXPECT_EQ(shown(), "native");
  // What cannot be had again is said, and nothing is attached.
  done("detach P --keep-state");
  const ForeignXdp foreign("host", "P", XDP_FLAGS_DRV_MODE);
  ASSERT_TRUE(foreign.attached());
  const auto r = cli("attach P");
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(r.err, HasSubstr("somebodys"));
  EXPECT_EQ(parent().name, "") << "still detached";
  done("attach P --xdp off");
  EXPECT_EQ(parent().name, "P");
}

TEST_F(XdpLifecycle, a_foreign_program_stays) {
  for (const auto& [flags, mode] :
       {std::pair{XDP_FLAGS_SKB_MODE, "generic"}, std::pair{XDP_FLAGS_DRV_MODE, "native"}}) {
    const ForeignXdp foreign("host", "P", flags);
    ASSERT_TRUE(foreign.attached());
    const auto id = xdp_shown("host", "P").id;
    for (const auto* ours : {"native", "generic"}) {
      refused(
          fmt::format("attach P --xdp {}", ours),
          fmt::format("'P' has an XDP program of somebody else's already: id {}, somebodys", id));
      EXPECT_TRUE(std::filesystem::is_empty("/sys/fs/bpf/bpfvlan"));
    }
    done("attach P");
    refused("attach P --mode l2 --xdp native", "somebodys");
    done("detach P");
    EXPECT_EQ(shown(), mode);
    EXPECT_EQ(xdp_shown("host", "P").id, id);
    BV_OK(lab.ip("host", fmt::format("link set P xdp{} off",
                                     mode == std::string("generic") ? "generic" : "drv")));
  }
}

TEST_F(XdpLifecycle, a_driver_without_it_is_named) {
  BV_OK(lab.ip("host", "link add B type bridge"));
  BV_OK(lab.ip("host", "link set B up"));
  const auto r = cli("attach B --xdp native");
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(r.err, HasSubstr("'B' has a driver without XDP: generic or off will do"));
  EXPECT_TRUE(std::filesystem::is_empty("/sys/fs/bpf/bpfvlan"));
  done("attach B --xdp generic");
  EXPECT_EQ(xdp_shown("host", "B").mode, "generic");
  done("detach B");
}

// Its link has no other name than its pin.
TEST_F(XdpLifecycle, attach_puts_back_what_somebody_took_off) {
  done("attach P --xdp native");
  const auto dir = std::filesystem::directory_iterator("/sys/fs/bpf/bpfvlan")->path();
  for (const auto& pin : std::filesystem::directory_iterator(dir))
    if (pin.path().filename().string().starts_with("link_bv_xdp"))
      std::filesystem::remove(pin.path());
  EXPECT_TRUE(eventually([] { return shown().empty(); }));
  EXPECT_THAT(cli("endpoint list").err, HasSubstr("'P' has lost its XDP program"));
  done("attach P");
  EXPECT_EQ(shown(), "native");
  EXPECT_EQ(cli("endpoint list").err, "");
}

TEST_F(XdpLifecycle, a_device_that_is_gone_takes_it_along) {
  done("attach P --xdp native");
  BV_OK(lab.ip("host", "link del P"));
  EXPECT_THAT(cli("endpoint list").err, HasSubstr("parent 'P' is gone"));
  EXPECT_TRUE(std::filesystem::is_empty("/sys/fs/bpf/bpfvlan"));
}

// Where no links are but those of XDP, a dead one says nothing of parents without XDP.
TEST_F(XdpLifecycle, a_dead_link_is_not_a_dead_namespace) {
  BV_OK(lab.ip("host", "link add Q type veth peer name R"));
  done("attach Q --xdp native");
  done("attach P");
  BV_OK(lab.ip("host", "link del Q"));
  BV_OK(lab.ip("x", "link add S type veth peer name T"));
  ASSERT_EQ(lab::run({BPFVLAN_CLI, "-n", "x", "attach", "S"}).status, 0);
  EXPECT_EQ(parent().name, "P");
}

TEST_F(XdpLifecycle, tags_that_the_driver_takes_out_are_noted) {
  if (lab::run(lab::words("ip -n host link add link P name P.5 type vlan id 5")).status)
    GTEST_SKIP() << "this kernel has no VLAN devices: tested on 6.1 and 6.12";
  const auto r = cli("attach P --xdp generic");
  EXPECT_EQ(r.status, 0);
  EXPECT_THAT(r.err, HasSubstr("'P' has VLAN devices"));
  ASSERT_EQ(lab::run(lab::words("nsenter --net=/run/netns/host ethtool -K P rxvlan off")).status,
            0);
  EXPECT_EQ(cli("attach P --xdp generic").err, "");
  EXPECT_EQ(cli("attach P --xdp off").err, "");
}

}  // namespace
}  // namespace bpfvlan::test
