// SPDX-License-Identifier: MIT
// DHCPv4 behind one MAC address: whose answer it is.
#include "state.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::uint32_t kXid = 0x12345678;
constexpr std::size_t kUdp = 8, kXidEnd = 8, kOptions = 240;
const Bytes kReceiversId = {1, 2, 0, 0, 0, 0, 5};
const Bytes kThirdsId = {1, 2, 0, 0, 0, 0, 6};

Dhcp with_id(std::uint8_t operation, std::uint32_t xid, const Bytes& id) {
  return {.operation = operation,
          .xid = xid,
          .client_mac = kMac,
          .options = {
              {DhcpOption::kMessageType, {2}}, {DhcpOption::kClientId, id}, {DhcpOption::kEnd}}};
}

Dhcp without_id(std::uint8_t operation, std::uint32_t xid) {
  return {.operation = operation,
          .xid = xid,
          .client_mac = kMac,
          .options = {{DhcpOption::kMessageType, {2}}, {DhcpOption::kEnd}}};
}

Bytes request(const Dhcp& message) {
  return frame(Ethernet{.dst = kBroadcastMac, .src = kMac},
               IPv4{.src = "0.0.0.0", .dst = "255.255.255.255"},
               Udp{.sport = Dhcp::kClientPort, .dport = Dhcp::kServerPort}, message);
}

Bytes request(std::uint32_t xid, const Bytes& id) {
  return request(with_id(Dhcp::kRequest, xid, id));
}

Bytes answer(const Dhcp& message, const IPv4& ip = {.src = kOutside4, .dst = "10.0.0.50"}) {
  return frame(Ethernet{}, ip, Udp{.sport = Dhcp::kServerPort, .dport = Dhcp::kClientPort},
               message);
}

Bytes answer(std::uint32_t xid, const Bytes& id) {
  return answer(with_id(Dhcp::kReply, xid, id));
}

// UDP and what it carries, cut, in an IP packet that is right.
Bytes cut_message(const Bytes& whole, std::size_t size) {
  constexpr std::size_t kBefore = 14 + 20;
  const Bytes message(whole.begin() + kBefore,
                      whole.begin() + static_cast<std::ptrdiff_t>(kBefore + size));
  const bool to_server = whole[0] == 0xff;
  return frame(Ethernet{.dst = to_server ? kBroadcastMac : kMac, .src = kMac},
               IPv4{.dst = "10.0.0.50", .protocol = 17}, Raw{message});
}

class DhcpClients : public StateTest {
 protected:
  using Audience = std::vector<Who>;
  static inline const Audience kNobody{}, kReceiver{Who::kReceiver}, kThird{Who::kThird};
};
INSTANTIATE_TEST_SUITE_P(All, DhcpClients, ::testing::ValuesIn(bpf_objects()), object_name);

TEST_P(DhcpClients, ByTransaction) {
  send(Who::kReceiver, request(kXid, kReceiversId));
  send(Who::kThird, request(kXid + 1, kThirdsId));
  EXPECT_EQ(hearers(answer(kXid, kReceiversId)), kReceiver);
  EXPECT_EQ(hearers(answer(kXid + 1, kThirdsId)), kThird);
  EXPECT_EQ(hearers(answer(kXid + 2, kThirdsId)), kNobody);
  EXPECT_EQ(counted(BV_REASON_RX_DHCP), 2u);
}

TEST_P(DhcpClients, ByIdentifierWithinATransaction) {
  send(Who::kReceiver, request(kXid, kReceiversId));
  send(Who::kThird, request(kXid, kThirdsId));
  EXPECT_EQ(hearers(answer(kXid, kReceiversId)), kReceiver);
  EXPECT_EQ(hearers(answer(kXid, kThirdsId)), kThird);
}

// Servers before RFC 6842 do not return the identifier: who asked last.
TEST_P(DhcpClients, WithoutIdentifierInTheAnswer) {
  send(Who::kReceiver, request(kXid, kReceiversId));
  EXPECT_EQ(hearers(answer(without_id(Dhcp::kReply, kXid))), kReceiver);
  send(Who::kThird, request(kXid, kThirdsId));
  EXPECT_EQ(hearers(answer(without_id(Dhcp::kReply, kXid))), kReceiver) << "who asked first";
}

