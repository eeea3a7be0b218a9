// SPDX-License-Identifier: MIT
// Attach, detach, set, list: once, twice, by several at a time.
#include <fmt/core.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>

#include "bpfvlan/features.hpp"
#include "packet_socket.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Lifecycle : public OurStage {
 protected:
  std::string tc(const std::string& args) { return lab::run(lab::words("tc -n host " + args)).out; }
  std::string links() { return lab::run({"ip", "-n", "host", "-o", "link"}).out; }
  // The ids of the programs of this namespace.
  static std::vector<std::string> programs() {
    std::vector<std::string> ids;
    const auto dir = std::filesystem::directory_iterator("/sys/fs/bpf/bpfvlan")->path().string();
    for (const auto* name : {"bv_rx", "bv_xmit", "bv_local"}) {
      const auto shown = lab::run({"bpftool", "-j", "prog", "show", "pinned", dir + "/" + name});
      ids.push_back(nlohmann::json::parse(shown.out).at("id").dump());
    }
    return ids;
  }
  static bool loaded(const std::string& id) {
    return lab::run({"bpftool", "prog", "show", "id", id}).status == 0;
  }
};

TEST_F(Lifecycle, detach_leaves_nothing) {
  const auto qdiscs = tc("qdisc show"), links_before = links();
  BV_OK(attach(BV_POLICY_BRIDGE));
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint_in_host("h", kH));
  const auto ids = programs();
  for (const auto& id : ids) EXPECT_TRUE(loaded(id));
  BV_OK(control([](Control& c) { return c.detach("P", true); }));
  EXPECT_EQ(tc("qdisc show"), qdiscs);
  EXPECT_EQ(links(), links_before);
  EXPECT_TRUE(std::filesystem::is_empty("/sys/fs/bpf/bpfvlan"));
  for (const auto& id : ids) EXPECT_TRUE(eventually([&] { return !loaded(id); }));
}

// The user's own clsact qdisc and filters stay, whichever hook we take.
TEST_F(Lifecycle, foreign_filters_stay) {
  ASSERT_EQ(lab::run(lab::words("tc -n host qdisc add dev P clsact")).status, 0);
  ASSERT_EQ(lab::run(lab::words("tc -n host filter add dev P ingress protocol ip prio 10 u32 "
                                "match u32 0 0 classid 1:1"))
                .status,
            0);
  const auto filters = tc("filter show dev P ingress");
  BV_OK(attach(BV_POLICY_BRIDGE));
  BV_OK(control([](Control& c) { return c.detach("P", false); }));
  EXPECT_EQ(tc("filter show dev P ingress"), filters);
  EXPECT_THAT(tc("qdisc show dev P"), HasSubstr("clsact"));
}

// A filter that others put on our qdisc meanwhile keeps the qdisc alive.
TEST_F(Lifecycle, later_foreign_filter_stays) {
  BV_OK(attach(BV_POLICY_BRIDGE));
  lab::run(lab::words("tc -n host qdisc add dev P clsact"));  // there already before TCX
  ASSERT_EQ(lab::run(lab::words("tc -n host filter add dev P egress protocol ip prio 10 u32 "
                                "match u32 0 0 classid 1:1"))
                .status,
            0);
  BV_OK(control([](Control& c) { return c.detach("P", false); }));
  EXPECT_THAT(tc("filter show dev P egress"), HasSubstr("u32"));
}

TEST_F(Lifecycle, attach_twice_changes_only_what_is_said) {
  BV_OK(attach(BV_POLICY_VEPA));
  EXPECT_EQ(cli("attach P").status, 0);
  BV_OK(control([](Control& c) -> Result<> {
    EXPECT_EQ(c.parents().at(0).policy, BV_POLICY_VEPA);
    return {};
  }));
  EXPECT_EQ(cli("detach P").status, 0);
  EXPECT_EQ(cli("detach P").status, 1) << "not attached any more";
}

// Programs that somebody took off are put back by `attach`.
TEST_F(Lifecycle, attach_repairs) {
  BV_OK(attach(BV_POLICY_BRIDGE));
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint("b", kB));
  const auto dir = std::filesystem::directory_iterator("/sys/fs/bpf/bpfvlan")->path();
  for (const auto& pin : std::filesystem::directory_iterator(dir))
    if (pin.path().filename().string().starts_with("link_")) std::filesystem::remove(pin.path());
  for (const auto* ifname : {"P", "bpfv0", "bpfv1"})
    lab::run({"tc", "-n", "host", "qdisc", "del", "dev", ifname, "clsact"});
  EXPECT_TRUE(no("a", "b", kB.v4));
  EXPECT_EQ(cli("attach P").status, 0);
  EXPECT_TRUE(ok("a", "b", kB.v4));
  BV_OK(route_from_x(kA));
  EXPECT_TRUE(ok("x", "a", kA.v6));
}

