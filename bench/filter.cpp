// SPDX-License-Identifier: MIT
// Packets a second through stateful rules, end to end: ours in mode l3s beside the kernel's ipvlan
// in mode l3s with iptables and nf_conntrack, where the kernel has it, and beside a veth pair with
// them. Peers take turns in one run; the figures that count are the ratios of their medians. JSON.
#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>

#include "bpfvlan/test/frame.hpp"
#include "frame_sender.hpp"
#include "lab/sockets.hpp"
#include "network.hpp"
#include "packet_socket.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::uint16_t kPort = 4242;
constexpr unsigned kNewFlows = 16'000;  // far from the default nf_conntrack_max of small machines
const unsigned kPackets = slowness() == 1 ? 200'000 : 20'000;

// What X sends.
class Sender {
 public:
  static Result<Sender> make(const Bytes& to_mac) {
    BV_TRY(auto by, FrameSender::open("x", "X"));
    Sender sender(std::move(by));
    Ethernet ethernet;
    std::copy(to_mac.begin(), to_mac.end(), ethernet.dst.octets.begin());
    for (auto& frame : sender.frames_)
      frame = test::frame(ethernet, IPv4{.src = kX.v4, .dst = kA.v4},
                          Udp{.sport = kPort, .dport = kPort}, payload(32));
    return sender;
  }

  // `flow` numbers the flow of each packet; flow 0 is from kPort.
  Result<> send(unsigned packets, const std::function<unsigned(unsigned)>& flow) {
    for (unsigned done = 0; done < packets;) {
      const std::span batch(frames_.data(), std::min(kFramesAtOnce, packets - done));
      for (unsigned i = 0; i < batch.size(); ++i) name_flow(batch[i], flow(done + i));
      BV_TRY(const auto sent, by_.send(batch));
      if (!sent) return refuse(std::errc::no_buffer_space, "X takes no more frames");
      done += sent;
    }
    return {};
  }

 private:
  explicit Sender(FrameSender by) : by_(std::move(by)) {}
  static void name_flow(Bytes& frame, unsigned flow) {
    const auto port = static_cast<std::uint16_t>(kPort + flow);
    frame[14 + 20] = static_cast<std::uint8_t>(port >> 8);
    frame[14 + 21] = static_cast<std::uint8_t>(port);
    frame[14 + 20 + 6] = frame[14 + 20 + 7] = 0;  // no checksum (RFC 768)
  }

  FrameSender by_;
  std::array<Bytes, kFramesAtOnce> frames_;
};

const Peer kOurs{"bpfvlan l3s", EngineKind::Bpfvlan};
const Peer kIpvlan{"ipvlan l3s, iptables", EngineKind::Ipvlan};
const Peer kVeth{"veth, iptables", {}};

// Who takes it, at A.
class Receiver {
 public:
  static Result<Receiver> make(const std::string& netns) {
    Receiver r(netns);
    BV_TRY(const auto in, r.enter());
    r.socket_ = UniqueFd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    lab::Address any("0.0.0.0", kPort);
    if (!r.socket_ || bind(r.socket_.get(), any.get(), any.length)) return fail(errno, "listen");
    return r;
  }

  // A sends first to X: the flow that X answers is an established one.
  Result<> open_flow() const {
    BV_TRY(const auto in, enter());
    lab::Address to(kX.v4, kPort);
    if (sendto(socket_.get(), "", 1, 0, to.get(), to.length) < 0) return fail(errno, "send to X");
    return {};
  }

  // Counted by A's IP stack: UDP datagrams that had a socket, room or not.
  Result<std::uint64_t> received() const {
    BV_TRY(const auto in, enter());
    std::ifstream snmp("/proc/thread-self/net/snmp");
    std::uint64_t sum = 0;
    std::string names, values;
    while (std::getline(snmp, names) && std::getline(snmp, values))
      if (names.starts_with("Udp: ")) {
        std::istringstream n(names), v(values);
        std::string name, value;
        while (n >> name && v >> value)
          if (name == "InDatagrams" || name == "RcvbufErrors") sum += std::stoull(value);
      }
    return sum;
  }

 private:
  explicit Receiver(std::string netns) : netns_(std::move(netns)) {}
  Result<InNetns> enter() const {
    BV_TRY(const auto ns, Netns::open(netns_));
    return InNetns::enter(ns.fd());
  }

