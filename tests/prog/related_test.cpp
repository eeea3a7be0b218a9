// SPDX-License-Identifier: MIT
// ICMP errors, which belong to the connection of the packet that they quote:
// nf_conntrack_inet_error().
#include <gtest/gtest.h>

#include <ostream>
#include <tuple>

#include "tracking.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kEthernet = 14;
constexpr const char *kRouter4 = "198.51.100.1", *kRouter6 = "2001:db8:ffff::1";

struct Quote {
  const char* name;
  bool ipv6 = false;
  std::vector<Layer> upper{};   // of what the sender sent
  std::vector<Layer> quoted{};  // if it is something else
  const char* state = "RELATED";
  std::size_t bytes = 64;  // quoted at most
  std::uint8_t type4 = 3, type6 = 1;
  const char* to = nullptr;  // if not to who sent it
};

void PrintTo(const Quote& quote, std::ostream* out) {
  *out << quote.name;
}

Bytes sent(const Quote& q, const std::vector<Layer>& upper) {
  std::vector<Layer> layers{Ethernet{.dst = kOtherMac, .src = kMac},
                            q.ipv6 ? Layer(IPv6{.src = kSender6, .dst = kOutside6})
                                   : Layer(IPv4{.src = kSender4, .dst = kOutside4})};
  layers.insert(layers.end(), upper.begin(), upper.end());
  layers.emplace_back(payload(16));
  return build(layers);
}

// From the outside: who is asked, or a router on the way to it.
Bytes error(const Quote& q, const Bytes& about) {
  const auto first = about.begin() + kEthernet;
  const Raw quoted{Bytes(
      first, first + static_cast<std::ptrdiff_t>(std::min(about.size() - kEthernet, q.bytes)))};
  const Ethernet ethernet{.dst = kMac, .src = kOtherMac};
  if (q.ipv6)
    return frame(ethernet, IPv6{.src = kRouter6, .dst = q.to ? q.to : kSender6},
                 Icmp6Error{.type = q.type6}, quoted);
  return frame(ethernet, IPv4{.src = kRouter4, .dst = q.to ? q.to : kSender4},
               IcmpError{.type = q.type4}, quoted);
}

const Fragment kLater{.offset = 8, .next_header = Udp::kProtocol};

std::vector<Quote> quotes() {
  return {
      {.name = "udp4", .upper = {Udp{}}},
      {.name = "udp6", .ipv6 = true, .upper = {Udp{}}},
      {.name = "tcp4", .upper = {Tcp{}}},
      {.name = "tcp6", .ipv6 = true, .upper = {Tcp{}}},
      {.name = "echo4", .upper = {IcmpEcho{}}},
      {.name = "echo6", .ipv6 = true, .upper = {Icmp6Echo{}}},
      {.name = "other4"},
      {.name = "other6", .ipv6 = true},
      // What tells the connection: ports, an identifier, nothing.
      {.name = "least_of_tcp4", .upper = {Tcp{}}, .bytes = 20 + 4},
      {.name = "least_of_tcp6", .ipv6 = true, .upper = {Tcp{}}, .bytes = 40 + 4},
      {.name = "least_of_echo4", .upper = {IcmpEcho{}}, .bytes = 20 + 8},
      {.name = "least_of_other4", .bytes = 20},
      {.name = "too_little_of_tcp4", .upper = {Tcp{}}, .state = "INVALID", .bytes = 20 + 3},
      {.name = "too_little_of_tcp6",
       .ipv6 = true,
       .upper = {Tcp{}},
       .state = "INVALID",
       .bytes = 40 + 3},
      {.name = "too_little_of_echo6",
       .ipv6 = true,
       .upper = {Icmp6Echo{}},
       .state = "INVALID",
       .bytes = 40 + 7},
      {.name = "time_exceeded4", .upper = {Udp{}}, .type4 = 11},
      {.name = "source_quench", .upper = {Udp{}}, .type4 = 4},
      {.name = "redirect", .upper = {Udp{}}, .type4 = 5},
      {.name = "parameter4", .upper = {Udp{}}, .type4 = 12},
      {.name = "too_big6", .ipv6 = true, .upper = {Udp{}}, .type6 = 2},
      {.name = "time_exceeded6", .ipv6 = true, .upper = {Udp{}}, .type6 = 3},
      {.name = "parameter6", .ipv6 = true, .upper = {Udp{}}, .type6 = 4},
      {.name = "extension_headers",
       .ipv6 = true,
       .upper = {HopByHop{}, DestinationOptions{}, Routing{}, Udp{}},
       .bytes = 96},
      {.name = "first_fragment",
       .ipv6 = true,
       .upper = {Udp{}},
       .quoted = {Fragment{.more = true}, Udp{}}},
      {.name = "later_fragment",
       .ipv6 = true,
       .upper = {Udp{}},
       .quoted = {kLater},
       .state = "INVALID"},
      {.name = "of_another_connection4",
       .upper = {Udp{}},
       .quoted = {Udp{.dport = 9}},
       .state = "INVALID"},
      {.name = "of_another_connection6",
       .ipv6 = true,
       .upper = {Udp{}},
       .quoted = {Udp{.dport = 9}},
       .state = "INVALID"},
      {.name = "of_another_protocol", .upper = {Udp{}}, .quoted = {Tcp{}}, .state = "INVALID"},
      // Not about a connection of who gets it.
      {.name = "to_another_endpoint4", .upper = {Udp{}}, .state = "INVALID", .to = kReceiver4},
      {.name = "to_another_endpoint6",
       .ipv6 = true,
       .upper = {Udp{}},
       .state = "INVALID",
       .to = kReceiver6},
      {.name = "quotes_an_error", .upper = {Udp{}}, .quoted = {IcmpError{}}, .state = "INVALID"},
  };
}

class RelatedTest : public ::testing::TestWithParam<std::tuple<std::string, Quote>> {};

TEST_P(RelatedTest, BelongsToWhatItQuotes) {
  const auto& [object, quote] = GetParam();
  Tracking tracking(programs(object));
  const Bytes first = sent(quote, quote.upper);
  ASSERT_EQ(tracking.state_of(Hook::kXmit, first), "NEW");
  const Bytes about = quote.quoted.empty() ? first : sent(quote, quote.quoted);
  const auto before = tracking.connections();
  EXPECT_EQ(tracking.state_of(Hook::kRx, error(quote, about)), quote.state);

  const auto after = tracking.connections();
  ASSERT_EQ(after.size(), 1U);
  EXPECT_EQ(after[0].expires, before.at(0).expires) << "an error prolongs nothing";
  EXPECT_EQ(after[0].status_state, before[0].status_state);
  EXPECT_EQ(after[0].packets[1], 0U);
}

TEST_P(RelatedTest, OfNoConnectionIsInvalid) {
  const auto& [object, quote] = GetParam();
  Tracking tracking(programs(object));
  EXPECT_EQ(tracking.state_of(Hook::kRx, error(quote, sent(quote, quote.upper))), "INVALID");
  EXPECT_TRUE(tracking.connections().empty());
}

INSTANTIATE_TEST_SUITE_P(All, RelatedTest,
                         ::testing::Combine(::testing::ValuesIn(bpf_objects()),
                                            ::testing::ValuesIn(quotes())),
                         [](const auto& test) {
                           return std::string(std::get<1>(test.param).name) + "_" +
                                  compiler_of(std::get<0>(test.param));
                         });

}  // namespace
}  // namespace bpfvlan::test
