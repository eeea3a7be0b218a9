// SPDX-License-Identifier: MIT
// Rules as the control plane keeps them: in the maps alone, from one command to the next.
#include <fmt/core.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>

#include "stage.hpp"

namespace bpfvlan::test {
namespace {

using ::testing::HasSubstr;

constexpr auto kTable = R"(*filter
:INPUT DROP [7:420]
:OUTPUT ACCEPT [0:0]
[1:60] -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
[2:120] -A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -m comment --comment "it\'s # 1" -j ACCEPT
[3:180] -A INPUT -6 -p tcp -m multiport --ports 80,443,1000:2000 -j ACCEPT
[4:240] -A OUTPUT ! -d fd00::/8 -p udp -m udp ! --sport 53 -j REJECT --reject-with icmp6-no-route
COMMIT
)";

class Rules : public OurStage {
 protected:
  void SetUp() override {
    OurStage::SetUp();
    BV_OK(attach(BV_POLICY_BRIDGE, BV_MODE_L3S));
  }
  lab::CommandResult rule(const std::string& verb, const std::string& rest,
                          const std::string& input = {}) {
    return cli(fmt::format("rule {} --parent P {}", verb, rest), input);
  }
  void done(const std::string& verb, const std::string& rest, const std::string& input = {}) {
    const auto r = rule(verb, rest, input);
    EXPECT_EQ(r.status, 0) << verb << " " << rest << "\n" << r.err;
  }
  std::string saved(const std::string& options = {}) { return rule("save", options).out; }
  void refused(const std::string& verb, const std::string& rest, const std::string& says,
               int status = 1, const std::string& input = {}) {
    const auto before = saved();
    const auto r = rule(verb, rest, input);
    EXPECT_EQ(r.status, status) << verb << " " << rest << "\n" << r.err;
    EXPECT_THAT(r.err, HasSubstr(says)) << verb << " " << rest;
    EXPECT_EQ(saved(), before) << verb << " " << rest;
  }
};

TEST_F(Rules, change_one_by_one) {
  done("append", "INPUT -p tcp --syn -j DROP");
  done("append", "input -j ACCEPT");
  done("insert", "input -s fd00::/16 -j DROP");
  done("insert", "input 3 -p icmp -j REJECT");
  done("replace", "input 4 -p udp -j ACCEPT");
  done("append", "output --state NEW -j DROP");
  done("policy", "output DROP");
  EXPECT_EQ(saved(), R"(*filter
:INPUT ACCEPT [0:0]
:OUTPUT DROP [0:0]
-A INPUT -s fd00::/16 -j DROP
-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP
-A INPUT -p icmp -j REJECT --reject-with icmp-port-unreachable
-A INPUT -p udp -j ACCEPT
-A OUTPUT -m conntrack --ctstate NEW -j DROP
COMMIT
)");
  done("delete", "input 1");
  done("delete", "input -p icmp -j REJECT");
  done("flush", "output");
  EXPECT_EQ(saved(), R"(*filter
:INPUT ACCEPT [0:0]
:OUTPUT DROP [0:0]
-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP
-A INPUT -p udp -j ACCEPT
COMMIT
)");
  done("flush", "");
  EXPECT_EQ(saved(), "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT DROP [0:0]\nCOMMIT\n");
}

TEST_F(Rules, saved_restored_and_saved_are_the_same) {
  done("restore", "-c", kTable);
  EXPECT_EQ(saved("-c"), kTable);
  const auto once = saved();
  done("restore", "", once);
  EXPECT_EQ(saved(), once);
  EXPECT_THAT(saved("-c"), HasSubstr("[0:0] -A INPUT -6 -p tcp"));
  EXPECT_THAT(saved("-c"), HasSubstr(":INPUT DROP [0:0]"));
}

TEST_F(Rules, of_one_family_are_restored_as_such) {
  done("restore", "-4", "*filter\n-A INPUT -p tcp -j REJECT\nCOMMIT\n");
  EXPECT_THAT(saved(), HasSubstr("-A INPUT -p tcp -j REJECT --reject-with icmp-port-unreachable"));
  const auto r = rule("restore", "-6",
                      "*nat\nCOMMIT\n*filter\n:FORWARD DROP\n-A INPUT -j DROP\n"
                      "-A FORWARD -j DROP\nCOMMIT\n");
  EXPECT_EQ(r.status, 0);
  EXPECT_THAT(r.err, HasSubstr("chain FORWARD: 2 lines skipped, the first is line 4"));
  EXPECT_THAT(r.err, HasSubstr("table nat: 1 line skipped, the first is line 1"));
  EXPECT_THAT(saved(), HasSubstr("-A INPUT -6 -j DROP"));
}

TEST_F(Rules, keep_their_counts_when_others_change) {
  done("restore", "-c", kTable);
  done("insert", "input -p esp -j DROP");
  done("delete", "input 3");
  done("replace", "output 1 -p ah -j DROP");
  done("append", "output -p gre -j DROP");
  done("policy", "input ACCEPT");
  EXPECT_EQ(saved("-c"), R"(*filter
:INPUT ACCEPT [7:420]
:OUTPUT ACCEPT [0:0]
[0:0] -A INPUT -p esp -j DROP
[1:60] -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
[3:180] -A INPUT -6 -p tcp -m multiport --ports 80,443,1000:2000 -j ACCEPT
[0:0] -A OUTPUT -p ah -j DROP
[0:0] -A OUTPUT -p gre -j DROP
COMMIT
)");
}

TEST_F(Rules, are_listed_as_a_table_and_as_json) {
  done("restore", "-c", kTable);
  const auto table = rule("list", "input -v --line-numbers").out;
  EXPECT_THAT(table, HasSubstr("Chain INPUT (policy DROP 7 packets, 420 bytes)\nnum  pkts  bytes"));
  EXPECT_THAT(table, HasSubstr("--ports 80,443,1000:2000"));
  EXPECT_THAT(table, ::testing::Not(HasSubstr("OUTPUT")));
  const auto json = nlohmann::json::parse(cli("-j rule list --parent P").out);
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[0]["chain"], "INPUT");
  EXPECT_EQ(json[0]["policy"], "DROP");
  ASSERT_EQ(json[0]["rules"].size(), 3U);
  EXPECT_EQ(json[0]["rules"][1]["packets"], 2);
  EXPECT_EQ(json[0]["rules"][1]["source"], "10.0.0.0/8");
  EXPECT_EQ(json[0]["rules"][1]["comment"], "it's # 1");
  EXPECT_EQ(json[1]["rules"][0]["reject_with"], "icmp6-no-route");
}

