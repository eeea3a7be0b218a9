// SPDX-License-Identifier: MIT
// Row L2-dhcp: a real server at X, real clients in A and B, which share one MAC address. What they
// lease becomes theirs without anybody typing it.
#include <fmt/core.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

#include "lab/process.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

constexpr const char* kRange4 = "10.211.55.5";  // .50 to .59
constexpr const char* kRange6 = "fd00:55::5:";  // ::5:0 to ::5:ff
const std::filesystem::path kFiles = "/run/dhcp";

void write_file(const std::filesystem::path& path, const std::string& text, int mode = 0644) {
  std::ofstream(path) << text;
  chmod(path.c_str(), static_cast<mode_t>(mode));
}

// What the clients call when they have a lease, or want the interface up. Debian's own script
// would write the machine's /etc/resolv.conf.
constexpr const char* kScript = R"(#!/bin/sh
case ${1:-$reason} in
PREINIT | PREINIT6) ip link set dev "$interface" up ;;
bound) ip address add "$ip/$mask" dev "$interface" ;;
BOUND) ip address add "$new_ip_address/$new_subnet_mask" dev "$interface" ;;
BOUND6) ip address add "$new_ip6_address/64" dev "$interface" nodad ;;
esac
)";

struct Client {
  std::string name;
  int family;
  bool broadcast = false;  // answers to the broadcast address: asks for them, if it can
  // The command in a namespace whose interface has the same name; its identity has it too.
  std::vector<std::string> (*command)(const Client& client, const std::string& ifname);
};
void PrintTo(const Client& client, std::ostream* out) {
  *out << client.name;
}

std::vector<std::string> udhcpc(const Client& client, const std::string& ifname) {
  return lab::words(fmt::format(
      "busybox udhcpc -f -i {0} -s {1}/script -t 20 -T 1 -C -x 0x3d:00{2:02x}{2:02x}{2:02x}{3}",
      ifname, kFiles.string(), ifname[0], client.broadcast ? " -B" : ""));
}

std::vector<std::string> dhclient(const Client& client, const std::string& ifname) {
  const auto base = (kFiles / ifname).string();
  write_file(base + ".conf", fmt::format("timeout 60; retry 1; initial-interval 1;\n"
                                         "send dhcp-client-identifier \"client-{}\";\n",
                                         ifname));
  // A host of its own has a DUID of its own; what it would be made of is shared here.
  write_file(base + ".leases",
             fmt::format("default-duid \"\\000\\004sixteen-bytes--{}\";\n", ifname));
  return lab::words(
      fmt::format("dhclient {0} -d -cf {1}.conf -lf {1}.leases -pf {1}.pid -sf {2}/script {3}",
                  client.family == AF_INET ? "-4" : "-6", base, kFiles.string(), ifname));
}

std::vector<std::string> dhcpcd(const Client& client, const std::string& ifname) {
  const auto conf = (kFiles / (ifname + ".conf")).string();
  write_file(conf, fmt::format("clientid client-{0}\nduid 00:04:{1:02x}:{1:02x}:{1:02x}:{1:02x}\n"
                               "noipv4ll\nscript /bin/true\n{2}",
                               ifname, ifname[0], client.broadcast ? "broadcast\nnoarp\n" : ""));
  return lab::words(
      fmt::format("dhcpcd {} -B -f {} {}", client.family == AF_INET ? "-4" : "-6", conf, ifname));
}

class L2Dhcp : public OnEitherEngine<Client> {
 protected:
  static void SetUpTestSuite() {
    std::filesystem::create_directories(kFiles);
    write_file(kFiles / "script", kScript, 0755);
    // Where dhcpcd keeps its leases, of the machine; hidden in this process's mount namespace.
    EXPECT_EQ(mount("leases", "/var/lib/dhcpcd", "tmpfs", 0, "mode=0755"), 0) << strerror(errno);
  }
  static void TearDownTestSuite() {
    umount2("/var/lib/dhcpcd", MNT_DETACH);
    std::filesystem::remove_all(kFiles);
  }

  void SetUp() override {
    Stage::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    BV_OK(attach(BV_POLICY_BRIDGE, BV_MODE_L2));
    for (const auto* name : {"a", "b"}) {
      BV_OK(lab.add_netns(name));
      BV_OK(endpoint({.name = name, .netns = name, .addresses = {}, .learn = true}));
      if (param().family == AF_INET6)  // where only a router advertisement says what is on the link
        BV_OK(lab.ip(name, fmt::format("route add fd00:55::/64 dev {}", name)));
    }
  }