TEST_F(Lifecycle, endpoint_add_attaches_the_parent) {
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint("b", kB));
  EXPECT_TRUE(ok("a", "b", kB.v4));
}

TEST_F(Lifecycle, the_last_endpoint_leaves_the_parent_attached) {
  BV_OK(endpoint("a", kA));
  EXPECT_EQ(cli("endpoint del a").status, 0);
  EXPECT_EQ(cli("endpoint del a").status, 1);
  EXPECT_EQ(cli("detach P").status, 0);
}

TEST_F(Lifecycle, list_has_every_field) {
  BV_OK(attach(BV_POLICY_PRIVATE));
  BV_OK(endpoint("a", kA, [](auto& r) { r.ifname = "eth0"; }));
  const auto r = cli("-j endpoint list");
  ASSERT_EQ(r.status, 0) << r.err;
  const auto list = nlohmann::json::parse(r.out);
  ASSERT_EQ(list.size(), 1U);
  const auto& e = list[0];
  EXPECT_EQ(e["name"], "a");
  EXPECT_EQ(e["interface"], "eth0");
  EXPECT_EQ(e["parent"], "P");
  EXPECT_EQ(e["netns"], "a");
  EXPECT_EQ(e["mode"], "l3");
  EXPECT_EQ(e["policy"], "private");
  EXPECT_EQ(e["policy_inherited"], true);
  EXPECT_EQ(e["device"], bpfvlan::to_string(device_under_test()));
  EXPECT_EQ(e["mtu"], 1500);
  EXPECT_EQ(e["addresses"], nlohmann::json({kA.cidr(AF_INET), kA.cidr(AF_INET6)}));
  for (const auto* key : {"rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "tx_dropped"})
    EXPECT_TRUE(e[key].is_number()) << key;
  EXPECT_THAT(cli("endpoint list").out, HasSubstr("RX-PKTS"));
  EXPECT_THAT(cli("endpoint show a").out, HasSubstr("policy_inherited"));
  EXPECT_EQ(nlohmann::json::parse(cli("-j stats").out).size(), std::size_t{BV_REASON_MAX});
  EXPECT_EQ(nlohmann::json::parse(cli("-j stats a").out)[0]["name"], "a");
}

TEST_F(Lifecycle, the_host_side_carries_the_name_and_stays_silent) {
  BV_OK(endpoint("a", kA));
  const auto link = lab::run({"ip", "-n", "host", "-d", "link", "show", "bpfv0"}).out;
  EXPECT_THAT(link, HasSubstr("alias a"));
  EXPECT_THAT(lab::run({"ip", "-n", "host", "address", "show", "bpfv0"}).out,
              Not(HasSubstr("inet")));
  const auto inner = lab::run({"ip", "-n", "a", "link", "show", "a"}).out;
  EXPECT_THAT(inner, HasSubstr("NOARP"));
}

TEST_F(Lifecycle, namespace_by_path_and_pid) {
  BV_OK(lab.add_netns("c"));
  BV_OK(lab.add_netns("d"));
  EXPECT_EQ(cli("endpoint add c --parent P --netns /run/netns/c --address 10.3.0.1").status, 0);
  BV_OK(lab.add_netns("e"));
  pid_t pid = -1;
  const char* const sleeper[] = {"nsenter", "--net=/run/netns/e", "sleep", "60", nullptr};
  ASSERT_EQ(
      posix_spawnp(&pid, sleeper[0], nullptr, nullptr, const_cast<char* const*>(sleeper), environ),
      0);
  const auto inode = [](const std::string& path) {
    std::error_code none;
    return std::filesystem::equivalent(path, "/run/netns/e", none);
  };
  EXPECT_TRUE(eventually([&] { return inode(fmt::format("/proc/{}/ns/net", pid)); }));
  EXPECT_EQ(cli(fmt::format("endpoint add e --parent P --netns {} --address 10.3.0.3", pid)).status,
            0);
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  EXPECT_THAT(lab::run({"ip", "-n", "e", "address"}).out, HasSubstr("10.3.0.3"));
  EXPECT_EQ(cli("address add e 10.3.0.4").status, 0) << "found again though the process is gone";
  EXPECT_EQ(lab::run({BPFVLAN_CLI, "-n", "/run/netns/host", "endpoint", "show", "e"}).status, 0);

  // Inside `ip netns exec`:
  auto done = std::async(std::launch::async, [&] {
    return lab::run({"ip", "netns", "exec", "d", "sh", "-c",
                     fmt::format("{} -n /run/netns/host endpoint add d --parent P --netns $$ "
                                 "--address 10.3.0.2 2>&1",
                                 BPFVLAN_CLI)});
  });
  // Inside `ip netns exec` the BPF file system is hidden: that is said.
  const auto hidden = done.get();
  EXPECT_EQ(hidden.status, 1);
  EXPECT_THAT(hidden.out, HasSubstr("no BPF file system"));
  EXPECT_EQ(info("c").netns, "/run/netns/c");
}

// TCX from Linux 6.6 on, clsact before: the loader finds out by trying, and this test by name.
TEST_F(Lifecycle, hook_is_the_kernels_best) {
  BV_OK(attach(BV_POLICY_BRIDGE));
  int major = 0, minor = 0;
  ASSERT_EQ(std::sscanf(kernel_release().c_str(), "%d.%d", &major, &minor), 2);
  const bool tcx = major > 6 || (major == 6 && minor >= 6);
  BV_OK(control([&](Control& c) -> Result<> {
    EXPECT_EQ(c.parents().at(0).hook, tcx ? "tcx" : "clsact");
    return {};
  }));
  const auto features = nlohmann::json::parse(cli("-j feature").out);
  for (const auto& f : features) {
    const auto name = f["feature"].get<std::string>();
    if (name == "tcx") {
      EXPECT_EQ(f["present"], tcx);
    } else if (name == "redirect_peer" || name == "redirect_neigh" || name == "jit") {
      EXPECT_EQ(f["present"], true) << name;
    }
  }
  EXPECT_EQ(tc("qdisc show dev P").find("clsact") == std::string::npos, tcx);
}

// A device of somebody else's with the name that the next host side would get.
TEST_F(Lifecycle, taken_names_are_skipped) {
  BV_OK(attach(BV_POLICY_BRIDGE));
  BV_OK(lab.cable("host", "bpfv0", "x", "Y"));
  BV_OK(endpoint("a", kA));
  EXPECT_EQ(info("a").host_side, "bpfv1");
}

TEST_F(Lifecycle, renamed_interfaces_are_still_known) {
  BV_OK(attach(BV_POLICY_BRIDGE));
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint("b", kB));
  // Down first: kernels before 6.2 rename no interface that is up.
  for (const auto& [from, to] : {std::pair{"P", "uplink"}, std::pair{"bpfv0", "a-host"}}) {
    BV_OK(lab.ip("host", fmt::format("link set {} down", from)));
    BV_OK(lab.ip("host", fmt::format("link set {} name {}", from, to)));
    BV_OK(lab.ip("host", fmt::format("link set {} up", to)));
  }
  EXPECT_EQ(info("a").parent, "uplink");
  EXPECT_EQ(info("a").host_side, "a-host");
  EXPECT_TRUE(eventually([&] {  // the kernel notices a carrier in its own time
    return lab::run({"ip", "-n", "a", "link", "show", "dev", "a"}).out.find("state UP") !=
           std::string::npos;
  }));
  EXPECT_TRUE(ok("a", "b", kB.v4));
  EXPECT_EQ(cli("detach uplink --force").status, 0);
}

TEST_F(Lifecycle, endpoints_follow_the_parents_mtu_and_mac) {
  BV_OK(attach(BV_POLICY_BRIDGE));
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint("b", kB, [](auto& r) { r.mtu = 1300; }));
  BV_OK(lab.ip("host", "link set P mtu 1400"));
  BV_OK(lab.ip("host", "link set P address 02:00:00:00:77:01"));
  EXPECT_EQ(info("a").mtu, 1400U);
  EXPECT_EQ(info("b").mtu, 1300U) << "it has its own";
  EXPECT_THAT(lab::run({"ip", "-n", "a", "link", "show", "a"}).out, HasSubstr("mtu 1400"));
  EXPECT_EQ(mac_of("a", "a"), mac_of("host", "P"));
  EXPECT_TRUE(ok("a", "b", kB.v4));
  BV_OK(lab.ip("host", "link set P mtu 1280"));
  EXPECT_EQ(info("b").mtu, 1280U) << "never above the parent's";
  BV_OK(lab.ip("host", "link set P mtu 1500"));
  EXPECT_EQ(info("b").mtu, 1300U) << "its own again";
}

