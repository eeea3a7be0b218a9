// SPDX-License-Identifier: MIT
// What is gone or was killed is noticed by the next command.
#include <bpf/bpf.h>
#include <fmt/core.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "foreign_xdp.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

using ::testing::HasSubstr;

const int kKills = slowness() == 1 ? 60 : 8;

using Microseconds = std::chrono::microseconds;

// How long a command lives if nobody kills it.
Microseconds lifetime(const std::vector<std::string>& args) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(lab::run(args).status, 0);
  return std::chrono::duration_cast<Microseconds>(std::chrono::steady_clock::now() - start);
}

// Starts a command and kills it; the steps' moments are spread over a bit more than its life. The
// last one lets it live, as on a busy machine it may take longer than it once did.
void start_and_kill(const std::vector<std::string>& args, int step, Microseconds life) {
  std::vector<char*> argv;
  for (const auto& a : args) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  pid_t pid = -1;
  ASSERT_EQ(posix_spawn(&pid, argv[0], nullptr, nullptr, argv.data(), environ), 0);
  if (step + 1 < kKills) {
    std::this_thread::sleep_for(life * 3 / 2 * step / kKills);
    kill(pid, SIGKILL);
  }
  waitpid(pid, nullptr, 0);
}

class Cleanup : public OurStage {
 protected:
  void SetUp() override {
    OurStage::SetUp();
    BV_OK(attach(BV_POLICY_BRIDGE));
  }
  std::size_t listed() { return nlohmann::json::parse(cli("-j endpoint list").out).size(); }
  bool tcx() {
    std::string hook;
    BV_EXPECT_OK(control([&](Control& c) -> Result<> {
      hook = c.parents().at(0).hook;
      return {};
    }));
    return hook == "tcx";
  }
  static std::size_t pins() {
    std::size_t count = 0;
    for (const auto& e : std::filesystem::recursive_directory_iterator("/sys/fs/bpf/bpfvlan"))
      count += e.path().filename().string().starts_with("link_");
    return count;
  }
};

TEST_F(Cleanup, namespace_gone) {
  const auto pins_before = pins();
  BV_OK(endpoint("a", kA));
  lab.delete_netns("a");
  // The kernel takes a namespace down in its own time.
  EXPECT_TRUE(eventually([&] {
    return lab::run({"ip", "-n", "host", "link", "show", "bpfv0"}).status != 0;
  }));
  const auto r = cli("endpoint list");
  EXPECT_EQ(r.status, 0);
  EXPECT_THAT(r.err, HasSubstr("endpoint 'a': its device or namespace is gone"));
  EXPECT_EQ(listed(), 0U);
  EXPECT_EQ(pins(), pins_before);
  BV_OK(endpoint("b", kA));  // the addresses are free
}

TEST_F(Cleanup, device_gone) {
  BV_OK(endpoint("a", kA));
  BV_OK(lab.ip("a", "link del dev a"));
  BV_OK(endpoint("b", kA));
  EXPECT_EQ(listed(), 1U);
}

TEST_F(Cleanup, parent_gone) {
  BV_OK(endpoint("a", kA));
  BV_OK(lab.ip("host", "link del P"));
  const auto r = cli("endpoint list");
  EXPECT_EQ(r.status, 0);
  EXPECT_THAT(r.err, HasSubstr("parent 'P' is gone, and with it 1 endpoints"));
  EXPECT_TRUE(std::filesystem::is_empty("/sys/fs/bpf/bpfvlan"));
  EXPECT_NE(lab::run({"ip", "-n", "a", "link", "show", "a"}).status, 0);
}

TEST_F(Cleanup, addresses_without_an_endpoint) {
  BV_OK(endpoint("a", kA));
  BV_OK(lab.ip("a", "link del dev a"));
  // As after a kill between two writes: the endpoint's entry is gone, its addresses are not.
  const auto dir = std::filesystem::directory_iterator("/sys/fs/bpf/bpfvlan")->path().string();
  const auto dump = nlohmann::json::parse(
      lab::run({"bpftool", "-j", "map", "dump", "pinned", dir + "/endpoints"}).out);
  std::vector<std::string> del = {"bpftool", "map", "delete", "pinned", dir + "/endpoints", "key"};
  for (const auto& byte : dump.at(0).at("key")) del.push_back(byte.get<std::string>());
  ASSERT_EQ(lab::run(del).status, 0);
  BV_OK(endpoint("b", kA));
}

