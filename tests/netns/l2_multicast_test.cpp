// SPDX-License-Identifier: MIT
// Row L2-mcast: who joined hears the others once and not itself; who did not join hears nothing.
#include <fmt/format.h>
#include <linux/if_packet.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <thread>

#include "bpfvlan/test/frame.hpp"
#include "group_socket.hpp"
#include "packet_socket.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

constexpr Addr kC2{"10.211.55.222", "fd00:55::222"};

// Members of one group in several namespaces, called by the namespace's name.
class Party {
 public:
  explicit Party(const Group& group) : group_(group) {}

  void join(const std::string& netns, const std::string& ifname) {
    members_[netns] = std::make_unique<Member>(netns, ifname, group_);
  }
  void leave(const std::string& netns) { members_.erase(netns); }

  void call(const std::string& from) { EXPECT_TRUE(members_.at(from)->send(kCall)); }

  // Until what they joined is known everywhere: the first hears the second.
  ::testing::AssertionResult wait_until_heard(
      const std::vector<std::pair<std::string, std::string>>& pairs) {
    for (const auto& [to, from] : pairs) {
      const bool heard = eventually([&, &to = to, &from = from] {
        call(from);
        return !members_.at(to)->heard().empty();
      });
      if (!heard) return ::testing::AssertionFailure() << to << " does not hear " << from;
    }
    return ::testing::AssertionSuccess();
  }

  // All speak, and each hears those that are listed: every message, and once.
  ::testing::AssertionResult hear(const std::map<std::string, std::vector<std::string>>& expected) {
    static constexpr int kCount = 3;
    std::map<std::string, Texts> wanted, got;
    for (int i = 0; i < kCount; ++i) {
      for (const auto& [name, member] : members_) {
        EXPECT_TRUE(member->send(fmt::format("{}{}", name, i)));
        if (group_.name == std::string_view(kBroadcast.name))
          wanted[name].insert(fmt::format("{}{}", name, i));  // its own stack keeps a copy
      }
      for (const auto& [to, senders] : expected)
        for (const auto& from : senders) wanted[to].insert(fmt::format("{}{}", from, i));
    }
    const auto collect = [&] {
      for (const auto& [name, member] : members_)
        for (const auto& text : member->heard())
          if (text != kCall) got[name].insert(text);
    };
    eventually([&] {
      collect();
      return std::all_of(wanted.begin(), wanted.end(), [&](const auto& all) {
        const auto& [name, texts] = all;
        return std::includes(got[name].begin(), got[name].end(), texts.begin(), texts.end());
      });
    });
    std::this_thread::sleep_for(silence());
    collect();
    for (const auto& [name, member] : members_)
      if (got[name] != wanted[name])
        return ::testing::AssertionFailure()
               << fmt::format("{} heard: {}; expected: {}", name, fmt::join(got[name], " "),
                              fmt::join(wanted[name], " "));
    return ::testing::AssertionSuccess();
  }

 private:
  using Texts = std::multiset<std::string>;
  static constexpr const char* kCall = "are you there?";

  Group group_;
  std::map<std::string, std::unique_ptr<Member>> members_;
};

int frames_to(const PacketSocket& socket, const Group& group) {
  int count = 0;
  for (const auto& c : socket.drain())
    count += c.packet_type != PACKET_OUTGOING && ip_destination(c.frame) == group.address;
  return count;
}

std::string engine_and_group(const ::testing::TestParamInfo<std::tuple<EngineKind, Group>>& info) {
  const auto& [kind, group] = info.param;
  return fmt::format("{}_{}", to_string(kind), group.name);
}
const auto kGroups =
    ::testing::Values(kBroadcast, kMulticast4, kMulticast6, kMulticast6Low, kMdns4, kMdns6);