TEST_P(DhcpClients, WithoutIdentifierInTheRequest) {
  send(Who::kReceiver, request(without_id(Dhcp::kRequest, kXid)));
  EXPECT_EQ(hearers(answer(without_id(Dhcp::kReply, kXid))), kReceiver);
  EXPECT_EQ(hearers(answer(kXid, kReceiversId)), kReceiver);
}

TEST_P(DhcpClients, IdentifiersOfEveryLength) {
  for (const std::size_t size : {0, 1, 2, 254, 255}) {
    SCOPED_TRACE(size);
    set({.mode = BV_MODE_L2});
    send(Who::kReceiver, request(kXid, Bytes(size, 7)));
    send(Who::kThird, request(kXid, Bytes(size ? size - 1 : 9, 7)));
    EXPECT_EQ(hearers(answer(kXid, Bytes(size, 7))), kReceiver);
    EXPECT_EQ(hearers(answer(kXid, Bytes(size ? size - 1 : 9, 7))), kThird);
  }
}

// The identifier wherever it is among the options, up to the end that they say.
TEST_P(DhcpClients, OptionsInAnyOrder) {
  send(Who::kThird, request(kXid, kThirdsId));  // who asked first
  send(Who::kReceiver, request(kXid, kReceiversId));
  std::vector<DhcpOption> others;
  for (std::uint8_t code = 1; code < 60; ++code) others.push_back({code, Bytes(3, 61)});
  const DhcpOption id{DhcpOption::kClientId, kReceiversId}, pad{}, end{DhcpOption::kEnd};

  const auto with = [&](const std::vector<DhcpOption>& options) {
    return answer(Dhcp{.operation = Dhcp::kReply, .xid = kXid, .options = options});
  };
  std::vector<DhcpOption> last = others;
  last.push_back(id);
  EXPECT_EQ(hearers(with(last)), kReceiver) << "the last, without an end";
  EXPECT_EQ(hearers(with({id, end})), kReceiver) << "the first";
  EXPECT_EQ(hearers(with({pad, pad, id, pad, end})), kReceiver) << "padded";
  EXPECT_EQ(hearers(with({{1, {}}, id, end})), kReceiver) << "behind an empty one";
  EXPECT_EQ(hearers(with({pad, id, end})), kReceiver) << "padded by one byte";
  EXPECT_EQ(hearers(with({end, id})), kThird) << "behind the end";
  EXPECT_EQ(hearers(with({end, pad, id})), kThird) << "behind the end, padded";
  EXPECT_EQ(hearers(with({{.code = 1, .data = {}, .length = 255}, id})), kThird)
      << "behind one whose length lies";
  EXPECT_EQ(hearers(with({})), kThird) << "no options";
}

TEST_P(DhcpClients, CutRequests) {
  const Bytes whole = request(kXid, kReceiversId);
  const std::size_t size = whole.size() - 14 - 20;
  for (std::size_t n = 0; n <= size; ++n) {
    set({.mode = BV_MODE_L2});
    send(Who::kReceiver, cut_message(whole, n));
    EXPECT_EQ(hearers(answer(without_id(Dhcp::kReply, kXid))),
              n < kUdp + kXidEnd ? kNobody : kReceiver)
        << n;
  }
}

TEST_P(DhcpClients, CutAnswers) {
  send(Who::kThird, request(kXid, kThirdsId));
  send(Who::kReceiver, request(kXid, kReceiversId));
  const Bytes whole = answer(kXid, kReceiversId);
  const std::size_t with_id = kUdp + kOptions + 3 + 2 + kReceiversId.size();
  for (std::size_t n = 0; n <= whole.size() - 14 - 20; ++n) {
    EXPECT_EQ(hearers(cut_message(whole, n)), n < kUdp + kXidEnd ? kNobody
                                              : n < with_id      ? kThird
                                                                 : kReceiver)
        << n;
  }
}

