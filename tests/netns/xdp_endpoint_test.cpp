// SPDX-License-Identifier: MIT
// Endpoints that XDP at the parent hands their frames: what arrives, past what, and where it is
// refused.
#include <fmt/core.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>

#include "bpfvlan/features.hpp"
#include "foreign_xdp.hpp"
#include "packet_socket.hpp"
#include "stage.hpp"
#include "tcp_transfer.hpp"

namespace bpfvlan::test {
namespace {

using ::testing::HasSubstr;

class XdpEndpoint : public OurStage {
 protected:
  void SetUp() override {
    OurStage::SetUp();
    BV_OK(lab.add_netns("a"));
    BV_OK(route_from_x(kA));
  }
  void done(const std::string& args) {
    const auto r = cli(args);
    ASSERT_EQ(r.status, 0) << args << "\n" << r.err;
  }
  static std::string add(const std::string& more) {
    return fmt::format(
        "endpoint add a --parent P --netns a --address {} --address {} "
        "--default-route {}",
        kA.cidr(AF_INET), kA.cidr(AF_INET6), more);
  }
  // Nothing is changed.
  void refused(const std::string& args, const std::string& says) {
    const auto before = cli("-j endpoint list").out;
    const auto devices = lab::run(lab::words("ip -n host -o link")).out;
    const auto r = cli(args);
    EXPECT_EQ(r.status, 1) << args << "\n" << r.err;
    EXPECT_THAT(r.err, HasSubstr(says)) << args;
    EXPECT_EQ(nlohmann::json::parse(cli("-j endpoint list").out).size(),
              nlohmann::json::parse(before).size());
    EXPECT_EQ(lab::run(lab::words("ip -n host -o link")).out, devices) << args;
  }
  // Of the other end of P, whose senders leave checksums to it otherwise.
  static void finishes_checksums(bool yes) {
    const auto r = ethtool("x", fmt::format("-K X tx {}", yes ? "off" : "on"));
    EXPECT_EQ(r.status, 0) << r.err;
  }
  static lab::CommandResult ethtool(const std::string& netns, const std::string& args) {
    return lab::run(lab::words(fmt::format("nsenter --net=/run/netns/{} ethtool {}", netns, args)));
  }
  static bool gro(const std::string& netns, const std::string& device) {
    return ethtool(netns, "-k " + device).out.find("generic-receive-offload: on") !=
           std::string::npos;
  }
  // Frames to the endpoint that the parent's stack has seen: not those that XDP handed over.
  static std::size_t at_parent(const PacketSocket& parent) {
    std::size_t count = 0;
    for (const auto& c : parent.drain()) {
      const auto to = ip_destination(c.frame);
      count += c.packet_type != PACKET_OUTGOING && (to == kA.v4 || to == kA.v6);
    }
    return count;
  }
};

TEST_F(XdpEndpoint, gets_its_frames_past_the_parents_stack) {
  finishes_checksums(true);
  done("attach P --xdp native");
  done(add("--xdp on"));
  EXPECT_TRUE(gro("a", "a"));
  EXPECT_TRUE(info("a").takes_xdp);
  for (const int family : {AF_INET, AF_INET6}) {
    // Neighbours first: what asks for them is not handed over.
    EXPECT_TRUE(lab::icmp_echo({"x", "a", kA.of(family)}, patience()));
    const PacketSocket parent("host", "P");
    const auto before = info("a").rx_packets;
    EXPECT_TRUE(ok("x", "a", kA.of(family)));
    EXPECT_TRUE(lab::tcp_echo({"x", "a", kA.of(family)}, 4 << 20, patience()));
    EXPECT_TRUE(lab::tcp_echo({"a", "x", kX.of(family)}, 1 << 20, patience()));
    EXPECT_TRUE(lab::udp_echo({"x", "a", kA.of(family)}, 1400, patience()));
    EXPECT_EQ(at_parent(parent), 0U);
    EXPECT_GT(info("a").rx_packets, before + 1000) << "counted as delivered";
  }
  done("endpoint set a --xdp off");
  EXPECT_FALSE(gro("a", "a")) << "as it was";
  const PacketSocket parent("host", "P");
  EXPECT_TRUE(ok("x", "a", kA.v4));
  EXPECT_GT(at_parent(parent), 0U);
}

TEST_F(XdpEndpoint, a_program_there_sees_them) {
  finishes_checksums(true);
  done("attach P --xdp native");
  done(add("--xdp on"));
  const ForeignXdp program("a", "a", XDP_FLAGS_DRV_MODE);
  ASSERT_TRUE(program.attached());
  EXPECT_TRUE(lab::tcp_echo({"x", "a", kA.v4}, 1 << 20, patience()));
  EXPECT_GT(program.seen(), (1U << 20) / 1500);
}

// What is larger than its MTU comes by TC, as without XDP.
TEST_F(XdpEndpoint, larger_frames_come_by_the_stack) {
  finishes_checksums(true);
  done("attach P --xdp native");
  done(add("--xdp on --mtu 1300"));
  EXPECT_TRUE(lab::icmp_echo({"x", "a", kA.v4}, patience()));
  const PacketSocket parent("host", "P");
  EXPECT_TRUE(lab::udp_echo({"x", "a", kA.v4}, 1200, patience()));
  EXPECT_EQ(at_parent(parent), 0U);
  EXPECT_TRUE(lab::udp_echo({"x", "a", kA.v4}, 1400, patience()));
  EXPECT_EQ(at_parent(parent), 1U);
  EXPECT_TRUE(lab::tcp_echo({"x", "a", kA.v4}, 1 << 20, patience()));
}

// GRO that its owner had switched on stays on.
TEST_F(XdpEndpoint, gro_is_put_back_to_what_it_was) {
  finishes_checksums(true);
  done("attach P --xdp native");
  done(add(""));
  ASSERT_EQ(ethtool("a", "-K a gro on").status, 0);
  for (const auto* on : {"on", "on", "off", "off"})
    done(fmt::format("endpoint set a --xdp {}", on));
  EXPECT_TRUE(gro("a", "a"));
  ASSERT_EQ(ethtool("a", "-K a gro off").status, 0);
  for (const auto* on : {"on", "on", "off", "off"}) {
    done(fmt::format("endpoint set a --xdp {}", on));
    EXPECT_EQ(gro("a", "a"), on == std::string("on"));
  }
}

TEST_F(XdpEndpoint, is_refused_without_native_xdp_at_the_parent) {
  finishes_checksums(true);
  refused(add("--xdp on"), "'P' has none: `attach P --xdp native`");
  done("attach P");
  refused(add("--xdp on"), "'P' has none: `attach P --xdp native`");
  done("attach P --xdp generic");
  refused(add("--xdp on"), "'P' has it in generic mode, where it gains nothing");
  done(add(""));
  refused("endpoint set a --xdp on", "in generic mode");
  EXPECT_FALSE(info("a").takes_xdp);
  EXPECT_FALSE(gro("a", "a"));
}

TEST_F(XdpEndpoint, is_refused_where_senders_leave_checksums_to_the_device) {
  done("attach P --xdp native");
  const auto says =
      "senders leave checksums to 'X', the other end of 'P', and XDP hands on frames without them "
      "(their TCP would stand still): `ethtool -K X tx off` there";
  refused(add("--xdp on"), says);
  done(add(""));
  refused("endpoint set a --xdp on", says);
  EXPECT_FALSE(info("a").takes_xdp);
  finishes_checksums(true);
  done("endpoint set a --xdp on");
  finishes_checksums(false);
  EXPECT_THAT(cli("endpoint list").err, HasSubstr("endpoints of 'P' take XDP, but senders leave"));
}

TEST_F(XdpEndpoint, is_refused_where_the_other_end_cannot_be_asked) {
  done("attach P --xdp native");
  finishes_checksums(true);
  // X's namespace goes on, by its socket here, without name and process.
  const PacketSocket keeps("x", "X");
  ASSERT_EQ(lab::run({"umount", "/run/netns/x"}).status, 0);
  refused(add("--xdp on"), "the other end of 'P' is in a namespace without a name");
}

TEST_F(XdpEndpoint, is_refused_of_what_has_no_xdp_or_no_use_for_it) {
  finishes_checksums(true);
  done("attach P --xdp native");
  refused(fmt::format("endpoint add h --parent P --address {} --xdp on", kH.v4),
          "it is in the parent's own namespace");
  const auto features = probe_features();
  BV_OK(features);
  for (const auto& f : *features)
    if (f.name == "netkit" && f.present)
      refused(add("--xdp on --device netkit"), "it is a netkit pair, which has none");
}

TEST_F(XdpEndpoint, is_not_filtered_then) {
  finishes_checksums(true);
  const auto* says = "it is filtered, and XDP would go past the filter";
  done("attach P --xdp native");
  refused(add("--xdp on --filter on"), says);
  refused(add("--xdp on --mode l3s"), says);
  done(add("--xdp on"));
  refused("endpoint set a --filter on", says);
  refused("endpoint set a --mode l3s", says);
  refused("attach P --mode l3s", "endpoint 'a' takes XDP, and in mode l3s it would be filtered");
  for (const auto* mode : {"off", "generic"})
    refused(fmt::format("attach P --xdp {}", mode),
            "endpoint 'a' takes XDP, which needs --xdp native at 'P'");
  EXPECT_FALSE(info("a").filter);
  EXPECT_EQ(info("a").mode, BV_MODE_L3);
  done("endpoint set a --filter off");
  done("attach P --mode l3s");
  EXPECT_TRUE(ok("x", "a", kA.v4));
  done("endpoint del a");
  done("attach P --xdp off");
}

}  // namespace
}  // namespace bpfvlan::test
