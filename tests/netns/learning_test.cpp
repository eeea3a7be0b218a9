// SPDX-License-Identifier: MIT
// Addresses that endpoints learn from their traffic, as the control plane shows and changes them.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fmt/core.h>
#include <sys/socket.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "stage.hpp"

namespace bpfvlan::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kLearned = "10.211.55.70";

class Learning : public OurStage {
 protected:
  void SetUp() override {
    OurStage::SetUp();
    BV_OK(attach(BV_POLICY_BRIDGE, BV_MODE_L2));
    for (const auto* name : {"a", "b"}) {
      BV_OK(lab.add_netns(name));
      const auto added = cli(fmt::format("endpoint add {0} --parent P --netns {0} --learn", name));
      ASSERT_EQ(added.status, 0) << added.err;
    }
  }

  // On the interface, and used: X answers it.
  void use(const std::string& endpoint, const std::string& address) {
    BV_OK(lab.ip(endpoint, fmt::format("address add {}/24 dev {}", address, endpoint)));
    speak(endpoint, address);
  }
  void speak(const std::string& endpoint, const std::string& address) {
    EXPECT_TRUE(lab::icmp_echo({.from = endpoint, .to = "x", .address = kX.v4, .source = address},
                               patience()));
  }
  std::vector<std::string> learned(const std::string& name) {
    std::vector<std::string> out;
    for (const auto& l : info(name).learned)
      if (l.address.family == AF_INET) out.push_back(l.address.address());
    return out;
  }
  std::vector<std::string> listed(const std::string& name) {
    std::vector<std::string> out;
    for (const auto& a : info(name).addresses)
      if (a.family == AF_INET) out.push_back(a.cidr());
    return out;
  }
  bool on_interface(const std::string& name, const std::string& cidr) {
    return lab::run({"ip", "-n", name, "-o", "address", "show", "dev", name})
               .out.find(" " + cidr + " ") != std::string::npos;
  }
  static UniqueFd map(const char* name) {
    const auto dir = std::filesystem::directory_iterator("/sys/fs/bpf/bpfvlan")->path().string();
    return UniqueFd(bpf_obj_get(fmt::format("{}/{}", dir, name).c_str()));
  }
  static bool nobody_has_ipv4() {
    bv_addr4_key key{};
    return bpf_map_get_next_key(map("addr4").get(), nullptr, &key) == -ENOENT;
  }
  // As many as the map `learned` has of the endpoint with this id.
  static unsigned learned_slots(std::uint32_t id) {
    const auto fd = map("learned");
    unsigned count = 0;
    bv_learned_key key{}, before{};
    for (void* from = nullptr; bpf_map_get_next_key(fd.get(), from, &key) == 0; from = &before) {
      before = key;
      count += key.id == id;
    }
    return count;
  }
  // As if it had been used last that long ago. Nobody asks after a neighbour any more: on a slow
  // machine the answer would come in time to be a use.
  void make_older(std::uint32_t seconds) {
    for (const auto* netns : {"a", "b", "x"}) BV_OK(lab.ip(netns, "neigh flush all"));
    const auto addr4 = map("addr4");
    bv_addr4_key key{}, before{};
    for (void* from = nullptr; bpf_map_get_next_key(addr4.get(), from, &key) == 0; from = &before) {
      before = key;
      bv_addr value{};
      ASSERT_EQ(bpf_map_lookup_elem(addr4.get(), &key, &value), 0);
      if (!value.age) continue;
      value.seen -= seconds;
      ASSERT_EQ(bpf_map_update_elem(addr4.get(), &key, &value, BPF_EXIST), 0);
    }
  }
  // Those of `host_addrs`, as they are in it.
  static std::set<std::string> host_addresses() {
    const auto fd = map("host_addrs");
    std::set<std::string> out;
    bv_host_addr key{}, before{};
    for (void* from = nullptr; bpf_map_get_next_key(fd.get(), from, &key) == 0; from = &before) {
      before = key;
      char text[INET6_ADDRSTRLEN];
      out.insert(inet_ntop(AF_INET6, key.addr, text, sizeof(text)));
    }
    return out;
  }
};

using Strings = std::vector<std::string>;

TEST_F(Learning, shows_what_was_learned_and_when_it_was_used) {
  use("a", kLearned);
  EXPECT_EQ(learned("a"), Strings{kLearned});
  EXPECT_EQ(listed("a"), Strings{});
  make_older(100);
  const auto json = nlohmann::json::parse(cli("-j endpoint show a").out).at(0);
  EXPECT_EQ(json["learn_age"], 300);
  ASSERT_EQ(json["learned"].size(), 1U);
  EXPECT_EQ(json["learned"][0]["address"], kLearned);
  EXPECT_GE(json["learned"][0]["unused_seconds"], 100);
  EXPECT_LT(json["learned"][0]["unused_seconds"], 160);
  EXPECT_EQ(json["addresses_refused"], 0);
  EXPECT_EQ(json["groups_refused"], 0);
  EXPECT_TRUE(json["groups"].is_number());
  const auto shown = fmt::format("{} (unused_seconds 1", kLearned);
  EXPECT_THAT(cli("endpoint show a").out, HasSubstr(shown));
  EXPECT_THAT(cli("endpoint list").out, HasSubstr(shown));
  speak("a", kLearned);
  EXPECT_LT(info("a").learned.at(0).unused_seconds, 60U);
}

