// SPDX-License-Identifier: MIT
// The connection table as the commands show and change it.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "stage.hpp"

namespace bpfvlan::test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ConntrackCommands : public OurStage {
 protected:
  void SetUp() override {
    OurStage::SetUp();
    BV_OK(attach(BV_POLICY_BRIDGE, BV_MODE_L3S));
    BV_OK(endpoint("a", kA));
    BV_OK(route_from_x(kA));
    ASSERT_TRUE(ok("x", "a", kA.v4));
    ASSERT_TRUE(ok("a", "x", kX.v6));
  }

  json list(const std::string& filter = {}) {
    const auto r = cli("-j conntrack list " + filter);
    EXPECT_EQ(r.status, 0) << r.err;
    return json::parse(r.out);
  }
  std::uint64_t count(const std::string& filter = {}) {
    const auto r = cli("conntrack count " + filter);
    EXPECT_EQ(r.status, 0) << r.err;
    return std::stoull(r.out);
  }
  std::uint32_t setting(const std::string& name) {
    for (const auto& row : json::parse(cli("-j conntrack settings").out))
      if (row["name"] == name) return row["value"];
    ADD_FAILURE() << "no setting " << name;
    return 0;
  }
};

TEST_F(ConntrackCommands, list_prints_conntracks_lines) {
  const auto r = cli("conntrack list -s 10.211.55.0/24");
  ASSERT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.err, "bpfvlan: 3 flow entries have been shown.\n");
  EXPECT_THAT(
      r.out,
      AllOf(ContainsRegex("tcp      6 [0-9]+ [A-Z_]+ src=10.211.55.1 dst=192.168.10.100 "
                          "sport=[0-9]+ dport=[0-9]+ packets=[0-9]+ bytes=[0-9]+ "
                          "src=192.168.10.100 dst=10.211.55.1 sport=[0-9]+ dport=[0-9]+ "
                          "packets=[0-9]+ bytes=[0-9]+ .ASSURED. mark=0 use=1\n"),
            ContainsRegex("udp      17 [0-9]+ src=10.211.55.1 dst=192.168.10.100 .*"
                          "packets=1 bytes=[0-9]+ src=192.168.10.100 .* mark=0 use=1\n"),
            ContainsRegex("icmp     1 [0-9]+ src=10.211.55.1 dst=192.168.10.100 type=8 code=0 "
                          "id=[0-9]+ packets=1 bytes=[0-9]+ src=192.168.10.100 dst=10.211.55.1 "
                          "type=0 code=0 id=[0-9]+ packets=1 bytes=[0-9]+ mark=0 use=1\n")));
  EXPECT_THAT(cli("conntrack list -o extended -p icmpv6").out,
              ContainsRegex("^ipv6     10 icmpv6   58 [0-9]+ src=fd00:10::100 dst=fd00:55::1 "
                            "type=128 code=0 id=[0-9]+ "));
}

TEST_F(ConntrackCommands, json_names_parent_and_endpoint_of_both_directions) {
  for (const auto* filter : {"-s 10.211.55.1", "-d fd00:55::1"}) {
    const auto rows = list(filter);
    EXPECT_EQ(rows.size(), 3U) << filter;
    for (const auto& row : rows) {
      EXPECT_EQ(row["parent"], "P");
      EXPECT_EQ(row["endpoint"], "a");
      EXPECT_TRUE(row["seen_reply"]);
    }
  }
}

TEST_F(ConntrackCommands, filters_select) {
  EXPECT_EQ(count("-s 10.211.55.1"), 3U);
  EXPECT_EQ(count("-s 10.211.55.1 -p tcp"), 1U);
  EXPECT_EQ(count("-s 0.0.0.0/0"), count("-d 192.168.10.100"));
  EXPECT_EQ(count("-d 10.211.55.0/24"), 0U);
  EXPECT_EQ(count("--endpoint a"), count());
  EXPECT_EQ(count("--parent P"), count());
  EXPECT_EQ(count("--icmp-type 8"), 1U);
  EXPECT_EQ(count("--icmp-type 128"), count("-p icmpv6"));
  const auto tcp = list("-s 10.211.55.1 -p tcp")[0];
  EXPECT_EQ(count("-s 10.211.55.1 --state " + tcp["state"].get<std::string>()), 1U);
  EXPECT_EQ(count(fmt::format("--sport {}", tcp["original"]["sport"].get<int>())), 1U);
  EXPECT_EQ(
      count(fmt::format("-s 10.211.55.1 -p tcp --dport {}", tcp["original"]["dport"].get<int>())),
      1U);
  EXPECT_EQ(count("--state SYN_SENT"), 0U);
}

