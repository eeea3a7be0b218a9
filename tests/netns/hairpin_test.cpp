// SPDX-License-Identifier: MIT
// Rows L2-vepa-on and L3-vepa of scenarios.md with a hairpin port at X in the switch's, and in the
// router's, place; and what such a port does with each kind of frame.
#include "bpfvlan/hairpin.hpp"

#include <fmt/core.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>

#include <array>
#include <filesystem>

#include "bpfvlan/test/frame.hpp"
#include "foreign_xdp.hpp"
#include "group_socket.hpp"
#include "packet_socket.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

using ::testing::HasSubstr;

lab::CommandResult command(const std::string& args, const std::string& netns = "x") {
  return lab::run(lab::words(fmt::format("{} -n {} hairpin {}", BPFVLAN_CLI, netns, args)));
}

void done(const std::string& args, const std::string& netns = "x") {
  const auto r = command(args, netns);
  EXPECT_EQ(r.status, 0) << args << "\n" << r.err;
}

HairpinInfo port(const std::string& netns, const std::string& device) {
  HairpinInfo info;
  const auto asked = [&]() -> Result<> {
    BV_TRY(const auto control, Control::open({.parent_netns = netns, .lock_timeout = patience()}));
    BV_TRY(auto all, control.hairpins(device));
    info = std::move(all.at(0));
    return {};
  }();
  EXPECT_TRUE(asked) << asked.error().what;
  return info;
}

std::uint64_t packets(const HairpinInfo& info, bv_hairpin_end end) {
  return info.counts[end].packets;
}

class HairpinScenario : public BothFamilies {};
INSTANTIATE_TEST_SUITE_P(, HairpinScenario,
                         ::testing::Combine(kEitherEngine, ::testing::Values(AF_INET, AF_INET6)),
                         engine_and_family);

TEST_P(HairpinScenario, l2_vepa) {
  BV_OK(siblings_l2(BV_POLICY_VEPA));
  EXPECT_TRUE(no({{"a", "b", of(kB2)}, {"b", "a", of(kA2)}}));
  done("attach X");
  // Who is still asked for without an answer is given up soon, with what waits for it.
  for (const auto* name : {"a", "b"})
    BV_OK(lab.ip(name, fmt::format("neighbour flush dev {} nud all", name)));
  const PacketSocket wire("x", "X");
  EXPECT_TRUE(ok("a", "b", of(kB2)));
  EXPECT_TRUE(ok("b", "a", of(kA2)));
  int out = 0, back = 0;
  EXPECT_TRUE(eventually([&] {
    for (const auto& c : wire.drain()) {
      if (ip_source(c.frame) != of(kA2) || ip_destination(c.frame) != of(kB2)) continue;
      ++(c.packet_type == PACKET_OUTGOING ? back : out);
    }
    return out > 0 && back == out;
  })) << out
      << " frames left by P, and came back: " << back;
  EXPECT_TRUE(ok("a", "x", of(kX)));
  EXPECT_TRUE(ok("x", "b", of(kB2)));
  EXPECT_TRUE(ok("a", "host", of(kP))) << "what goes to the shared MAC address comes back too";

  done("detach X");
  EXPECT_TRUE(no("a", "b", of(kB2)));
}

TEST_P(HairpinScenario, l3_vepa_without_a_router) {
  const Addr b{"192.168.20.200", "fd00:20::200"};
  BV_OK(attach(BV_POLICY_VEPA));
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint("b", b));
  for (const auto& to : {kA, b}) {
    BV_OK(lab.ip("host", fmt::format("route add {} via {}", of(to), of(kX))));
    BV_OK(lab.ip("x", fmt::format("route add {} via {}", of(to), of(kP))));
  }
  EXPECT_TRUE(no("a", "b", of(b)));
  done(
      "attach X --address 192.168.10.0/24 --address 192.168.20.0/24 --address fd00:10::/64 "
      "--address fd00:20::/64");
  EXPECT_TRUE(ok("x", "a", of(kA)));
  EXPECT_TRUE(ok("b", "x", of(kX)));
  EXPECT_TRUE(ok("host", "a", of(kA)));
  EXPECT_TRUE(ok("a", "b", of(b), 64)) << "nobody on the way takes it for a hop";
  EXPECT_TRUE(ok("b", "a", of(kA), 64));
  EXPECT_GT(packets(port("x", "X"), BV_HAIRPIN_ADDRESS), 0U);
  for (const auto* key : {"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"})
    EXPECT_EQ(lab::run({"ip", "netns", "exec", "x", "sysctl", "-n", key}).out, "0\n") << key;
}