TEST_F(Cleanup, the_parents_namespace_gone) {
  const auto dirs = [] {
    return std::distance(std::filesystem::directory_iterator("/sys/fs/bpf/bpfvlan"),
                         std::filesystem::directory_iterator{});
  };
  BV_OK(lab.add_netns("other"));
  BV_OK(lab.cable("other", "Q", "x", "Y"));
  const auto attach_q = lab::words(fmt::format("{} -n other attach Q", BPFVLAN_CLI));
  ASSERT_EQ(lab::run(attach_q).status, 0);
  EXPECT_EQ(dirs(), 2);
  lab.delete_netns("other");
  EXPECT_TRUE(eventually([&] { return lab::run({"ip", "-n", "x", "link", "show", "Y"}).status; }));
  if (!tcx()) GTEST_SKIP() << "clsact: the directory stays (docs/architecture.md, Pins)";
  ASSERT_EQ(cli("detach P").status, 0);
  ASSERT_EQ(cli("attach P").status, 0);
  EXPECT_EQ(dirs(), 1);
}

// Killed at every moment of its life: each time the next command finds a state it can mend, and an
// endpoint is whole or not there.
TEST_F(Cleanup, killed_while_adding) {
  BV_OK(lab.add_netns("k"));
  const auto links_before = lab::run({"ip", "-n", "host", "-o", "link"}).out;
  const auto args = lab::words(fmt::format(
      "{} -n host endpoint add k --parent P --netns k --address 10.6.0.1 --address fd00:6::1 "
      "--default-route",
      BPFVLAN_CLI));
  const auto life = lifetime(args);
  ASSERT_EQ(cli("endpoint del k").status, 0);
  unsigned whole = 0, none = 0;
  for (int step = 0; step < kKills; ++step) {
    start_and_kill(args, step, life);
    if (listed() == 1) {
      ++whole;
      EXPECT_EQ(info("k").addresses.size(), 2U);
      ASSERT_EQ(cli("endpoint del k").status, 0);
    } else {
      ++none;
    }
    EXPECT_NE(lab::run({"ip", "-n", "k", "link", "show", "k"}).status, 0) << step;
    EXPECT_EQ(lab::run({"ip", "-n", "host", "-o", "link"}).out, links_before) << step;
  }
  EXPECT_GT(none, 0U);
  EXPECT_GT(whole, 0U);
}

// As above, and what an l2 endpoint has besides: the parent's reception of all multicast, the
// link-local address, the host's addresses.
TEST_F(Cleanup, killed_while_adding_a_learning_l2_endpoint) {
  BV_OK(lab.add_netns("k"));
  const auto link = [] { return lab::run({"ip", "-n", "host", "-d", "-o", "link"}).out; };
  const auto before = link();
  const auto args = lab::words(fmt::format(
      "{} -n host endpoint add k --parent P --netns k --mode l2 --learn --address 10.6.0.1",
      BPFVLAN_CLI));
  const auto life = lifetime(args);
  ASSERT_EQ(cli("endpoint del k").status, 0);
  unsigned whole = 0, none = 0;
  for (int step = 0; step < kKills; ++step) {
    start_and_kill(args, step, life);
    if (listed() == 1) {
      ++whole;
      EXPECT_EQ(info("k").addresses.size(), 2U);
      EXPECT_THAT(link(), HasSubstr(",ALLMULTI,"));
      ASSERT_EQ(cli("endpoint del k").status, 0);
    } else {
      ++none;
    }
    EXPECT_EQ(link(), before) << step;
  }
  EXPECT_GT(none, 0U);
  EXPECT_GT(whole, 0U);
}

// Mode, ARP flag, reception of all multicast and link-local address are of one mode.
TEST_F(Cleanup, killed_while_changing_the_mode) {
  BV_OK(endpoint("a", kA));
  const auto set = [](const char* mode) {
    return lab::words(fmt::format("{} -n host endpoint set a --mode {}", BPFVLAN_CLI, mode));
  };
  const auto life = lifetime(set("l2"));
  for (int step = 0; step < kKills; ++step) {
    start_and_kill(set(step % 2 ? "l2" : "l3"), step, life);
    const auto a = info("a");
    const bool l2 = a.mode == BV_MODE_L2;
    EXPECT_EQ(
        lab::run({"ip", "-n", "a", "link", "show", "a"}).out.find("NOARP") == std::string::npos, l2)
        << step;
    EXPECT_EQ(lab::run({"ip", "-n", "host", "link", "show", "P"}).out.find("ALLMULTI") !=
                  std::string::npos,
              l2)
        << step;
    EXPECT_GE(a.addresses.size(), l2 ? 3U : 2U) << step;
  }
}