TEST_F(ConntrackCommands, delete_takes_what_matches_and_says_what) {
  const auto before = count();
  const auto r = cli("conntrack delete -p icmp");
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_THAT(r.out, ContainsRegex("^icmp     1 [0-9]+ src=10.211.55.1 .* use=1\n$"));
  EXPECT_EQ(r.err, "bpfvlan: 1 flow entries have been deleted.\n");
  EXPECT_EQ(count(), before - 1);
  EXPECT_EQ(count("-p icmp"), 0U);
  const auto again = cli("conntrack delete -p icmp");
  EXPECT_EQ(again.status, 0);
  EXPECT_EQ(again.err, "bpfvlan: 0 flow entries have been deleted.\n");
}

TEST_F(ConntrackCommands, flush_takes_all) {
  const auto before = count();
  EXPECT_EQ(cli("conntrack flush --parent P").err,
            fmt::format("bpfvlan: {} flow entries have been deleted.\n", before));
  EXPECT_EQ(count(), 0U);
  EXPECT_EQ(cli("conntrack list").out, "");
  EXPECT_EQ(list(), json::array());
  EXPECT_TRUE(ok("x", "a", kA.v4)) << "new connections are entered again";
  EXPECT_EQ(count("-s 10.211.55.1"), 3U);
}

TEST_F(ConntrackCommands, a_detached_parents_connections_are_gone) {
  BV_OK(lab.ip("host", "link add Q type veth peer name Q-far"));
  BV_OK(control([](Control& c) { return c.attach({.parent = "Q"}); }));
  EXPECT_GT(count(), 0U);
  EXPECT_EQ(cli("detach P --force").status, 0);
  EXPECT_EQ(count(), 0U) << "another parent may get its index";
}

TEST_F(ConntrackCommands, settings_hold_from_the_next_packet_on) {
  EXPECT_EQ(setting("nf_conntrack_udp_timeout"), 30U);
  EXPECT_EQ(cli("conntrack set net.netfilter.nf_conntrack_udp_timeout=7 "
                "nf_conntrack_tcp_loose=0")
                .status,
            0);
  EXPECT_EQ(setting("nf_conntrack_udp_timeout"), 7U);
  EXPECT_EQ(setting("nf_conntrack_tcp_loose"), 0U);
  EXPECT_EQ(cli("conntrack flush").status, 0);
  ASSERT_TRUE(ok("x", "a", kA.v4));
  const auto udp = list("-p udp -s 10.211.55.1");
  ASSERT_EQ(udp.size(), 1U);
  EXPECT_LE(udp[0]["timeout"], 7);
}

TEST_F(ConntrackCommands, a_refused_setting_changes_nothing) {
  const auto before = cli("conntrack settings").out;
  for (const auto& [changes, says] :
       {std::pair{"nf_conntrack_udp_timeout=7 nf_conntrack_tcp_loose=2", "0 and 1"},
        {"nf_conntrack_udp_timeout=7 nf_conntrack_max=1", "nf_conntrack_max"},
        {"nf_conntrack_udp_timeout=0", "not within 1"},
        {"nf_conntrack_udp_timeout=4294967296", "not within 1"}}) {
    const auto r = cli(std::string("conntrack set ") + changes);
    EXPECT_EQ(r.status, 1);
    EXPECT_THAT(r.err, HasSubstr(says));
    EXPECT_EQ(cli("conntrack settings").out, before);
  }
}