class HairpinGroup : public OurStage, public ::testing::WithParamInterface<Group> {};
INSTANTIATE_TEST_SUITE_P(, HairpinGroup, ::testing::Values(kMulticast4, kMulticast6),
                         [](const auto& p) { return std::string(p.param.name); });

TEST_P(HairpinGroup, reaches_the_sibling_once_and_its_sender_never) {
  BV_OK(siblings_l2(BV_POLICY_VEPA));
  done("attach X");
  const Member a("a", "a", GetParam()), b("b", "b", GetParam()), x("x", "X", GetParam());
  // Until the memberships are known.
  ASSERT_TRUE(eventually([&] { return a.send("first") && !b.heard().empty(); }));
  ASSERT_TRUE(eventually([&] { return b.send("first") && !a.heard().empty(); }));
  std::this_thread::sleep_for(silence());
  for (const auto* member : {&a, &b, &x}) member->heard();

  std::vector<std::string> texts;
  for (int i = 0; i < 5; ++i) texts.push_back(fmt::format("text {}", i));
  for (const auto& text : texts) EXPECT_TRUE(a.send(text));
  std::vector<std::string> at_a, at_b, at_x;
  const auto collect = [](std::vector<std::string>& to, const Member& from) {
    for (auto& text : from.heard()) to.push_back(std::move(text));
    return to.size();
  };
  EXPECT_TRUE(eventually(
      [&] { return collect(at_b, b) >= texts.size() && collect(at_x, x) >= texts.size(); }));
  std::this_thread::sleep_for(silence());
  for (auto& [to, from] : {std::pair{&at_a, &a}, std::pair{&at_b, &b}, std::pair{&at_x, &x}})
    collect(*to, *from);
  EXPECT_EQ(at_b, texts);
  EXPECT_EQ(at_x, texts);
  EXPECT_TRUE(at_a.empty());
}

constexpr const char* kS = "02:00:00:00:00:51";
constexpr const char* kT = "02:00:00:00:00:52";
constexpr const char* kEverybody = "ff:ff:ff:ff:ff:ff";

// Nobody but the test sends anything.
class HairpinFrames : public OurStage {
 protected:
  void SetUp() override {
    OurStage::SetUp();
    for (const auto* netns : {"x", "host"})
      BV_OK(lab.sysctl(netns, "net.ipv6.conf.all.disable_ipv6", "1"));
    wire = std::make_unique<PacketSocket>("host", "P");
    mac_x = mac_of("x", "X");
  }
  MacAddr of_x() const {
    MacAddr mac;
    std::copy(mac_x.begin(), mac_x.end(), mac.octets.begin());
    return mac;
  }
  static Bytes datagram(const MacAddr& dst, const MacAddr& src, const char* ip = "192.0.2.2",
                        std::uint16_t id = 0) {
    return frame(Ethernet{.dst = dst, .src = src}, IPv4{.dst = ip, .id = id}, Udp{}, payload(64));
  }
  void send(const Bytes& what, int times = 1) const {
    for (int i = 0; i < times; ++i) EXPECT_TRUE(wire->send(what));
  }
  // What has come to P, once there are so many and no more follow.
  std::vector<Bytes> came(std::size_t count) const {
    std::vector<Bytes> frames;
    const auto collect = [&] {
      for (auto& c : wire->drain())
        if (c.packet_type != PACKET_OUTGOING) frames.push_back(std::move(c.frame));
      return frames.size() >= count;
    };
    EXPECT_TRUE(eventually(collect));
    std::this_thread::sleep_for(silence());
    collect();
    return frames;
  }
  std::unique_ptr<PacketSocket> wire;
  Bytes mac_x;
};

class HairpinModes : public HairpinFrames, public ::testing::WithParamInterface<const char*> {
 protected:
  // A veth takes what native XDP sends it only by NAPI, which it has with a program of its own.
  void SetUp() override {
    HairpinFrames::SetUp();
    ASSERT_TRUE(ForeignXdp("host", "P", XDP_FLAGS_DRV_MODE).attached());
  }
};
INSTANTIATE_TEST_SUITE_P(, HairpinModes, ::testing::Values("auto", "off", "generic", "native"),
                         [](const auto& p) { return std::string(p.param); });