TEST_F(Rules, that_are_wrong_change_nothing) {
  done("restore", "", kTable);
  refused("append", "FORWARD -j DROP", "'FORWARD' is not one of", 2);
  refused("append", "input -s 10.0.0.0/33 -j DROP", "word 2 ('10.0.0.0/33')", 2);
  refused("append", "input -p tcp --dport 65536 -j DROP", "word 4 ('65536')", 2);
  refused("append", "input --ctstate UNTRACKED -j DROP", "'UNTRACKED' is not one of", 2);
  refused("append", "input -i eth0 -j DROP", "--endpoint names an endpoint", 2);
  refused("append", "input --endpoint nothere -j DROP", "no endpoint 'nothere'");
  refused("insert", "input 5 -j DROP", "chain INPUT has no rule 5: they are 1 to 4");
  refused("insert", "input 0 -j DROP", "has no rule 0");
  refused("replace", "input 4 -j DROP", "chain INPUT has no rule 4: they are 1 to 3");
  refused("replace", "input -j DROP", "number of a rule", 2);
  refused("delete", "input 4", "has no rule 4");
  refused("delete", "input -j DROP", "chain INPUT has no such rule: -j DROP");
  refused("policy", "input REJECT", "policy 'REJECT'", 2);
  refused("restore", "", "no table *filter");
  refused("restore", "", "line 3: word 4 ('LOG')", 1,
          "*filter\n-A INPUT -j DROP\n-A INPUT -j LOG\nCOMMIT\n");
  refused("restore", "", "line 2: no endpoint 'nothere'", 1,
          "*filter\n-A INPUT --endpoint nothere -j DROP\nCOMMIT\n");
  refused("restore", "-6", "line 2: word 4 ('10.0.0.1')", 1,
          "*filter\n-A INPUT -s 10.0.0.1 -j DROP\nCOMMIT\n");
  std::string many = "*filter\n";
  for (int i = 0; i <= BV_CHAIN_RULES; ++i) many += "-A OUTPUT -j DROP\n";
  refused("restore", "", "chain OUTPUT would have 4097 rules", 1, many + "COMMIT\n");
  EXPECT_EQ(cli("rule list --parent lo").status, 1);
}

TEST_F(Rules, end_with_their_parent) {
  done("restore", "-c", kTable);
  ASSERT_EQ(cli("detach P").status, 0);
  BV_OK(attach(BV_POLICY_BRIDGE, BV_MODE_L3S));
  EXPECT_EQ(saved("-c"), "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n");
}

TEST_F(Rules, name_endpoints_of_their_own_parent) {
  BV_OK(lab.cable("host", "Q", "x", "Y"));
  ASSERT_EQ(cli("endpoint add q --parent Q").status, 0);
  refused("append", "input --endpoint q -j DROP", "endpoint 'q' is one of 'Q', not of 'P'");
}

// The new endpoint has the id of the one that is gone.
TEST_F(Rules, do_not_take_an_endpoint_for_another) {
  BV_OK(endpoint("a", kA));
  BV_OK(route_from_x(kA));
  BV_OK(route_from_x(kB));
  EXPECT_TRUE(ok("x", "a", kA.v4));
  done("append", "input --endpoint a -j DROP");
  EXPECT_TRUE(no("x", "a", kA.v4));
  const auto text = saved();

  ASSERT_EQ(cli("endpoint del a").status, 0);
  EXPECT_EQ(saved(), text);
  done("restore", "", text);  // as they name it already
  BV_OK(endpoint("b", kB));
  EXPECT_TRUE(ok("x", "b", kB.v4));
  EXPECT_TRUE(ok("x", "b", kB.v6));

  ASSERT_EQ(cli(fmt::format("endpoint add a --parent P --netns a --default-route --address {} "
                            "--address {}",
                            kA.cidr(AF_INET), kA.cidr(AF_INET6)))
                .status,
            0);
  EXPECT_TRUE(no({{"x", "a", kA.v4}, {"x", "a", kA.v6}}));
  EXPECT_TRUE(ok("x", "b", kB.v4));
}

}  // namespace
}  // namespace bpfvlan::test
