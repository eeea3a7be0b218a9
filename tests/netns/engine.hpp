// SPDX-License-Identifier: MIT
// A parent with endpoints, made either by the kernel's ipvlan driver or by us: what a scenario or
// a comparison needs of both.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bpfvlan/control.hpp"
#include "bpfvlan/result.hpp"
#include "bpfvlan/rules.hpp"
#include "bpfvlan/types.hpp"
#include "lab/lab.hpp"

namespace bpfvlan::test {

enum class EngineKind { Bpfvlan, Ipvlan };
std::string_view to_string(EngineKind kind);  // as part of a test's name

// Of our endpoints: veth, or what BPFVLAN_TEST_DEVICE says.
bv_device device_under_test();

// In front of our parents, if BPFVLAN_TEST_XDP says.
std::optional<XdpMode> xdp_under_test();

struct EndpointSpec {
  std::string name;                    // its interface has this name too
  std::string netns;                   // where it lives; may be the parent's namespace
  std::vector<std::string> addresses;  // with their prefix lengths, of either family
  bool default_route = false;          // of both families, by the interface, no gateway
  bool learn = false;  // addresses that the namespace gives itself; the driver always does
  bv_device device = device_under_test();  // what ours are made of
};

// One parent. Interfaces vanish with their namespaces: an engine deletes nothing by itself.
class Engine {
 public:
  virtual ~Engine() = default;

  // The settings that endpoints have from here on; of an attached parent they change at once.
  virtual Result<> attach(Mode mode, Policy policy) = 0;
  virtual Result<> add(const EndpointSpec& endpoint) = 0;
  virtual Result<> remove(const std::string& name) = 0;
  virtual Result<> add_address(const std::string& name, const std::string& cidr) = 0;
  virtual Result<> delete_address(const std::string& name, const std::string& cidr) = 0;

  // What mode l3s filters by, of one family: scenarios play one at a time.
  virtual Result<> restore(int family, const std::string& table) = 0;  // iptables-save's format
  virtual Result<RuleChains> rules(int family) = 0;                    // with their counts
  // The table's lines: conntrack -L -o extended.
  virtual Result<std::vector<std::string>> connections(int family) = 0;
  virtual Result<> flush_connections() = 0;
};

// For an interface that is up already. The lab outlives the engine.
std::unique_ptr<Engine> make_engine(EngineKind kind, const lab::Lab& lab, std::string parent_netns,
                                    std::string parent);

// Commands of ip's in a namespace, by one process: on an emulated machine each takes a tenth of a
// second.
Result<> ip_batch(const std::string& netns, const std::vector<std::string>& commands);
// The kernel makes IPv6 addresses local a moment after they are added. Prefixes of them will do.
Result<> wait_local(const std::string& netns, const std::vector<std::string>& addresses);

// Why this kernel cannot run an engine, as a sentence; nothing if it can.
std::optional<std::string> engine_missing(EngineKind kind);

}  // namespace bpfvlan::test
