// SPDX-License-Identifier: MIT
// Bad input gets a clear error and changes nothing.
#include <bpf/bpf.h>
#include <fmt/core.h>
#include <sys/capability.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "stage.hpp"

namespace bpfvlan::test {
namespace {

using ::testing::HasSubstr;

// Of an array too large to print: what is not zero.
std::string contents(const std::string& path) {
  const UniqueFd map(bpf_obj_get(path.c_str()));
  bpf_map_info info{};
  std::uint32_t length = sizeof(info);
  if (!map || bpf_obj_get_info_by_fd(map.get(), &info, &length)) return "unreadable";
  std::vector<unsigned char> values(std::size_t{info.max_entries} * info.value_size);
  std::vector<std::uint32_t> keys(info.max_entries);
  std::uint32_t next = 0, count = info.max_entries;
  if (bpf_map_lookup_batch(map.get(), nullptr, &next, keys.data(), values.data(), &count,
                           nullptr) &&
      errno != ENOENT)
    return "unreadable";
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i]) text += fmt::format("{}:{} ", i, values[i]);
  return text;
}

std::string contents_of_addresses(const std::string& path) {
  if (path.ends_with("_index")) return contents(path);
  return lab::run({"bpftool", "map", "dump", "pinned", path}).out;
}

// All that a command could have changed, as text.
std::string everything() {
  std::string all;
  for (const auto* netns : {"host", "a"})
    for (const auto* family : {"-4", "-6"})
      all += lab::run({"ip", "-n", netns, family, "-o", "-batch", "-"},
                      "link show\naddress show\nroute show\n")
                 .out;
  std::vector<std::string> pins;
  std::error_code none;
  for (const auto& e : std::filesystem::recursive_directory_iterator("/sys/fs/bpf/bpfvlan", none)) {
    const auto path = e.path().string();
    pins.push_back(path + (e.is_regular_file() && path.find("addr") != std::string::npos
                               ? contents_of_addresses(path)
                               : ""));
  }
  std::sort(pins.begin(), pins.end());
  for (const auto& p : pins) all += p + "\n";
  return all;
}

class BadInput : public OurStage {
 protected:
  void SetUp() override {
    OurStage::SetUp();
    BV_OK(endpoint("a", kA));
    // Link-local addresses and routes settle by themselves: not ours to compare.
    BV_OK(lab.wait_link_local("a", "a"));
  }
  void refused(const std::string& args, const std::string& says, int status = 1) {
    const auto before = everything();
    const auto r = cli(args);
    EXPECT_EQ(r.status, status) << args << "\n" << r.err;
    EXPECT_THAT(r.err, HasSubstr(says)) << args;
    EXPECT_EQ(everything(), before) << args;
  }
};

TEST_F(BadInput, parent) {
  refused("attach nothere", "no interface 'nothere'");
  refused("attach lo", "'lo' is a loopback");
  refused("attach bpfv0", "host side of endpoint 'a'");
  refused("detach nothere", "no interface 'nothere'");
  refused("detach lo", "'lo' is not attached");
  refused("detach P", "has endpoints (a)");
  refused("endpoint add z --parent nothere", "no interface 'nothere'");
  refused("endpoint add z --parent lo", "'lo' is a loopback");
  BV_OK(lab.ip("host", "tuntap add tun0 mode tun"));
  refused("attach tun0", "'tun0' is not an Ethernet device");
  refused("attach P --max-endpoints 65537", "65536", 2);
  BV_OK(control([](Control& c) -> Result<> {
    const auto done = c.attach({.parent = "P", .max_endpoints = BV_MAX_ENDPOINTS + 1});
    EXPECT_FALSE(done);
    EXPECT_EQ(done.error().what, "--max-endpoints 65537 is more than 65536");
    return {};
  }));
  refused("attach P --max-endpoints 5", "--max-endpoints is 4096");
  refused("attach P --max-addresses 5", "--max-addresses is 65536");
}