TEST_F(Learning, groups_joined_are_counted) {
  const auto before = info("a").groups;
  BV_OK(lab.ip("a", "maddress add 01:00:5e:01:01:01 dev a"));  // of the filter alone: no report
  EXPECT_EQ(info("a").groups, before);
  const UniqueFd member = [&] {
    const auto ns = Netns::open("a");
    const auto in = InNetns::enter(ns->fd());
    UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ip_mreqn group{};
    inet_pton(AF_INET, "239.1.1.1", &group.imr_multiaddr);
    group.imr_ifindex = 2;
    EXPECT_EQ(setsockopt(fd.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)), 0);
    return fd;
  }();
  EXPECT_TRUE(eventually([&] { return info("a").groups == before + 1; }));
}

TEST_F(Learning, survives_changes_of_mode_and_policy) {
  use("a", kLearned);
  make_older(100);
  ASSERT_EQ(cli("endpoint set a --policy private").status, 0);
  ASSERT_EQ(cli("endpoint set a --mode l3").status, 0);
  EXPECT_EQ(learned("a"), Strings{kLearned});
  EXPECT_GE(info("a").learned.at(0).unused_seconds, 100U);
  EXPECT_EQ(info("a").learn_age, 300U);
  const auto addr4 = map("addr4");
  bv_addr4_key key{};
  bv_addr value{};
  ASSERT_EQ(bpf_map_get_next_key(addr4.get(), nullptr, &key), 0);
  ASSERT_EQ(bpf_map_lookup_elem(addr4.get(), &key, &value), 0);
  EXPECT_EQ(value.to.mode, BV_MODE_L3);
  EXPECT_EQ(value.to.policy, BV_POLICY_PRIVATE);
  EXPECT_EQ(value.age, 300U);
}

TEST_F(Learning, switched_off_forgets_and_on_again_learns) {
  use("a", kLearned);
  ASSERT_EQ(cli("endpoint set a --learn off").status, 0);
  EXPECT_EQ(learned("a"), Strings{});
  EXPECT_EQ(info("a").learn_age, 0U);
  EXPECT_TRUE(nobody_has_ipv4());
  EXPECT_FALSE(lab::icmp_echo({.from = "a", .to = "x", .address = kX.v4}, silence()));
  EXPECT_EQ(learned("a"), Strings{});
  ASSERT_EQ(cli("endpoint set a --learn on --learn-age 77").status, 0);
  EXPECT_EQ(info("a").learn_age, 77U);
  speak("a", kLearned);
  EXPECT_EQ(learned("a"), Strings{kLearned});
  // A new age holds for what was learned before.
  ASSERT_EQ(cli("endpoint set a --learn on").status, 0);
  make_older(200);
  EXPECT_EQ(learned("a"), Strings{kLearned});
  ASSERT_EQ(cli("endpoint set a --learn on --learn-age 77").status, 0);
  EXPECT_EQ(learned("a"), Strings{});
}

TEST_F(Learning, a_learned_address_can_be_listed) {
  use("a", kLearned);
  ASSERT_EQ(cli(fmt::format("address add a {}", kLearned)).status, 0);
  EXPECT_EQ(learned("a"), Strings{});
  EXPECT_EQ(listed("a"), Strings{fmt::format("{}/24", kLearned)}) << "as the interface has it";
  make_older(1000);
  EXPECT_EQ(listed("a").size(), 1U) << "for good";
  EXPECT_EQ(cli(fmt::format("address add a {}", kLearned)).status, 1) << "listed already";
  ASSERT_EQ(cli("endpoint set a --learn off").status, 0);
  EXPECT_EQ(listed("a").size(), 1U);
  EXPECT_TRUE(on_interface("a", fmt::format("{}/24", kLearned)));
}

// The owner has taken it off the interface: `add` puts it back.
TEST_F(Learning, a_learned_address_that_is_gone_is_added) {
  use("a", kLearned);
  BV_OK(lab.ip("a", fmt::format("address del {}/24 dev a", kLearned)));
  ASSERT_EQ(cli(fmt::format("address add a {}/25", kLearned)).status, 0);
  EXPECT_EQ(listed("a"), Strings{fmt::format("{}/25", kLearned)});
  EXPECT_TRUE(on_interface("a", fmt::format("{}/25", kLearned)));
}