TEST_P(HairpinModes, every_frame_ends_in_one_way) {
  const std::string mode = GetParam();
  done(fmt::format("attach X --xdp {} --address 192.168.10.0/24", mode));
  const auto from_station = datagram(kEverybody, kS), to_station = datagram(kS, kT),
             to_nobody = datagram("02:00:00:00:00:99", kT),
             to_address = datagram(of_x(), kT, "192.168.10.7"),
             to_x = datagram(of_x(), kT, "192.168.11.7"),
             control = datagram("01:80:c2:00:00:0e", kT), own = datagram(kEverybody, of_x());
  send(from_station);
  send(to_station, 3);
  send(to_nobody, 2);
  send(to_address, 4);
  send(to_x, 5);
  send(control, 6);
  send(own, 7);
  const auto frames = came(1 + 3 + 4);
  auto turned = datagram(kT, of_x(), "192.168.10.7");
  const auto number_of = [&](const Bytes& wanted) {
    return std::count(frames.begin(), frames.end(), wanted);
  };
  EXPECT_EQ(frames.size(), 8U);
  EXPECT_EQ(number_of(from_station), 1);
  EXPECT_EQ(number_of(to_station), 3);
  EXPECT_EQ(number_of(turned), 4);

  const auto info = port("x", "X");
  EXPECT_EQ(bpfvlan::to_string(info.xdp), mode == "auto" ? "off" : mode);
  EXPECT_EQ(packets(info, BV_HAIRPIN_GROUP), 1U);
  EXPECT_EQ(packets(info, BV_HAIRPIN_STATION), 3U);
  EXPECT_EQ(packets(info, BV_HAIRPIN_ADDRESS), 4U);
  EXPECT_EQ(packets(info, BV_HAIRPIN_PASSED), 2U + 5U);
  EXPECT_EQ(packets(info, BV_HAIRPIN_CONTROL), 6U);
  EXPECT_EQ(packets(info, BV_HAIRPIN_OWN), 7U);
  EXPECT_EQ(info.counts[BV_HAIRPIN_STATION].bytes, 3 * to_station.size());
  for (const auto end : {BV_HAIRPIN_ECHO, BV_HAIRPIN_LOOPED, BV_HAIRPIN_LOST, BV_HAIRPIN_CUT})
    EXPECT_EQ(packets(info, end), 0U) << hairpin_end_id(end);
  ASSERT_EQ(info.stations.size(), 2U);
  EXPECT_EQ(info.stations[0].mac, MacAddr(kS).octets);
  EXPECT_EQ(info.stations[1].mac, MacAddr(kT).octets);
}

// A station is known in the VLAN that it was heard in.
TEST_P(HairpinModes, a_vlan_has_stations_of_its_own) {
  done(fmt::format("attach X --xdp {} --address 192.168.10.0/24", GetParam()));
  const auto tagged = [](const MacAddr& dst, const MacAddr& src) {
    return frame(Ethernet{.dst = dst, .src = src}, Vlan{.id = 5}, IPv4{.dst = "192.168.10.7"},
                 Udp{}, payload(64));
  };
  send(datagram("02:00:00:00:00:99", kS));
  send(tagged(kS, kT));      // unknown there; kT is known from here on
  send(tagged(kT, kS), 2);   // goes back
  send(tagged(of_x(), kT));  // addresses are those of the untagged network
  const auto frames = came(2);
  EXPECT_EQ(frames.size(), 2U);
  const auto info = port("x", "X");
  EXPECT_EQ(packets(info, BV_HAIRPIN_STATION), 2U);
  EXPECT_EQ(packets(info, BV_HAIRPIN_PASSED), 3U);
  ASSERT_EQ(info.stations.size(), 3U);
  EXPECT_EQ(info.stations[0].vlan, 0U);
  EXPECT_EQ(info.stations[1].vlan, 5U);
}

// Both ends send back: every frame ends, soon.
class HairpinFacing : public HairpinFrames {
 protected:
  void SetUp() override {
    HairpinFrames::SetUp();
    done("attach X --address 192.168.10.0/24");
    done("attach P --address 192.168.10.0/24", "host");
  }
  static std::uint64_t both(bv_hairpin_end end) {
    return packets(port("x", "X"), end) + packets(port("host", "P"), end);
  }
  static std::uint64_t all() {
    std::uint64_t sum = 0;
    for (int end = 0; end < BV_HAIRPIN_END_MAX; ++end)
      sum += both(static_cast<bv_hairpin_end>(end));
    return sum;
  }
  static bool stands_still() {
    const auto before = all();
    std::this_thread::sleep_for(silence());
    return all() == before;
  }
};