  std::string netns_;
  UniqueFd socket_;
};

struct Case {
  std::string what;
  unsigned rules, packets;
  bool new_flows;
};

// Packets a second that arrived: all that were sent, but for some that find the queue of a busy CPU
// full (net.core.netdev_max_backlog).
Result<double> play(const Peer& peer, const Case& c) {
  BV_TRY(const auto network, Network::make(peer, BV_MODE_L3S));
  BV_CHECK(network->engine().restore(AF_INET, input_rules(c.rules)));
  BV_TRY(auto sender, Sender::make(mac_of("host", "P")));
  BV_TRY(const auto receiver, Receiver::make(network->a().netns));
  BV_CHECK(receiver.open_flow());
  // For neighbours and caches, and until the socket is full: what waits there is not counted.
  BV_CHECK(sender.send(16 * kFramesAtOnce, [](unsigned) { return 0; }));
  BV_TRY(const auto before, receiver.received());
  const auto start = Clock::now();
  BV_CHECK(sender.send(c.packets, [&](unsigned i) { return c.new_flows ? i + 1 : 0; }));
  // The kernel's own thread may still be at the last ones.
  std::uint64_t arrived = 0;
  Clock::duration time{};
  for (const auto until = Clock::now() + silence(); arrived < c.packets && Clock::now() < until;) {
    BV_TRY(const auto now, receiver.received());
    if (now - before == arrived && arrived) continue;
    arrived = now - before;
    time = Clock::now() - start;
  }
  const std::uint64_t sent = c.packets;
  if (arrived > sent || arrived < sent / 100 * 99)
    return refuse(std::errc::io_error, fmt::format("{}, {}: {} of {} packets arrived", c.what,
                                                   peer.name, arrived, sent));
  return static_cast<double>(arrived) / Seconds(time).count();
}

Result<nlohmann::json> compare(const std::vector<Peer>& peers, const Case& c, unsigned rounds) {
  std::map<std::string, std::vector<double>> seen;
  for (unsigned round = 0; round < rounds; ++round)
    for (const auto& peer : peers) {
      BV_TRY(const auto rate, play(peer, c));
      seen[peer.name].push_back(rate);
    }
  const auto median = [&](const Peer& peer) {
    auto& rates = seen.at(peer.name);
    std::sort(rates.begin(), rates.end());
    return rates[rates.size() / 2];
  };
  auto rows = nlohmann::json::array();
  for (const auto& peer : peers)
    rows.push_back({{"what", c.what},
                    {"peer", peer.name},
                    {"packets_per_s", std::llround(median(peer))},
                    {"ours_over_peer", std::round(1000 * median(kOurs) / median(peer)) / 1000}});
  return rows;
}

Result<nlohmann::json> run(unsigned rounds) {
  std::vector<Peer> peers{kOurs};
  if (!engine_missing(EngineKind::Ipvlan)) peers.push_back(kIpvlan);
  peers.push_back(kVeth);
  auto results = nlohmann::json::array();
  const auto add = [&](const Case& c) -> Result<> {
    BV_TRY(const auto rows, compare(peers, c, rounds));
    results.insert(results.end(), rows.begin(), rows.end());
    return {};
  };
  for (const unsigned rules : {1U, 100U, 1000U})
    BV_CHECK(add({fmt::format("UDP of one connection, {} rules", rules), rules, kPackets, false}));
  BV_CHECK(add({"new UDP flows, 1 rule", 1, kNewFlows, true}));
  utsname kernel{};
  uname(&kernel);
  return nlohmann::json{{"kernel", kernel.release}, {"results", results}};
}

}  // namespace
}  // namespace bpfvlan::test

int main(int argc, char** argv) {
  using namespace bpfvlan;
  CLI::App app("Packets a second through stateful rules");
  unsigned rounds = 5;
  app.add_option("--rounds", rounds, "Turns of each peer")->check(CLI::Range(1, 100));
  CLI11_PARSE(app, argc, argv);
  if (const auto in = lab::enter_sandbox(); !in) {
    fmt::print(stderr, "{} (run as root)\n", in.error().what);
    return EXIT_FAILURE;
  }
  const auto results = test::run(rounds);
  if (!results) {
    fmt::print(stderr, "{}\n", results.error().what);
    return EXIT_FAILURE;
  }
  fmt::print("{}\n", results->dump(1));
  return EXIT_SUCCESS;
}
