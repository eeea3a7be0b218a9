// SPDX-License-Identifier: MIT
// Each conversation with either IP version, begun by the endpoint and by the outside.
#include "conversation.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <map>
#include <tuple>

#include "tracking.hpp"

namespace bpfvlan::test {
namespace {

constexpr const char* kTcpStates[] = {
#define X(id) #id,
    BV_TCP_STATES(X)
#undef X
};
constexpr const char* kTimeouts[] = {
#define X(id, name, seconds) #id,
    BV_CT_TIMEOUTS(X)
#undef X
};

struct Way {
  const char* name;
  bool ipv6, from_outside;
};
constexpr Way kWays[] = {{"ipv4_out", false, false},
                         {"ipv4_in", false, true},
                         {"ipv6_out", true, false},
                         {"ipv6_in", true, true}};

class ConversationTest
    : public ::testing::TestWithParam<std::tuple<std::string, Conversation, Way>> {
 protected:
  const Way& way() const { return std::get<2>(GetParam()); }

  Hook hook_of(const Step& step) const {
    return step.back == way().from_outside ? Hook::kXmit : Hook::kRx;
  }

  Bytes frame_of(const Step& step) const {
    const bool out = hook_of(step) == Hook::kXmit;
    const Layer ip4 = IPv4{.src = out ? kSender4 : kOutside4, .dst = out ? kOutside4 : kSender4};
    const Layer ip6 = IPv6{.src = out ? kSender6 : kOutside6, .dst = out ? kOutside6 : kSender6};
    std::vector<Layer> layers{
        Ethernet{.dst = out ? kOtherMac : kMac, .src = out ? kMac : kOtherMac},
        way().ipv6 ? ip6 : ip4};
    const std::uint16_t near = Tcp{}.sport, far = Tcp{}.dport;
    const auto sport = step.back ? far : near, dport = step.back ? near : far;
    const bool reply = step.what == "echo-reply";
    const auto id = static_cast<std::uint16_t>(step.number);
    if (step.what == "tcp") {
      Tcp tcp = step.tcp;
      tcp.sport = sport;
      tcp.dport = dport;
      layers.emplace_back(tcp);
    } else if (step.what == "udp") {
      layers.emplace_back(Udp{.sport = sport, .dport = dport});
    } else if (step.what != "other") {
      layers.push_back(way().ipv6 ? Layer(Icmp6Echo{.reply = reply, .id = id})
                                  : Layer(IcmpEcho{.reply = reply, .id = id}));
    }
    layers.emplace_back(payload(step.what == "tcp" ? step.length : 24));
    return build(layers);
  }

  // The one that it was set to, of those of the same length the expected one.
  std::string timeout_of(const bv_conn& conn, const std::string& expected, std::uint32_t before,
                         const Tracking& tracking) const {
    const auto settings = tracking.settings();
    const std::uint32_t after = tracking.now();
    std::string found = fmt::format("{} ticks", conn.expires - after);
    for (std::size_t i = 0; i < std::size(kTimeouts); ++i) {
      const std::uint32_t set_at = conn.expires - settings.timeout[i];
      if (set_at - before > after - before) continue;
      std::string name = kTimeouts[i];
      if (name == "ICMPV6" && way().ipv6) name = "ICMP";
      if (name == expected) return name;
      found = name;
    }
    return found;
  }

  std::string describe_entry(const std::string& expected, std::uint32_t before,
                             const Tracking& tracking) const {
    const auto all = tracking.connections();
    if (all.empty()) return "gone";
    if (all.size() > 1) return fmt::format("{} entries", all.size());
    const bv_conn& conn = all.front();
    const bool tcp = conn.protocol == Tcp::kProtocol;
    std::string text = tcp ? kTcpStates[conn.status_state >> 4] : "entry";
    if (conn.status_state & BV_CONN_SEEN_REPLY) text += " reply";
    if (conn.status_state & BV_CONN_ASSURED) text += " assured";
    const auto at = expected.find("for ");
    if (at != std::string::npos)
      text +=
          " for " + timeout_of(conn, expected.substr(at + 4, expected.find(' ', at + 4) - at - 4),
                               before, tracking);
    if (expected.find("packets") != std::string::npos)
      text += fmt::format(" packets {}/{}", conn.packets[0], conn.packets[1]);
    return text;
  }

  static void change(Tracking& tracking, const Step& step) {
    static const std::map<std::string, std::uint8_t bv_ct_settings::*> kSwitches = {
        {"tcp_loose", &bv_ct_settings::tcp_loose},
        {"tcp_be_liberal", &bv_ct_settings::tcp_be_liberal},
        {"tcp_ignore_invalid_rst", &bv_ct_settings::tcp_ignore_invalid_rst}};
    auto settings = tracking.settings();
    settings.*kSwitches.at(step.what) = static_cast<std::uint8_t>(step.number);
    tracking.set(settings);
  }
};

TEST_P(ConversationTest, IsTracked) {
  const auto& [object, conversation, way] = GetParam();
  Tracking tracking(programs(object));
  std::string so_far;
  for (const Step& step : parse(conversation.text)) {
    so_far += "\n  " + step.line;
    SCOPED_TRACE(so_far);
    const std::uint32_t before = tracking.now();
    std::string seen;
    if (step.kind == Step::Kind::kSet) {
      change(tracking, step);
      continue;
    }
    if (step.kind == Step::Kind::kWait)
      tracking.wait(step.number);
    else
      seen = tracking.state_of(hook_of(step), frame_of(step)) + " ";
    ASSERT_EQ(seen + describe_entry(step.expected, before, tracking), step.expected);
  }
}

std::vector<Conversation> all_conversations() {
  std::vector<Conversation> all = tcp_conversations();
  all.insert(all.end(), other_conversations().begin(), other_conversations().end());
  return all;
}

void PrintTo(const Way& way, std::ostream* out) {
  *out << way.name;
}

INSTANTIATE_TEST_SUITE_P(All, ConversationTest,
                         ::testing::Combine(::testing::ValuesIn(bpf_objects()),
                                            ::testing::ValuesIn(all_conversations()),
                                            ::testing::ValuesIn(kWays)),
                         [](const auto& test) {
                           return std::get<1>(test.param).name + "_" +
                                  std::get<2>(test.param).name + "_" +
                                  compiler_of(std::get<0>(test.param));
                         });

}  // namespace
}  // namespace bpfvlan::test
