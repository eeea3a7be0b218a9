// SPDX-License-Identifier: MIT
// bv_local: packets that xmit counted as going out, and whose route turned out to be local.
#include <gtest/gtest.h>
#include <linux/pkt_cls.h>

#include <ostream>
#include <string>
#include <tuple>

#include "expect.hpp"
#include "l2.hpp"
#include "row.hpp"
#include "setup.hpp"

namespace bpfvlan::test {
namespace {

Bytes to_host4(const IPv4& ip) {
  return frame(Ethernet{.dst = kZeroMac}, ip, Udp{}, payload(24));
}

Bytes to_host6(const IPv6& ip) {
  return frame(Ethernet{.dst = kZeroMac}, ip, Udp{}, payload(24));
}

struct Moved {
  const char* name;
  bv_reason from;
  Bytes frame;
  bool early = false;
};

struct Passed {
  const char* name;
  Bytes frame;
  // By default as if from the endpoint.
  std::uint32_t (Devices::*device)() const = &Devices::parent;
  std::uint32_t (Devices::*came_by)() const = &Devices::sender;
  bv_mode mode = BV_MODE_L3;
  bool early = false;
};

// How GoogleTest names a case in its messages.
void PrintTo(const Moved& moved, std::ostream* out) {
  *out << moved.name;
}
void PrintTo(const Passed& passed, std::ostream* out) {
  *out << passed.name;
}

template <class Case>
class LocalTest : public ::testing::TestWithParam<std::tuple<std::string, Case>> {
 protected:
  Programs& under_test() { return programs(std::get<0>(this->GetParam())); }
  const Case& row() { return std::get<1>(this->GetParam()); }

  // Counts that xmit has left, so that a move to or from any of them would show.
  static ReasonCounts before() {
    ReasonCounts counts;
    counts.fill({10, 100'000});
    return counts;
  }

  Outcome run(std::uint32_t device, std::uint32_t came_by, bv_mode mode = BV_MODE_L3,
              bool early = false) {
    install({.mode = mode}, devices(), under_test());
    under_test().reset(before());
    const Outcome run = under_test().run(Hook::kLocal, row().frame,
                                         {.device = device,
                                          .came_by = came_by,
                                          .mark = kMark,
                                          .priority = kPriority,
                                          .early = early});
    EXPECT_EQ(run.frame, row().frame) << "the frame must leave as it came";
    EXPECT_EQ(run.mark, kMark);
    EXPECT_EQ(run.priority, kPriority);
    for (std::uint32_t id = 0; id < kIds; ++id) expect_endpoint(under_test(), id, {});
    return run;
  }

 private:
  static constexpr std::uint32_t kMark = 0x1234, kPriority = 5;
};

const auto kName = [](const auto& test) {
  const auto& [object, row] = test.param;
  return std::string(row.name) + "_" + compiler_of(object);
};

using LocalMoved = LocalTest<Moved>;

TEST_P(LocalMoved, ToHost) {
  const bool early = row().early;
  const auto came_by = early ? devices().none() : devices().sender();
  const Outcome result = run(devices().parent(), came_by, BV_MODE_L3, early);
  EXPECT_EQ(result.returned, TC_ACT_REDIRECT);
  ReasonCounts expected = before();
  expected[row().from].packets -= 1;
  expected[row().from].bytes -= row().frame.size();
  expected[BV_REASON_TX_HOST].packets += 1;
  expected[BV_REASON_TX_HOST].bytes += row().frame.size();
  expect_reasons(under_test(), expected);
  expect_verdict(under_test(),
                 {.action = BV_HOST, .reason = BV_REASON_TX_HOST, .ifindex = 0, .to = 0});
}

INSTANTIATE_TEST_SUITE_P(
    All, LocalMoved,
    ::testing::Combine(::testing::ValuesIn(bpf_objects()),
                       ::testing::Values(Moved{"ipv4", BV_REASON_TX_ROUTED,
                                               to_host4({.src = kSender4, .dst = kParent4})},
                                         Moved{"ipv4_any_source", BV_REASON_TX_ROUTED,
                                               to_host4({.dst = kParent4})},
                                         Moved{"ipv4_fragment", BV_REASON_TX_ROUTED,
                                               to_host4({.dst = kParent4, .fragment_offset = 8})},
                                         Moved{"ipv4_malformed", BV_REASON_TX_MALFORMED,
                                               to_host4({.dst = kParent4, .total_length = 65535})},
                                         Moved{"ipv6", BV_REASON_TX_ROUTED,
                                               to_host6({.src = kSender6, .dst = kParent6})},
                                         Moved{"from_netkit", BV_REASON_TX_ROUTED,
                                               to_host4({.src = kSender4, .dst = kParent4}), true},
                                         Moved{"ipv6_malformed", BV_REASON_TX_MALFORMED,
                                               to_host6({.dst = kParent6, .version = 4})})),
    kName);

using LocalPassed = LocalTest<Passed>;

TEST_P(LocalPassed, Uncounted) {
  const Outcome result =
      run((devices().*row().device)(), (devices().*row().came_by)(), row().mode, row().early);
  EXPECT_EQ(result.returned, TC_ACT_UNSPEC);
  expect_reasons(under_test(), before());
  expect_verdict(under_test(), {});
}

Bytes to_mac(const char* mac) {
  return frame(Ethernet{.dst = mac}, IPv4{.dst = kParent4}, Udp{});
}

INSTANTIATE_TEST_SUITE_P(
    All, LocalPassed,
    ::testing::Combine(
        ::testing::ValuesIn(bpf_objects()),
        ::testing::Values(
            Passed{"to_wire", to_mac(kOtherMac)}, Passed{"first_byte", to_mac("02:00:00:00:00:00")},
            Passed{"second_byte", to_mac("00:02:00:00:00:00")},
            Passed{"third_byte", to_mac("00:00:02:00:00:00")},
            Passed{"fourth_byte", to_mac("00:00:00:02:00:00")},
            Passed{"fifth_byte", to_mac("00:00:00:00:02:00")},
            Passed{"last_byte", to_mac("00:00:00:00:00:02")},
            Passed{"broadcast", to_mac("ff:ff:ff:ff:ff:ff")},
            Passed{"from_netkit_to_wire", to_mac(kOtherMac), &Devices::parent, &Devices::none,
                   BV_MODE_L3, true},
            Passed{"came_by_no_endpoint", to_mac(kZeroMac), &Devices::parent, &Devices::other},
            Passed{"l2", to_mac(kZeroMac), &Devices::parent, &Devices::sender, BV_MODE_L2},
            Passed{"of_the_host_itself", to_mac(kZeroMac), &Devices::parent, &Devices::none},
            Passed{"endpoint_of_another_parent", to_mac(kZeroMac), &Devices::other,
                   &Devices::sender})),
    kName);

}  // namespace
}  // namespace bpfvlan::test