TEST_F(BadInput, endpoint) {
  BV_OK(lab.add_netns("z"));
  const std::string add = "endpoint add z --parent P --netns z ";
  refused("endpoint add a --parent P --netns z", "endpoint 'a' exists");
  refused("endpoint add -z --parent P", "", 2);
  refused("endpoint add z/z --parent P", "'z/z' is no endpoint name");
  refused("endpoint add " + std::string(64, 'n') + " --parent P", "no endpoint name");
  refused("endpoint add " + std::string(40, 'n') + " --parent P", "--ifname");
  refused(add + "--ifname a:b", "no interface name");
  refused(add + "--ifname lo", "interface 'lo' exists in namespace 'z'");
  refused("endpoint add z --parent P --ifname P", "interface 'P' exists in the parent's namespace");
  refused("endpoint add z --parent P --netns nothere", "network namespace 'nothere'");
  refused("endpoint add z --parent P --netns 999999999", "network namespace '999999999'");
  refused("endpoint add z --parent P --netns /etc/passwd", "not a network namespace");
  refused(add + "--mtu 9000", "MTU 9000 is not within");
  refused(add + "--mtu 1000 --address fd00::9", "MTU 1000 is not within 1280");
  refused(add + "--default-route", "needs an address");
  refused("endpoint add z --parent P --address 10.0.0.9 --default-route", "the host's route");
  refused("endpoint set z --policy private", "no endpoint 'z'");
  refused("endpoint del z", "no endpoint 'z'");
  refused("endpoint show z", "no endpoint 'z'");
  refused("stats z", "no endpoint 'z'");
}

TEST_F(BadInput, address) {
  BV_OK(lab.add_netns("z"));
  const std::string add = "endpoint add z --parent P --netns z ";
  refused(add + fmt::format("--address {}/8", kA.v4), "belongs to endpoint 'a'");
  refused(add + fmt::format("--address {}/8", kA.v6), "belongs to endpoint 'a'");
  refused(add + fmt::format("--address {}", kP.v4), "belongs to the parent itself");
  refused(add + "--address 10.0.0.1 --address 10.0.0.1/24", "given twice");
  refused(add + "--address fe80::1/129", "0 to 128", 2);
  refused(fmt::format("address add a {}", kA.v4), "belongs to endpoint 'a'");
  refused("address add z 10.0.0.1", "no endpoint 'z'");
  refused("address del a 10.0.0.1", "has no address 10.0.0.1");
}

// The last step of many fails: what the earlier ones did is undone.
TEST_F(BadInput, late_failure_rolls_back) {
  BV_OK(lab.add_netns("z"));
  BV_OK(lab.ip("z", "route add default dev lo"));
  refused(
      "endpoint add z --parent P --netns z --address 10.0.0.9/24 --address fd00:9::9/64 "
      "--default-route",
      "default route");
  BV_OK(lab.ip("a", "address add 10.0.0.77/32 dev a"));
  refused("address add a 10.0.0.77/32", "10.0.0.77/32");
}

TEST_F(BadInput, late_failure_detaches_the_parent_it_attached) {
  BV_OK(lab.cable("host", "Q", "x", "Y"));
  BV_OK(lab.wait_link_local("host", "Q"));
  BV_OK(lab.add_netns("z"));
  BV_OK(lab.ip("z", "route add default dev lo"));
  refused("endpoint add z --parent Q --netns z --address 10.0.0.9/24 --default-route",
          "default route");
}

TEST_F(BadInput, full_maps) {
  BV_OK(control([](Control& c) { return c.detach("P", true); }));
  ASSERT_EQ(cli("attach P --max-endpoints 1 --max-addresses 2").status, 0);
  ASSERT_EQ(cli("endpoint add a --parent P --netns a --address 10.0.0.1 --address 10.0.0.2").status,
            0);
  BV_OK(lab.wait_link_local("a", "a"));
  refused("address add a 10.0.0.3", "map addr4 is full");
  refused("endpoint add b --parent P", "there are 1 endpoints");
  EXPECT_EQ(cli("address add a fd00::3").status, 0) << "of each family";
}

TEST_F(BadInput, batch_line) {
  const auto before = everything();
  const auto r = cli("-b -", "endpoint list\nendpoint add\n");
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(r.err, HasSubstr("-:2:"));
  EXPECT_EQ(everything(), before);
}

TEST_F(BadInput, missing_capability) {
  const auto r = lab::run({"setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin",
                           BPFVLAN_CLI, "endpoint", "list"});
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(r.err, HasSubstr("needs CAP_NET_ADMIN: run it as root"));
}

TEST_F(BadInput, no_bpf_file_system) {
  const auto r =
      lab::run({"unshare", "-m", "sh", "-c",
                fmt::format("mount -t tmpfs none /sys/fs/bpf && {} endpoint list", BPFVLAN_CLI)});
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(r.err, HasSubstr("no BPF file system at /sys/fs/bpf"));
  EXPECT_THAT(r.err, HasSubstr("-n NAMESPACE"));
}

}  // namespace
}  // namespace bpfvlan::test