class L2Multicast : public OnEitherEngine<Group> {
 protected:
  // The driver's filter has 256 values of a hash that is another one each time the machine starts:
  // it may take this group for another that they have joined (docs/semantics.md, rx_group_filter).
  bool hear_unjoined(Party& party, const std::vector<const PacketSocket*>& sockets) {
    EXPECT_TRUE(party.wait_until_heard({{"host", "x"}}));
    // Everybody's, and behind the others in the driver's queue.
    const auto last =
        frame(Ethernet{.dst = "ff:ff:ff:ff:ff:ff", .src = "02:00:00:00:00:99"}, payload(64));
    EXPECT_TRUE(PacketSocket("x", "X").send(last));
    bool heard = false;
    for (const auto* socket : sockets)
      EXPECT_TRUE(socket->wait_for([&](const Captured& c) {
        heard |= c.packet_type != PACKET_OUTGOING && ip_destination(c.frame) == param().address;
        return c.frame == last;
      }));
    return heard;
  }
};
INSTANTIATE_TEST_SUITE_P(, L2Multicast, ::testing::Combine(kEitherEngine, kGroups),
                         engine_and_group);

TEST_P(L2Multicast, members_hear_each_other) {
  BV_OK(siblings_l2(BV_POLICY_BRIDGE));
  BV_OK(endpoint("c", kC2));
  BV_OK(lab.ip("a", "maddress add 01:00:5e:70:70:70 dev a"));
  const PacketSocket at_a("a", "a"), at_c("c", "c");
  Party party(param());
  party.join("x", "X");
  party.join("host", "P");
  if (kind() == EngineKind::Ipvlan && !is_everybodys(param()) &&
      hear_unjoined(party, {&at_a, &at_c}))
    GTEST_SKIP() << "the driver takes this group for another: by chance, until the next start";
  party.join("a", "a");
  party.join("b", "b");
  ASSERT_TRUE(party.wait_until_heard(
      {{"host", "x"}, {"a", "x"}, {"b", "x"}, {"b", "a"}, {"x", "a"}, {"a", "b"}}));
  EXPECT_TRUE(party.hear({{"x", {"a", "b", "host"}},
                          {"host", {"x"}},  // not what its endpoints send
                          {"a", {"x", "b"}},
                          {"b", {"x", "a"}}}));
  EXPECT_EQ(frames_to(at_c, param()) > 0, is_everybodys(param())) << "C has not joined";
  if (is_everybodys(param())) return;

  party.leave("a");
  // The driver's filter forgets a group with the next change of the interface's groups.
  BV_OK(lab.ip("a", "maddress del 01:00:5e:70:70:70 dev a"));
  EXPECT_TRUE(eventually([&] {
    frames_to(at_a, param());
    const auto b_hears = party.wait_until_heard({{"b", "x"}});
    return b_hears && lab::udp_echo({"x", "a", kA2.v4}, 1, patience()) &&
           frames_to(at_a, param()) == 0;
  })) << "A has left";
  EXPECT_TRUE(party.hear({{"x", {"b", "host"}}, {"host", {"x"}}, {"b", {"x"}}}));
  EXPECT_EQ(frames_to(at_a, param()), 0);
}

// What the driver does otherwise: policies hold for groups too, and belong to the endpoints.
class L2MulticastPolicy : public OurStage, public ::testing::WithParamInterface<Group> {
 protected:
  L2MulticastPolicy() : party(GetParam()) {}
  void SetUp() override {
    OurStage::SetUp();
    BV_OK(put_switch());
    BV_OK(hairpin(true));
  }

  void all_join() {
    party.join("x", "X");
    party.join("a", "a");
    party.join("b", "b");
  }

  Party party;
};
INSTANTIATE_TEST_SUITE_P(, L2MulticastPolicy, ::testing::Values(kBroadcast, kMulticast4, kMdns6),
                         [](const auto& i) { return i.param.name; });

TEST_P(L2MulticastPolicy, private_never_between_siblings) {
  BV_OK(siblings_l2(BV_POLICY_PRIVATE));
  all_join();
  ASSERT_TRUE(party.wait_until_heard({{"a", "x"}, {"b", "x"}, {"x", "a"}}));
  EXPECT_TRUE(party.hear({{"x", {"a", "b"}}, {"a", {"x"}}, {"b", {"x"}}}));
}

TEST_P(L2MulticastPolicy, vepa_by_the_switch_alone) {
  BV_OK(siblings_l2(BV_POLICY_VEPA));
  all_join();
  ASSERT_TRUE(party.wait_until_heard({{"a", "x"}, {"b", "x"}, {"x", "a"}, {"b", "a"}}));
  EXPECT_TRUE(party.hear({{"x", {"a", "b"}}, {"a", {"x", "b"}}, {"b", {"x", "a"}}}));
  BV_OK(hairpin(false));
  EXPECT_TRUE(party.hear({{"x", {"a", "b"}}, {"a", {"x"}}, {"b", {"x"}}}));
}