TEST_F(Lifecycle, addresses_come_and_go) {
  BV_OK(attach(BV_POLICY_BRIDGE));
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint("b", kB));
  ASSERT_EQ(cli("address add b 10.77.0.1/24").status, 0);
  EXPECT_TRUE(ok("a", "b", "10.77.0.1"));
  EXPECT_THAT(lab::run({"ip", "-n", "b", "address"}).out, HasSubstr("10.77.0.1/24"));
  ASSERT_EQ(cli("address del b 10.77.0.1").status, 0);
  EXPECT_THAT(lab::run({"ip", "-n", "b", "address"}).out, Not(HasSubstr("10.77.0.1")));
  EXPECT_EQ(cli("address del b 10.77.0.1").status, 1);
  ASSERT_EQ(cli("address add a 10.77.0.1/24").status, 0) << "free for another";
  EXPECT_TRUE(ok("b", "a", "10.77.0.1"));
}

// The kernel would delete the others of a subnet with its first one.
TEST_F(Lifecycle, the_other_addresses_of_a_subnet_stay) {
  BV_OK(attach(BV_POLICY_BRIDGE));
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint("b", kB));
  for (const auto* address : {"10.77.0.1/24", "10.77.0.2/24", "10.77.0.3/24"})
    ASSERT_EQ(cli(fmt::format("address add b {}", address)).status, 0);
  ASSERT_EQ(cli("address del b 10.77.0.1").status, 0);
  for (const auto* address : {"10.77.0.2", "10.77.0.3"}) EXPECT_TRUE(ok("a", "b", address));
  EXPECT_TRUE(no("a", "b", "10.77.0.1"));
}