// The policy of the endpoint and of its addresses' copies is one, whenever `set` was killed.
TEST_F(Cleanup, killed_while_setting) {
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint("b", kB));
  const auto set = [](const char* policy) {
    return lab::words(fmt::format("{} -n host endpoint set a --policy {}", BPFVLAN_CLI, policy));
  };
  const auto life = lifetime(set("bridge"));
  for (int step = 0; step < kKills; ++step) {
    start_and_kill(set(step % 2 ? "bridge" : "private"), step, life);
    const bool open = info("a").policy == BV_POLICY_BRIDGE;
    EXPECT_EQ(lab::icmp_echo({"b", "a", kA.v4}, open ? patience() : silence()), open) << step;
  }
}

// As a kill would leave it: the copies at the addresses, and an heir, behind the times.
TEST_F(Cleanup, stale_copies_are_mended) {
  BV_OK(endpoint("a", kA));
  const auto dir = std::filesystem::directory_iterator("/sys/fs/bpf/bpfvlan")->path().string();
  const UniqueFd addr4(bpf_obj_get((dir + "/addr4").c_str()));
  bv_addr4_key key{};
  bv_addr value{};
  ASSERT_EQ(bpf_map_get_next_key(addr4.get(), nullptr, &key), 0);
  ASSERT_EQ(bpf_map_lookup_elem(addr4.get(), &key, &value), 0);
  value.to.policy = BV_POLICY_PRIVATE;
  ASSERT_EQ(bpf_map_update_elem(addr4.get(), &key, &value, BPF_EXIST), 0);
  const UniqueFd parents(bpf_obj_get((dir + "/parents").c_str()));
  bv_parent parent{};
  ASSERT_EQ(bpf_map_lookup_elem(parents.get(), &key.parent, &parent), 0);
  parent.policy = BV_POLICY_VEPA;
  ASSERT_EQ(bpf_map_update_elem(parents.get(), &key.parent, &parent, BPF_EXIST), 0);
  EXPECT_EQ(info("a").policy, BV_POLICY_VEPA) << "it follows the parent";
  ASSERT_EQ(bpf_map_lookup_elem(addr4.get(), &key, &value), 0);
  EXPECT_EQ(value.to.policy, BV_POLICY_VEPA);
}

// Another mount namespace's BPF file system shows no endpoint: its devices are not orphans.
TEST_F(Cleanup, another_bpf_file_system_deletes_nothing) {
  BV_OK(endpoint("a", kA));
  const auto r = lab::run(
      {"unshare", "-m", "sh", "-c",
       fmt::format("mount -t bpf bpf /sys/fs/bpf && {} -n host endpoint list", BPFVLAN_CLI)});
  EXPECT_EQ(r.status, 0);
  EXPECT_THAT(r.err, HasSubstr("'bpfv0' belongs to an endpoint ('a')"));
  EXPECT_EQ(listed(), 1U);
}

// Moved to another namespace by its owner: its own trouble, nobody else's.
TEST_F(Cleanup, inner_interface_moved_away) {
  BV_OK(endpoint("a", kA));
  BV_OK(lab.add_netns("elsewhere"));
  BV_OK(lab.ip("a", "link set dev a netns elsewhere"));
  BV_OK(lab.ip("host", "link set P mtu 1400"));
  const auto r = cli("endpoint list");
  EXPECT_EQ(r.status, 0);
  EXPECT_THAT(r.err, HasSubstr("endpoint 'a' does not follow 'P'"));
  EXPECT_EQ(cli("endpoint del a").status, 0);
}

TEST_F(Cleanup, alias_changed) {
  BV_OK(endpoint("a", kA));
  BV_OK(lab.ip("host", "link set bpfv0 alias other"));
  EXPECT_EQ(listed(), 1U);
  EXPECT_THAT(lab::run({"ip", "-n", "host", "link", "show", "bpfv0"}).out, HasSubstr("alias a"));
}

// IPv6 of an interface ends with an MTU below 1,280, and starts anew with its defaults.
TEST_F(Cleanup, host_side_stays_silent_over_mtu_changes) {
  BV_OK(endpoint("a", kA));
  for (const auto* mtu : {"1200", "1500"}) {
    BV_OK(lab.ip("host", fmt::format("link set P mtu {}", mtu)));
    EXPECT_EQ(listed(), 1U);
  }
  for (const auto* setting : {"disable_ipv6", "forwarding"}) {
    const auto key = fmt::format("net.ipv6.conf.bpfv0.{}", setting);
    EXPECT_EQ(lab::run({"ip", "netns", "exec", "host", "sysctl", "-n", key}).out, "1\n") << key;
  }
}