  Result<> start_server() {
    BV_TRY(auto started,
           lab::Process::start(
               "x", lab::words(fmt::format(
                        "dnsmasq -k --conf-file=/dev/null --port=0 --user=root --pid-file= "
                        "--interface=X --bind-interfaces --no-ping --log-dhcp --log-facility=- "
                        "--dhcp-leasefile={}/server.leases --dhcp-authoritative "
                        "--enable-ra --dhcp-range={}0,{}9,255.255.255.0,1h "
                        "--dhcp-range={}0,{}ff,64,1h {}",
                        kFiles.string(), kRange4, kRange4, kRange6, kRange6,
                        param().broadcast ? "--dhcp-broadcast" : ""))));
    server_ = std::make_unique<lab::Process>(std::move(started));
    return {};
  }

  Result<> start_client(const std::string& name) {
    BV_TRY(auto started, lab::Process::start(name, param().command(param(), name)));
    clients_.emplace(name, std::move(started));
    return {};
  }

  // Empty if it does not get one.
  std::string leased(const std::string& name) {
    const std::string range = param().family == AF_INET ? kRange4 : kRange6;
    std::string address;
    const auto has_one = [&] {
      const auto shown =
          lab::run({"ip", "-n", name, "-o", "address", "show", "dev", name, "-tentative"}).out;
      for (const auto& word : lab::words(shown))
        if (word.starts_with(range)) address = word.substr(0, word.find('/'));
      return !address.empty();
    };
    // A careful client probes the address first, for some seconds.
    if (!eventually(has_one)) eventually(has_one);
    return address;
  }

  void TearDown() override {
    if (HasFailure()) {
      for (const auto& [name, client] : clients_)
        std::fprintf(stderr, "%s says:\n%s\n", name.c_str(), client.output().c_str());
      if (server_) std::fprintf(stderr, "the server says:\n%s\n", server_->output().c_str());
    }
    clients_.clear();
    server_.reset();
  }

 private:
  std::unique_ptr<lab::Process> server_;
  std::map<std::string, lab::Process> clients_;
};

// The driver knows no owner of an answer to the shared MAC address: clients must ask for
// broadcasts.
INSTANTIATE_TEST_SUITE_P(
    Both, L2Dhcp,
    ::testing::Combine(kEitherEngine,
                       ::testing::Values(Client{"udhcpc_broadcast", AF_INET, true, udhcpc},
                                         Client{"dhclient_broadcast", AF_INET, true, dhclient},
                                         Client{"dhcpcd_broadcast", AF_INET, true, dhcpcd},
                                         Client{"dhclient_ipv6", AF_INET6, false, dhclient},
                                         Client{"dhcpcd_ipv6", AF_INET6, false, dhcpcd})),
    [](const auto& i) {
      return fmt::format("{}_{}", to_string(std::get<EngineKind>(i.param)),
                         std::get<Client>(i.param).name);
    });
INSTANTIATE_TEST_SUITE_P(
    Ours, L2Dhcp,
    ::testing::Combine(::testing::Values(EngineKind::Bpfvlan),
                       ::testing::Values(Client{"udhcpc", AF_INET, false, udhcpc},
                                         Client{"dhclient", AF_INET, false, dhclient},
                                         Client{"dhcpcd", AF_INET, false, dhcpcd})),
    [](const auto& i) { return std::get<Client>(i.param).name; });

TEST_P(L2Dhcp, distinct_leases_behind_one_mac) {
  BV_OK(start_server());
  // One after the other: who asks at once with one MAC address is offered one address by dnsmasq.
  BV_OK(start_client("a"));
  const auto a = leased("a");
  ASSERT_FALSE(a.empty());
  BV_OK(start_client("b"));
  const auto b = leased("b");
  ASSERT_FALSE(b.empty());
  EXPECT_NE(a, b);
  EXPECT_TRUE(ok("a", "x", param().family == AF_INET ? kX.v4 : kX.v6));
  EXPECT_TRUE(ok("b", "x", param().family == AF_INET ? kX.v4 : kX.v6));
  EXPECT_TRUE(ok("x", "a", a));
  EXPECT_TRUE(ok("a", "b", b));
}

}  // namespace
}  // namespace bpfvlan::test