TEST_F(HairpinFacing, group_frames_come_back_once) {
  send(datagram(kEverybody, kS));
  EXPECT_TRUE(eventually([&] { return both(BV_HAIRPIN_ECHO) == 1; }));
  EXPECT_TRUE(stands_still());
  // Once by each end; a machine that was busy for longer than the time an echo takes: some more.
  EXPECT_GE(both(BV_HAIRPIN_GROUP), 2U);
  EXPECT_LE(both(BV_HAIRPIN_GROUP), 20U);
}

TEST_F(HairpinFacing, frames_to_stations_do_not_go_round_for_ever) {
  send(datagram(kS, kS));  // an endpoint's to a sibling: one MAC address
  EXPECT_TRUE(eventually([&] { return both(BV_HAIRPIN_LOOPED) == 1; }));
  EXPECT_TRUE(eventually(stands_still));
  EXPECT_LE(all(), 4U * BV_HAIRPIN_SAMPLE);
}

TEST_F(HairpinFacing, nor_do_frames_to_addresses) {
  const auto p = mac_of("host", "P");
  MacAddr mac_p;
  std::copy(p.begin(), p.end(), mac_p.octets.begin());
  send(datagram(of_x(), mac_p, "192.168.10.7"));
  send(datagram(of_x(), mac_p, "192.168.10.8"));
  EXPECT_TRUE(eventually([&] { return both(BV_HAIRPIN_LOOPED) == 2; }));
  EXPECT_TRUE(eventually(stands_still));
  EXPECT_LE(all(), 8U * BV_HAIRPIN_SAMPLE);
}

class HairpinLifecycle : public OurStage {
 protected:
  void SetUp() override {
    OurStage::SetUp();
    // The kernel's link watch takes a moment: not ours to compare.
    ASSERT_TRUE(eventually([] { return state().find("state UP") != std::string::npos; }));
  }
  static std::string state() {
    return lab::run(lab::words("ip -n x -d -o link show X")).out +
           lab::run(lab::words("tc -n x qdisc show dev X")).out;
  }
  static std::vector<std::string> pins() {
    std::vector<std::string> all;
    std::error_code none;
    for (const auto& e : std::filesystem::recursive_directory_iterator("/sys/fs/bpf/bpfvlan", none))
      all.push_back(e.path());
    std::sort(all.begin(), all.end());
    return all;
  }
  static void refused(const std::string& args, const std::string& says, int status = 1,
                      const std::string& netns = "x") {
    const auto link = state();
    const auto pinned = pins();
    const auto r = command(args, netns);
    EXPECT_EQ(r.status, status) << args << "\n" << r.err;
    EXPECT_THAT(r.err, HasSubstr(says)) << args;
    EXPECT_EQ(state(), link) << args;
    EXPECT_EQ(pins(), pinned) << args;
  }
};

TEST_F(HairpinLifecycle, detach_restores_what_was) {
  const auto before = state();
  for (const auto* mode : {"auto", "generic", "native"}) {
    done(fmt::format("attach X --xdp {}", mode));
    const auto attached = pins();
    done(fmt::format("attach X --xdp {}", mode));
    EXPECT_EQ(pins(), attached) << "twice is as once";
    done("detach X");
    EXPECT_EQ(state(), before) << mode;
    EXPECT_TRUE(pins().empty());
  }
  refused("detach X", "'X' has no hairpin");
}

TEST_F(HairpinLifecycle, attach_again_changes_what_is_said) {
  done("attach X --address 192.168.10.9/24 --address fd00:10::/64");
  const auto cidrs = [] {
    std::vector<std::string> out;
    for (const auto& a : port("x", "X").addresses) out.push_back(a.cidr());
    return out;
  };
  EXPECT_EQ(cidrs(), (std::vector<std::string>{"192.168.10.0/24", "fd00:10::/64"}));
  BV_OK(lab.ip("x", "link set X address 02:00:00:00:0a:01"));
  done("attach X");
  EXPECT_EQ(cidrs().size(), 2U) << "what is not said stays";
  EXPECT_EQ(port("x", "X").mac, MacAddr("02:00:00:00:0a:01").octets);
  done("attach X --address 192.168.20.1");
  EXPECT_EQ(cidrs(), std::vector<std::string>{"192.168.20.1/32"});
}