TEST_F(ConntrackCommands, stats_count) {
  const auto row = json::parse(cli("-j conntrack stats").out).at(0);
  EXPECT_GE(row["new"], 6);
  EXPECT_GT(row["found"], 6);
  EXPECT_EQ(row["full"], 0);
  EXPECT_EQ(row["early_dropped"], 0);
  EXPECT_EQ(row["max_connections"], BV_DEFAULT_CONNECTIONS);
}

TEST_F(ConntrackCommands, of_nobody_are_refused) {
  for (const auto& [args, says] : {std::pair{"list --endpoint nobody", "no endpoint 'nobody'"},
                                   {"count --parent lo", "'lo' is not attached"},
                                   {"flush --parent nothing", "no interface 'nothing'"}}) {
    const auto r = cli(std::string("conntrack ") + args);
    EXPECT_EQ(r.status, 1);
    EXPECT_THAT(r.err, HasSubstr(says));
  }
  EXPECT_EQ(cli("detach P --force").status, 0);
  for (const auto* args : {"list", "count", "flush", "stats", "settings",
                           "set nf_conntrack_tcp_loose=1", "delete -p tcp"}) {
    const auto r = cli(std::string("conntrack ") + args);
    EXPECT_EQ(r.status, 1) << args;
    EXPECT_THAT(r.err, HasSubstr("no parent is attached")) << args;
    EXPECT_THAT(r.out, IsEmpty());
  }
}

class FilterSetting : public OurStage {
 protected:
  void SetUp() override {
    OurStage::SetUp();
    BV_OK(attach(BV_POLICY_BRIDGE, BV_MODE_L3));
    BV_OK(endpoint("a", kA));
    BV_OK(endpoint("b", kB, [](auto& r) { r.filter = true; }));
  }
  void expect(const std::string& name, bool filter, bool own) {
    const auto i = info(name);
    EXPECT_EQ(i.filter, filter) << name;
    EXPECT_EQ(i.own_filter, own) << name;
  }
  void set_mode(Mode mode) {
    BV_OK(control([&](Control& c) { return c.attach({.parent = "P", .mode = mode}); }));
  }
};

TEST_F(FilterSetting, follows_the_mode_until_it_is_set) {
  expect("a", false, false);
  expect("b", true, true);
  set_mode(BV_MODE_L3S);
  expect("a", true, false);
  set_mode(BV_MODE_L2);
  expect("a", false, false);
  expect("b", true, true);
  BV_OK(control([](Control& c) { return c.set_endpoint("a", BV_MODE_L3S, {}); }));
  expect("a", true, false);
  EXPECT_EQ(cli("endpoint set a --filter off").status, 0);
  expect("a", false, true);
  EXPECT_THAT(cli("endpoint show a").out,
              AllOf(ContainsRegex("filter: +no"), ContainsRegex("filter_inherited: +no")));
}

TEST_F(FilterSetting, traffic_is_tracked_from_the_next_packet_on) {
  const auto count = [&] { return cli("conntrack count --endpoint a").out; };
  BV_OK(route_from_x(kA));
  ASSERT_TRUE(ok("x", "a", kA.v4));
  EXPECT_EQ(count(), "0\n");
  EXPECT_EQ(cli("endpoint set a --filter on").status, 0);
  ASSERT_TRUE(ok("x", "a", kA.v4));
  EXPECT_EQ(count(), "3\n");
}

class TableSize : public OurStage {};

TEST_F(TableSize, is_a_power_of_two_and_the_first_attachs) {
  EXPECT_EQ(cli("attach P --max-connections 2000").status, 0);
  EXPECT_EQ(json::parse(cli("-j conntrack count").out),
            json::parse(R"([{"count":0,"max_connections":2048}])"));
  EXPECT_EQ(cli("attach P --max-connections 2048").status, 0);
  EXPECT_EQ(cli("attach P --max-connections 1025").status, 0);
  const auto r = cli("attach P --max-connections 4096");
  EXPECT_EQ(r.status, 1);
  EXPECT_THAT(r.err, HasSubstr("--max-connections is 2048"));
}

}  // namespace
}  // namespace bpfvlan::test
