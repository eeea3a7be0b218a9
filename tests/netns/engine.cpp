// SPDX-License-Identifier: MIT
#include "engine.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>
#include <utility>

#include "bpfvlan/control.hpp"
#include "lab/command.hpp"
#include "stage.hpp"

namespace bpfvlan::test {
namespace {

// A command's standard output.
Result<std::string> output_of(const std::vector<std::string>& argv, const std::string& input = {}) {
  const auto r = lab::run(argv, input);
  if (r.status)
    return refuse(std::errc::io_error, fmt::format("{}: {}", fmt::join(argv, " "), r.err));
  return r.out;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

class BpfvlanEngine : public Engine {
 public:
  BpfvlanEngine(std::string netns, std::string parent)
      : netns_(std::move(netns)), parent_(std::move(parent)) {}

  Result<> attach(Mode mode, Policy policy) override {
    return control([&](Control& c) {
      AttachRequest request;
      request.parent = parent_;
      request.mode = mode;
      request.policy = policy;
      request.xdp = xdp_under_test();
      return c.attach(request);
    });
  }

  Result<> add(const EndpointSpec& endpoint) override {
    return control([&](Control& c) -> Result<> {
      EndpointRequest request;
      request.name = endpoint.name;
      request.parent = parent_;
      if (endpoint.netns != netns_) request.netns = endpoint.netns;
      request.default_route = endpoint.default_route;
      for (const auto& text : endpoint.addresses) {
        BV_TRY(const auto address, IpPrefix::parse(text));
        request.addresses.push_back(address);
      }
      if (endpoint.learn) request.learn_age = kDefaultLearnAge;
      request.device = endpoint.device;
      return c.add_endpoint(request);
    });
  }

  Result<> remove(const std::string& name) override {
    return control([&](Control& c) { return c.delete_endpoint(name); });
  }

  Result<> add_address(const std::string& name, const std::string& cidr) override {
    return control([&](Control& c) -> Result<> {
      BV_TRY(const auto address, IpPrefix::parse(cidr));
      return c.add_address(name, address);
    });
  }

  Result<> delete_address(const std::string& name, const std::string& cidr) override {
    return control([&](Control& c) -> Result<> {
      BV_TRY(const auto address, IpPrefix::parse(cidr));
      return c.delete_address(name, address);
    });
  }

  Result<> restore(int family, const std::string& table) override {
    return control([&](Control& c) -> Result<> {
      BV_TRY(const auto restored,
             parse_saved_rules(table, family == AF_INET ? RuleFamily::IPv4 : RuleFamily::IPv6));
      return c.restore_rules(parent_, restored, false);
    });
  }

  Result<RuleChains> rules(int) override {
    RuleChains chains;
    BV_CHECK(control([&](Control& c) -> Result<> {
      BV_TRY(chains, c.rules(parent_));
      return {};
    }));
    return chains;
  }

  Result<std::vector<std::string>> connections(int family) override {
    BV_TRY(const auto all,
           output_of({BPFVLAN_CLI, "-n", netns_, "conntrack", "list", "-o", "extended"}));
    auto lines = lines_of(all);
    std::erase_if(lines, [&](const std::string& line) {
      return !line.starts_with(family == AF_INET ? "ipv4" : "ipv6");
    });
    return lines;
  }

  Result<> flush_connections() override {
    return control([&](Control& c) -> Result<> {
      BV_TRY(const auto table, c.conntrack());
      BV_CHECK(table.flush());
      return {};
    });
  }

 private:
  Result<> control(const std::function<Result<>(Control&)>& operation) {
    BV_TRY(auto control, Control::open({.parent_netns = netns_, .lock_timeout = patience()}));
    return operation(control);
  }

  std::string netns_, parent_;
};

class IpvlanEngine : public Engine {
 public:
  IpvlanEngine(const lab::Lab& lab, std::string netns, std::string parent)
      : lab_(lab), netns_(std::move(netns)), parent_(std::move(parent)) {}

  // Mode and policy belong to the parent, but are said of its endpoints: the last one's hold.
  Result<> attach(Mode mode, Policy policy) override {
    mode_ = mode;
    settings_ =
        fmt::format("type ipvlan mode {} {}", bpfvlan::to_string(mode), bpfvlan::to_string(policy));
    for (const auto& [name, netns] : endpoints_)
      BV_CHECK(lab_.ip(netns, fmt::format("link set dev {} {}", name, settings_)));
    return {};
  }

  Result<> add(const EndpointSpec& endpoint) override {
    const auto& [name, netns, addresses, default_route, learn, device] = endpoint;
    BV_CHECK(lab_.ip(netns_, fmt::format("link add link {} name {} netns {} {}", parent_, name,
                                         netns, settings_)));
    endpoints_[name] = netns;
    std::vector<std::string> commands{fmt::format("link set dev {} up", name)}, local;
    if (mode_ == BV_MODE_L2) {
      local.emplace_back("fe80:");
    } else {  // ours has no address of its own making either (docs/semantics.md)
      commands.insert(commands.begin(), fmt::format("link set dev {} addrgenmode none", name));
    }
    for (const auto& cidr : addresses) {
      const bool v6 = cidr.find(':') != std::string::npos;
      commands.push_back(fmt::format("address add {} dev {}{}", cidr, name, v6 ? " nodad" : ""));
      if (v6) local.push_back(cidr.substr(0, cidr.find('/')));
    }
    if (default_route)
      for (const auto* destination : {"0.0.0.0/0", "::/0"})
        commands.push_back(fmt::format("route add {} dev {}", destination, name));
    BV_CHECK(ip_batch(netns, commands));
    return wait_local(netns, local);
  }

  Result<> remove(const std::string& name) override {
    BV_CHECK(lab_.ip(endpoints_.at(name), fmt::format("link delete dev {}", name)));
    endpoints_.erase(name);
    return {};
  }

  Result<> add_address(const std::string& name, const std::string& cidr) override {
    return lab_.address(endpoints_.at(name), name, cidr);
  }

  Result<> delete_address(const std::string& name, const std::string& cidr) override {
    return lab_.ip(endpoints_.at(name), fmt::format("address delete {} dev {}", cidr, name));
  }

  Result<> restore(int family, const std::string& table) override {
    lab::run({"modprobe", "-q", "nf_conntrack"});  // fails where it is built in
    BV_CHECK(lab_.sysctl(netns_, "net.netfilter.nf_conntrack_acct", "1"));  // as ours
    BV_CHECK(output_of(in_netns({iptables(family, "restore")}), table));
    return {};
  }

  Result<RuleChains> rules(int family) override {
    BV_TRY(const auto text, output_of(in_netns({iptables(family, "save"), "-c", "-t", "filter"})));
    BV_TRY(const auto saved, parse_saved_rules(text));
    return saved.chains;
  }

  Result<std::vector<std::string>> connections(int family) override {
    BV_TRY(const auto text,
           output_of(in_netns({"conntrack", "-L", "-o", "extended", "-f", family_name(family)})));
    return lines_of(text);
  }

  Result<> flush_connections() override {
    BV_CHECK(output_of(in_netns({"conntrack", "-F"})));
    return {};
  }

 private:
  static std::string iptables(int family, const char* verb) {
    return fmt::format("{}-{}", family == AF_INET ? "iptables" : "ip6tables", verb);
  }
  std::vector<std::string> in_netns(const std::vector<std::string>& argv) const {
    std::vector<std::string> all{"ip", "netns", "exec", netns_};
    all.insert(all.end(), argv.begin(), argv.end());
    return all;
  }

  const lab::Lab& lab_;
  std::string netns_, parent_, settings_ = "type ipvlan";
  Mode mode_ = BV_MODE_L3;
  std::map<std::string, std::string> endpoints_;  // name to namespace
};

std::optional<std::string> probe_ipvlan() {
  lab::Lab lab;
  Result<> made = lab.add_netns("bvprobe");
  if (made) made = lab.ip("bvprobe", "link add p type veth peer name q");
  if (made) made = lab.ip("bvprobe", "link add link p name v type ipvlan");
  if (made) return {};
  return fmt::format("this kernel has no ipvlan driver: {}", made.error().what);
}

}  // namespace

std::string_view to_string(EngineKind kind) {
  return kind == EngineKind::Bpfvlan ? "bpfvlan" : "ipvlan";
}

bv_device device_under_test() {
  const char* device = std::getenv("BPFVLAN_TEST_DEVICE");
  return device && device == bpfvlan::to_string(BV_DEVICE_NETKIT) ? BV_DEVICE_NETKIT
                                                                  : BV_DEVICE_VETH;
}

std::optional<XdpMode> xdp_under_test() {
  const char* xdp = std::getenv("BPFVLAN_TEST_XDP");
  for (const auto mode : {BV_XDP_NATIVE, BV_XDP_GENERIC})
    if (xdp && xdp == bpfvlan::to_string(mode)) return mode;
  return {};
}

std::unique_ptr<Engine> make_engine(EngineKind kind, const lab::Lab& lab, std::string parent_netns,
                                    std::string parent) {
  if (kind == EngineKind::Bpfvlan)
    return std::make_unique<BpfvlanEngine>(std::move(parent_netns), std::move(parent));
  return std::make_unique<IpvlanEngine>(lab, std::move(parent_netns), std::move(parent));
}

Result<> ip_batch(const std::string& netns, const std::vector<std::string>& commands) {
  const auto r =
      lab::run({"ip", "-n", netns, "-batch", "-"}, fmt::format("{}\n", fmt::join(commands, "\n")));
  if (r.status) return refuse(std::errc::io_error, fmt::format("ip -n {}: {}", netns, r.err));
  return {};
}

Result<> wait_local(const std::string& netns, const std::vector<std::string>& addresses) {
  const bool all = eventually([&] {
    const auto routes = lab::run({"ip", "-n", netns, "-6", "route", "show", "table", "local"}).out;
    return std::all_of(addresses.begin(), addresses.end(), [&](const std::string& address) {
      return routes.find("local " + address) != std::string::npos;
    });
  });
  if (all) return {};
  return refuse(std::errc::timed_out,
                fmt::format("{} in {}: not local", fmt::join(addresses, ", "), netns));
}

std::optional<std::string> engine_missing(EngineKind kind) {
  if (kind == EngineKind::Bpfvlan) return {};
  static const auto missing = probe_ipvlan();
  return missing;
}

}  // namespace bpfvlan::test