TEST_P(DhcpClients, OtherHeadersAround) {
  send(Who::kReceiver,
       frame(Ethernet{.dst = kBroadcastMac, .src = kMac},
             IPv4{.dst = "255.255.255.255", .options = Bytes(40, 1)},
             Udp{.dport = Dhcp::kServerPort}, with_id(Dhcp::kRequest, kXid, kReceiversId)));
  EXPECT_EQ(hearers(answer(with_id(Dhcp::kReply, kXid, kReceiversId),
                           {.dst = "10.0.0.50", .options = Bytes(4, 1)})),
            kReceiver);
}

// Later fragments have no ports.
TEST_P(DhcpClients, Fragments) {
  const IPv4 later{.dst = "10.0.0.50", .fragment_offset = 8};
  send(Who::kReceiver, request(kXid, kReceiversId));
  EXPECT_EQ(hearers(answer(with_id(Dhcp::kReply, kXid, kReceiversId), later)), kNobody);
  set({.mode = BV_MODE_L2});
  send(Who::kReceiver,
       frame(Ethernet{.dst = kBroadcastMac, .src = kMac}, later, Udp{.dport = Dhcp::kServerPort},
             with_id(Dhcp::kRequest, kXid, kReceiversId)));
  EXPECT_EQ(under_test().keys<bv_dhcp_key>("dhcp").size(), 0u);
}

TEST_P(DhcpClients, NoRequests) {
  const auto none = [&](const char* what, const Bytes& frame, std::optional<Tag> tag = {}) {
    send(Who::kReceiver, frame, tag);
    EXPECT_EQ(under_test().keys<bv_dhcp_key>("dhcp").size(), 0u) << what;
  };
  none("tagged", request(kXid, kReceiversId), Tag{.tci = 7});
  none("a reply", request(with_id(Dhcp::kReply, kXid, kReceiversId)));
  none("to another port", frame(Ethernet{.dst = kBroadcastMac, .src = kMac}, IPv4{},
                                Udp{.dport = 68}, with_id(Dhcp::kRequest, kXid, kReceiversId)));
  none("not UDP",
       frame(Ethernet{.dst = kBroadcastMac, .src = kMac}, IPv4{.protocol = 6},
             Udp{.dport = Dhcp::kServerPort}, with_id(Dhcp::kRequest, kXid, kReceiversId)));
  // Its answer goes to an address that is the endpoint's already.
  none("unicast",
       frame(Ethernet{.dst = kOtherMac, .src = kMac}, IPv4{}, Udp{.dport = Dhcp::kServerPort},
             with_id(Dhcp::kRequest, kXid, kReceiversId)));
}

TEST_P(DhcpClients, OnlyInModeL2) {
  send(Who::kReceiver, request(kXid, kReceiversId));
  bv_endpoint switched = settings(Who::kReceiver);
  switched.mode = BV_MODE_L3;
  change(Who::kReceiver, switched);
  EXPECT_EQ(reason_of(answer(kXid, kReceiversId)), BV_REASON_RX_NO_ENDPOINT);
  send(Who::kReceiver, request(kXid + 1, kReceiversId));
  switched.mode = BV_MODE_L2;
  change(Who::kReceiver, switched);
  EXPECT_EQ(reason_of(answer(kXid + 1, kReceiversId)), BV_REASON_RX_NO_ENDPOINT);
  EXPECT_EQ(reason_of(answer(kXid, kReceiversId)), BV_REASON_RX_DHCP);
}

// An id that another parent's endpoint has now.
TEST_P(DhcpClients, OnlyAtTheParentOfTheRequest) {
  send(Who::kReceiver, request(kXid, kReceiversId));
  under_test().run(Hook::kRx, answer(kXid, kReceiversId), {.device = devices().other()});
  EXPECT_EQ(under_test().last_verdict().reason, BV_REASON_RX_NO_ENDPOINT);
  bv_endpoint moved = settings(Who::kReceiver);
  moved.parent = devices().other();
  change(Who::kReceiver, moved);
  EXPECT_EQ(reason_of(answer(kXid, kReceiversId)), BV_REASON_RX_NO_ENDPOINT);
}

}  // namespace
}  // namespace bpfvlan::test