TEST_F(Learning, a_learned_address_can_be_deleted) {
  use("a", kLearned);
  BV_OK(lab.ip("a", "address add 10.211.55.71/24 dev a"));
  ASSERT_EQ(cli(fmt::format("address del a {}", kLearned)).status, 0);
  EXPECT_EQ(learned("a"), Strings{});
  EXPECT_FALSE(on_interface("a", fmt::format("{}/24", kLearned)));
  EXPECT_TRUE(on_interface("a", "10.211.55.71/24")) << "the others of the subnet stay";
  speak("a", "10.211.55.71");
  BV_OK(lab.ip("a", "address del 10.211.55.71/24 dev a"));
  ASSERT_EQ(cli("address del a 10.211.55.71").status, 0) << "off the interface already";
  EXPECT_EQ(learned("a"), Strings{});
  EXPECT_EQ(cli("address del a 10.211.55.71").status, 1);
}

TEST_F(Learning, what_a_sibling_learned_is_refused_until_it_expires) {
  use("b", kLearned);
  const auto refused = cli(fmt::format("address add a {}", kLearned));
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("learned by endpoint 'b'"));
  EXPECT_THAT(cli(fmt::format("address del a {}", kLearned)).err, HasSubstr("has no address"));
  BV_OK(lab.add_netns("c"));
  const auto add_c = fmt::format("endpoint add c --parent P --netns c --address {}/24", kLearned);
  EXPECT_THAT(cli(add_c).err, HasSubstr("learned by endpoint 'b'"));
  make_older(1000);
  EXPECT_EQ(cli(add_c).status, 0);
  EXPECT_EQ(listed("c"), Strings{fmt::format("{}/24", kLearned)});
  EXPECT_EQ(learned("b"), Strings{});
}

// A frame of b with a's address is refused to b, counted, and changes nothing.
TEST_F(Learning, refused_addresses_are_counted) {
  use("a", kLearned);
  const auto notes = reason(BV_REASON_ADDRESS_REFUSED);
  BV_OK(lab.ip("b", fmt::format("address add {}/24 dev b", kLearned)));
  EXPECT_FALSE(lab::icmp_echo({.from = "b", .to = "x", .address = kX.v4}, silence()));
  EXPECT_EQ(learned("a"), Strings{kLearned});
  EXPECT_EQ(learned("b"), Strings{});
  const auto refused = info("b").addresses_refused;
  EXPECT_GT(refused, 0U);
  EXPECT_EQ(info("a").addresses_refused, 0U);
  EXPECT_EQ(reason(BV_REASON_ADDRESS_REFUSED), notes + info("b").addresses_refused);
}

TEST_F(Learning, expired_ones_are_removed_by_the_next_command) {
  use("a", kLearned);
  make_older(1000);
  EXPECT_EQ(cli("stats").status, 0);
  EXPECT_TRUE(nobody_has_ipv4());
}

TEST_F(Learning, a_deleted_endpoint_leaves_nothing_learned) {
  use("a", kLearned);
  EXPECT_GT(learned_slots(0), 0U);
  ASSERT_EQ(cli("endpoint del a").status, 0);
  EXPECT_TRUE(nobody_has_ipv4());
  EXPECT_EQ(learned_slots(0), 0U);
  ASSERT_EQ(cli(fmt::format("address add b {}/24", kLearned)).status, 0);
}

TEST_F(Learning, the_hosts_own_addresses_are_known) {
  BV_OK(lab.cable("host", "other", "x", "Y"));
  BV_OK(lab.ip("host", "address add 10.9.9.9/24 dev other"));
  BV_OK(endpoint_in_host("h", kH));
  EXPECT_EQ(cli("stats").status, 0);
  auto found = host_addresses();
  for (const auto* has : {"::ffff:10.211.55.25", "::ffff:10.9.9.9", kP.v6})
    EXPECT_EQ(found.count(has), 1U) << has;
  for (const auto* has_not : {"::ffff:10.211.55.254", kH.v6})
    EXPECT_EQ(found.count(has_not), 0U) << has_not;
  BV_OK(lab.ip("host", "address del 10.9.9.9/24 dev other"));
  EXPECT_EQ(cli("stats").status, 0);
  found.erase("::ffff:10.9.9.9");
  EXPECT_EQ(host_addresses(), found) << "stale ones are removed";
}

TEST_F(Learning, nobody_learns_the_hosts_own) {
  BV_OK(lab.ip("a", fmt::format("address add {}/24 dev a", kP.v4)));
  EXPECT_FALSE(lab::icmp_echo({.from = "a", .to = "x", .address = kX.v4}, silence()));
  EXPECT_EQ(learned("a"), Strings{});
  EXPECT_GT(info("a").addresses_refused, 0U);
}

// The host takes an address that an endpoint has learned: the next command gives it back.
TEST_F(Learning, the_host_comes_first) {
  use("a", kLearned);
  BV_OK(lab.ip("host", fmt::format("address add {}/24 dev P", kLearned)));
  const auto r = cli("endpoint list");
  EXPECT_THAT(r.err, HasSubstr(fmt::format("address {} is the host's: endpoint 'a'", kLearned)));
  EXPECT_EQ(learned("a"), Strings{});
}

}  // namespace
}  // namespace bpfvlan::test