TEST_F(HairpinLifecycle, bad_input_changes_nothing) {
  refused("attach nothere", "no interface 'nothere'");
  refused("attach lo", "'lo' is a loopback");
  refused("detach nothere", "no interface 'nothere'");
  refused("list X", "'X' has no hairpin");
  refused("attach X --address 10.211.55.0/24", "10.211.55.1 in it, which is this host's own");
  refused("attach X --address 224.0.0.1", "multicast", 2);
  refused("attach X --xdp fast", "fast", 2);
  BV_OK(siblings());
  refused("attach P", "'P' is a parent of endpoints", 1, "host");
  refused("attach bpfv0", "host side of endpoint 'a'", 1, "host");
  done("attach X --address 192.168.10.0/24");
  refused("attach X --xdp generic --address 192.168.20.0/24", "has --xdp off");
  EXPECT_EQ(port("x", "X").addresses.size(), 1U);
  refused("attach X --address 192.168.20.0/24 --address 10.211.0.0/16", "this host's own");
  const auto r = lab::run(lab::words(fmt::format("{} -n x attach X", BPFVLAN_CLI)));
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(r.err, HasSubstr("'X' is a hairpin port"));
}

TEST_F(HairpinLifecycle, a_foreign_program_stays) {
  ASSERT_TRUE(ForeignXdp("x", "X", XDP_FLAGS_SKB_MODE).attached());
  for (const auto* mode : {"auto", "generic", "native"})
    refused(fmt::format("attach X --xdp {}", mode), "somebodys");
  done("attach X --xdp off");  // needs no XDP
  done("detach X");
  EXPECT_THAT(state(), HasSubstr("xdp"));
}

TEST_F(HairpinLifecycle, a_device_that_is_gone_takes_its_port_along) {
  for (const auto* mode : {"off", "generic"}) {
    BV_OK(lab.ip("x", "link add Y type veth peer name Z"));
    done(fmt::format("attach Y --xdp {}", mode));
    BV_OK(lab.ip("x", "link del Y"));
    const auto r = command("list");
    EXPECT_EQ(r.status, 0);
    EXPECT_THAT(r.err, HasSubstr("hairpin of 'Y': its device or program is gone"));
    EXPECT_TRUE(pins().empty());
  }
}

TEST_F(HairpinLifecycle, a_namespace_that_is_gone_takes_its_port_along) {
  BV_OK(lab.add_netns("y"));
  BV_OK(lab.ip("y", "link add Y type veth peer name Z"));
  const auto r = command("attach Y --xdp generic", "y");  // its link tells, on all kernels
  EXPECT_EQ(r.status, 0) << r.err;
  lab.delete_netns("y");
  EXPECT_TRUE(eventually([] { return command("list").status == 0 && pins().empty(); }));
}

// The directory gets its name last.
TEST_F(HairpinLifecycle, what_a_killed_attach_left_is_taken_off) {
  const auto before = state();
  for (const auto* mode : {"off", "generic"}) {
    done(fmt::format("attach X --xdp {}", mode));
    const auto dir = std::filesystem::directory_iterator("/sys/fs/bpf/bpfvlan")->path();
    std::filesystem::rename(dir, dir.string() + "_new");
    const auto r = command("list");
    EXPECT_THAT(r.err, HasSubstr("hairpin of 'X' was left unfinished: detached"));
    EXPECT_TRUE(pins().empty());
    EXPECT_EQ(state(), before);
  }
}

// Alike but for the tag, which the stack has beside the frame.
TEST_F(HairpinFrames, in_another_vlan_a_group_frame_is_no_echo) {
  done("attach X");
  for (const std::uint16_t id : std::array<std::uint16_t, 4>{1, 2, 3, 4})
    send(frame(Ethernet{.dst = kEverybody, .src = kS}, Vlan{.id = id}, IPv4{}, Udp{}, payload(64)));
  EXPECT_EQ(came(4).size(), 4U);
  EXPECT_EQ(packets(port("x", "X"), BV_HAIRPIN_GROUP), 4U);
}

}  // namespace
}  // namespace bpfvlan::test