TEST_P(L2MulticastPolicy, bridge_hears_no_reflection) {
  BV_OK(siblings_l2(BV_POLICY_BRIDGE));
  all_join();
  ASSERT_TRUE(party.wait_until_heard({{"a", "x"}, {"b", "x"}, {"x", "a"}, {"b", "a"}}));
  EXPECT_TRUE(party.hear({{"x", {"a", "b"}}, {"a", {"x", "b"}}, {"b", {"x", "a"}}}));
}

TEST_P(L2MulticastPolicy, of_one_endpoint) {
  BV_OK(siblings_l2(BV_POLICY_BRIDGE));
  BV_OK(endpoint("c", kC2, [](auto& r) { r.policy = BV_POLICY_PRIVATE; }));
  all_join();
  party.join("c", "c");
  ASSERT_TRUE(party.wait_until_heard({{"a", "x"}, {"b", "x"}, {"c", "x"}, {"b", "a"}}));
  EXPECT_TRUE(
      party.hear({{"x", {"a", "b", "c"}}, {"a", {"x", "b"}}, {"b", {"x", "a"}}, {"c", {"x"}}}));
}

// What comes from outside to an endpoint with the filter on passes the rules, for that one alone;
// what siblings say does not.
TEST_P(L2MulticastPolicy, filtered) {
  BV_OK(siblings_l2(BV_POLICY_BRIDGE));
  all_join();
  ASSERT_TRUE(party.wait_until_heard({{"a", "x"}, {"b", "x"}, {"x", "a"}, {"b", "a"}}));
  ASSERT_EQ(cli("endpoint set a --filter on").status, 0);
  ASSERT_EQ(cli("rule policy --parent P input DROP").status, 0);
  const auto before = reason(BV_REASON_RX_CHAIN_POLICY);
  EXPECT_TRUE(party.hear({{"x", {"a", "b"}}, {"a", {"b"}}, {"b", {"x", "a"}}}));
  EXPECT_GE(reason(BV_REASON_RX_CHAIN_POLICY), before + 3);
  ASSERT_EQ(cli("rule append --parent P input -p udp --endpoint a -j ACCEPT").status, 0);
  EXPECT_TRUE(party.hear({{"x", {"a", "b"}}, {"a", {"x", "b"}}, {"b", {"x", "a"}}}));
}

class L2MulticastLive : public OurStage, public ::testing::WithParamInterface<Group> {
 protected:
  void set_mode(Mode mode) {
    BV_EXPECT_OK(control([&](Control& c) { return c.set_endpoint("a", mode, {}); }));
  }
};
INSTANTIATE_TEST_SUITE_P(, L2MulticastLive, ::testing::Values(kBroadcast, kMulticast4, kMdns6),
                         [](const auto& i) { return i.param.name; });

TEST_P(L2MulticastLive, joined_in_l3_and_heard_in_l2) {
  BV_OK(siblings_l2(BV_POLICY_BRIDGE));
  set_mode(BV_MODE_L3);
  const PacketSocket at_a("a", "a");
  Party party(GetParam());
  party.join("x", "X");
  party.join("a", "a");
  party.join("b", "b");
  ASSERT_TRUE(party.wait_until_heard({{"b", "x"}, {"x", "b"}}));
  if (GetParam().name != std::string_view(kBroadcast.name)) {
    const auto* reports_to = GetParam().family == AF_INET ? "224.0.0.22" : "ff02::16";
    ASSERT_TRUE(
        at_a.wait_for([&](const Captured& c) { return ip_destination(c.frame) == reports_to; }));
  }
  EXPECT_TRUE(party.hear({{"x", {"b"}}, {"b", {"x"}}}));
  set_mode(BV_MODE_L2);
  EXPECT_TRUE(party.hear({{"x", {"a", "b"}}, {"a", {"x", "b"}}, {"b", {"x", "a"}}}));
  set_mode(BV_MODE_L3);
  EXPECT_TRUE(party.hear({{"x", {"b"}}, {"b", {"x"}}}));
}

}  // namespace
}  // namespace bpfvlan::test
