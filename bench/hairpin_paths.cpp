// SPDX-License-Identifier: MIT
#include "hairpin_paths.hpp"

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <memory>
#include <vector>

#include "bpfvlan/test/frame.hpp"
#include "hairpin.hpp"
#include "measure.hpp"

namespace bpfvlan::test {
namespace {

constexpr const char* kPortMac = "02:00:00:00:00:aa";
constexpr const char* kStation = "02:00:00:00:00:51";

// What is sent back by its address is another frame afterwards: it cannot be run again and again.
struct HairpinPath {
  const char* name;
  HairpinHook hook;
  Bytes frame;
  std::int32_t returned;
};

Bytes tcp_to(const char* mac) {
  return frame(Ethernet{.dst = mac, .src = kStation}, IPv4{.dst = "192.168.11.7"}, Tcp{},
               payload(64));
}

std::vector<HairpinPath> paths() {
  const auto station = tcp_to(kStation), host = tcp_to(kPortMac);
  return {
      {"hairpin_xdp_station", HairpinHook::kXdp, station, XDP_TX},
      {"hairpin_xdp_host", HairpinHook::kXdp, host, XDP_PASS},
      {"hairpin_tc_station", HairpinHook::kTc, station, TC_ACT_REDIRECT},
      {"hairpin_tc_host", HairpinHook::kTc, host, TC_ACT_UNSPEC},
  };
}

void measure_hairpin(benchmark::State& state, const HairpinPath& path, Hairpin& port,
                     std::uint32_t device) {
  for (auto _ : state) {
    port.set_count(BV_HAIRPIN_STATION, 0);  // the last run is none that is looked at for a loop
    const Outcome outcome = port.run(path.hook, path.frame, device, kRuns);
    if (outcome.returned != path.returned) {
      state.SkipWithError("took another path");
      break;
    }
    state.SetIterationTime(outcome.nanoseconds * 1e-9);
  }
  const Size size = port.size(path.hook);
  state.counters["insns"] = size.instructions;
  state.counters["verified_insns"] = size.verified;
}

}  // namespace

void add_hairpin_paths(const Devices& devices) {
  const auto port = std::make_shared<Hairpin>(hairpin_object(BV_SHIPPED_OBJECT), kPortMac);
  port->put_address("192.168.10.0/24");
  for (const auto& path : paths())
    add(path.name, [path, port, device = devices.parent()](auto& state) {
      measure_hairpin(state, path, *port, device);
    });
}

}  // namespace bpfvlan::test