TEST_F(Lifecycle, two_parents_with_the_same_addresses) {
  BV_OK(lab.cable("host", "Q", "x", "Y"));
  BV_OK(attach(BV_POLICY_BRIDGE));
  BV_OK(endpoint("a", kA));
  BV_OK(endpoint("a2", kA, [](auto& r) { r.parent = "Q"; }));
  BV_OK(endpoint("b2", kB, [](auto& r) { r.parent = "Q"; }));
  EXPECT_TRUE(ok("b2", "a2", kA.v4));
  EXPECT_TRUE(no("a", "b2", kB.v4)) << "siblings share a parent";
  EXPECT_EQ(cli("detach Q --force").status, 0);
  EXPECT_EQ(info("a").name, "a");
}

TEST_F(Lifecycle, many_at_once) {
  constexpr int kEach = 6;
  BV_OK(attach(BV_POLICY_BRIDGE));
  for (int i = 0; i < 2 * kEach; ++i) BV_OK(lab.add_netns(fmt::format("n{}", i)));
  std::vector<std::future<lab::CommandResult>> running;
  for (int i = 0; i < 2 * kEach; ++i)
    running.push_back(std::async(std::launch::async, [this, i] {
      return cli(fmt::format("endpoint add n{0} --parent P --netns n{0} --address 10.8.0.{1}", i,
                             i / 2 + 1));  // each address is asked for twice
    }));
  int added = 0;
  for (auto& r : running) added += r.get().status == 0;
  EXPECT_EQ(added, kEach);
  EXPECT_EQ(nlohmann::json::parse(cli("-j endpoint list").out).size(), std::size_t{kEach});
}

TEST_F(Lifecycle, a_held_lock_is_waited_for_and_its_holder_named) {
  BV_OK(attach(BV_POLICY_BRIDGE));
  const UniqueFd held(open("/sys/fs/bpf/bpfvlan", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(flock(held.get(), LOCK_EX), 0);
  const auto refused = Control::open({.parent_netns = "host", .lock_timeout = 50ms});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().what, HasSubstr(fmt::format("(process {})", getpid())));
  auto waiting = std::async(std::launch::async, [this] { return cli("endpoint list").status; });
  EXPECT_EQ(waiting.wait_for(silence()), std::future_status::timeout);
  flock(held.get(), LOCK_UN);
  EXPECT_EQ(waiting.get(), 0);
}

TEST_F(Lifecycle, batch_stops_at_the_first_failure) {
  BV_OK(lab.add_netns("a"));
  const auto r = cli("-b -",
                     "attach P --policy private\n"
                     "endpoint add a --parent P --netns a --address 10.1.0.1\n"
                     "address add a 10.1.0.1\n"
                     "endpoint del a\n");
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(r.err, HasSubstr("-:3: address 10.1.0.1 belongs to endpoint 'a'"));
  EXPECT_EQ(info("a").policy, BV_POLICY_PRIVATE);
}

}  // namespace
}  // namespace bpfvlan::test