TEST_F(Cleanup, killed_while_attaching) {
  BV_OK(control([](Control& c) { return c.detach("P", true); }));
  const auto args = lab::words(fmt::format("{} -n host attach P", BPFVLAN_CLI));
  const auto life = lifetime(args);
  BV_OK(control([](Control& c) { return c.detach("P", true); }));
  const auto qdiscs = lab::run({"tc", "-n", "host", "qdisc", "show"}).out;
  for (int step = 0; step < kKills; ++step) {
    start_and_kill(args, step, life);
    ASSERT_EQ(cli("attach P").status, 0) << step;
    ASSERT_EQ(cli("detach P").status, 0) << step;
    ASSERT_TRUE(std::filesystem::is_empty("/sys/fs/bpf/bpfvlan")) << step;
    ASSERT_EQ(lab::run({"tc", "-n", "host", "qdisc", "show"}).out, qdiscs) << step;
  }
}

// Whatever is on the hook is what is noted.
TEST_F(Cleanup, killed_while_changing_xdp) {
  const auto set = [](const char* mode) {
    return lab::words(fmt::format("{} -n host attach P --xdp {}", BPFVLAN_CLI, mode));
  };
  lifetime(set("native"));  // loads the program: once
  const auto life = lifetime(set("generic"));
  static constexpr const char* kModes[] = {"native", "off", "generic"};
  for (int step = 0; step < kKills; ++step) {
    start_and_kill(set(kModes[step % 3]), step, life);
    std::string noted;
    BV_OK(control([&](Control& c) -> Result<> {
      noted = bpfvlan::to_string(c.parents().at(0).xdp);
      return {};
    }));
    const auto shown = xdp_shown("host", "P").mode;
    EXPECT_EQ(shown.empty() ? "off" : shown, noted) << step;
  }
  ASSERT_EQ(cli("attach P --xdp off").status, 0);
  EXPECT_EQ(xdp_shown("host", "P").mode, "");
}

TEST_F(Cleanup, killed_while_attaching_with_xdp) {
  BV_OK(control([](Control& c) { return c.detach("P", true); }));
  const auto args = lab::words(fmt::format("{} -n host attach P --xdp native", BPFVLAN_CLI));
  const auto life = lifetime(args);
  BV_OK(control([](Control& c) { return c.detach("P", true); }));
  for (int step = 0; step < kKills / 2; ++step) {
    start_and_kill(args, 2 * step, life);
    ASSERT_EQ(cli("attach P --xdp native").status, 0) << step;
    ASSERT_EQ(xdp_shown("host", "P").mode, "native") << step;
    ASSERT_EQ(cli("detach P").status, 0) << step;
    ASSERT_EQ(xdp_shown("host", "P").mode, "") << step;
    ASSERT_TRUE(std::filesystem::is_empty("/sys/fs/bpf/bpfvlan")) << step;
  }
}

// The device map, GRO and the note go together.
TEST_F(Cleanup, killed_while_setting_who_takes_xdp) {
  ASSERT_EQ(lab::run(lab::words("nsenter --net=/run/netns/x ethtool -K X tx off")).status, 0);
  ASSERT_EQ(cli("attach P --xdp native").status, 0);
  BV_OK(endpoint("a", kA, [](auto& r) { r.device = BV_DEVICE_VETH; }));
  BV_OK(route_from_x(kA));
  const auto set = [](const char* on) {
    return lab::words(fmt::format("{} -n host endpoint set a --xdp {}", BPFVLAN_CLI, on));
  };
  const auto life = lifetime(set("on"));
  for (int step = 0; step < kKills; ++step) {
    start_and_kill(set(step % 2 ? "on" : "off"), step, life);
    const bool on = info("a").takes_xdp;
    const auto features = lab::run(lab::words("nsenter --net=/run/netns/a ethtool -k a")).out;
    EXPECT_EQ(features.find("generic-receive-offload: on") != std::string::npos, on) << step;
    EXPECT_TRUE(lab::icmp_echo({"x", "a", kA.v4}, patience())) << step;
  }
}

}  // namespace
}  // namespace bpfvlan::test
