// SPDX-License-Identifier: MIT
// bpfvlan demo: the main job on namespaces of its own. Nothing outside this process's private
// mount namespace learns of them, and they end with it.
#include <fmt/core.h>

#include "app.hpp"
#include "lab/command.hpp"
#include "lab/lab.hpp"
#include "lab/probe.hpp"
#include "rows.hpp"

namespace bpfvlan::cli {
namespace {

using namespace std::chrono_literals;

struct Host {
  const char* netns;
  const char* ipv4;
  const char* ipv6;
};
constexpr Host kOutside{"outside", "10.211.55.1", "fd00:55::1"};
constexpr Host kHost{"host", "10.211.55.25", "fd00:55::25"};
constexpr Host kRed{"red", "192.168.10.100", "fd00:10::100"};
constexpr Host kBlue{"blue", "172.16.1.200", "fd00:1::200"};

struct Question {
  Host from, to;
  bool expected;
};

std::vector<Question> questions(Mode mode, Policy policy) {
  const bool siblings = policy == BV_POLICY_BRIDGE;
  if (mode == BV_MODE_L2) return {{kRed, kBlue, siblings}, {kRed, kOutside, true}};
  return {
      {kRed, kBlue, siblings}, {kBlue, kRed, siblings}, {kRed, kOutside, true},
      {kBlue, kOutside, true}, {kOutside, kRed, true},  {kOutside, kBlue, true},
      {kRed, kHost, false},  // it hears the request; its answer leaves by the wire
  };
}

Result<> build(lab::Lab& lab) {
  for (const auto& host : {kOutside, kHost, kRed, kBlue}) BV_CHECK(lab.add_netns(host.netns));
  BV_CHECK(lab.cable(kHost.netns, "parent0", kOutside.netns, "wire0"));
  for (const auto& [host, ifname] : {std::pair{kHost, "parent0"}, std::pair{kOutside, "wire0"}}) {
    BV_CHECK(lab.address(host.netns, ifname, fmt::format("{}/24", host.ipv4)));
    BV_CHECK(lab.address(host.netns, ifname, fmt::format("{}/64", host.ipv6)));
  }
  for (const auto& endpoint : {kRed, kBlue})
    for (const auto& [to, via] :
         {std::pair{endpoint.ipv4, kHost.ipv4}, std::pair{endpoint.ipv6, kHost.ipv6}})
      BV_CHECK(lab.ip(kOutside.netns, fmt::format("route add {} via {}", to, via)));
  BV_CHECK(lab.wait_link_local(kHost.netns, "parent0"));
  return lab.wait_link_local(kOutside.netns, "wire0");
}

Result<> add_endpoints(Control& control) {
  for (const auto& host : {kRed, kBlue}) {
    EndpointRequest request;
    request.name = host.netns;
    request.netns = host.netns;
    request.ifname = "eth0";
    request.parent = "parent0";
    request.default_route = true;
    BV_TRY(const auto ipv4, IpPrefix::parse(fmt::format("{}/24", host.ipv4)));
    BV_TRY(const auto ipv6, IpPrefix::parse(fmt::format("{}/64", host.ipv6)));
    request.addresses = {ipv4, ipv6};
    BV_CHECK(control.add_endpoint(request));
  }
  return {};
}

Rows ask(const Question& q, const AttachRequest& parent, bool ipv6) {
  const std::string address = ipv6 ? q.to.ipv6 : q.to.ipv4;
  const auto seen = lab::reach({q.from.netns, q.to.netns, address}, q.expected ? 5000ms : 400ms);
  const auto word = [](bool yes) { return yes ? "yes" : "no"; };
  return {{"mode", to_string(*parent.mode)},
          {"policy", to_string(*parent.policy)},
          {"from", q.from.netns},
          {"to", q.to.netns},
          {"address", address},
          {"expected", word(q.expected)},
          {"tcp", word(seen.tcp)},
          {"udp", word(seen.udp)},
          {"icmp", word(seen.icmp)},
          {"ttl", seen.icmp ? Rows(seen.ttl) : Rows(nullptr)},
          {"agree", q.expected ? seen.all() && seen.ttl == 64 : seen.none()}};
}

void print_maps(const std::string& dir) {
  for (const auto* map : {"parents", "endpoints", "addr4", "addr6"}) {
    const auto path = fmt::format("{}/{}", dir, map);
    fmt::print("\n# bpftool map dump pinned {}\n{}", path,
               lab::run({"bpftool", "map", "dump", "pinned", path}).out);
  }
  fmt::print("\n# to look further: bpftool prog show pinned {}/bv_xmit, bpftool net, …\n", dir);
}

Result<> demo(const Output& output) {
  BV_CHECK(lab::enter_sandbox());
  lab::Lab lab;
  BV_CHECK(build(lab));
  Control::Options options;
  options.parent_netns = kHost.netns;
  BV_TRY(auto control, Control::open(options));
  AttachRequest parent;
  parent.parent = "parent0";
  BV_CHECK(control.attach(parent));
  BV_CHECK(add_endpoints(control));

  Rows rows = Rows::array();
  for (const auto mode : {BV_MODE_L3, BV_MODE_L2}) {
    for (const auto policy : {BV_POLICY_BRIDGE, BV_POLICY_PRIVATE, BV_POLICY_VEPA}) {
      parent.mode = mode;  // live: endpoints that follow the parent follow at once
      parent.policy = policy;
      BV_CHECK(control.attach(parent));
      for (const auto& q : questions(mode, policy))
        for (const bool ipv6 : {false, true}) rows.push_back(ask(q, parent, ipv6));
    }
  }
  if (!output.wants_json()) fmt::print("Who reached whom (TCP 1 MiB and back, UDP, ICMP echo)\n\n");
  output.table(rows, {{"MODE", "mode"},
                      {"POLICY", "policy"},
                      {"FROM", "from"},
                      {"TO", "to"},
                      {"ADDRESS", "address"},
                      {"EXPECTED", "expected"},
                      {"TCP", "tcp"},
                      {"UDP", "udp"},
                      {"ICMP", "icmp"},
                      {"TTL", "ttl", true},
                      {"AGREE", "agree"}});
  if (!output.wants_json()) {
    BV_TRY(const auto endpoints, control.endpoints());
    fmt::print("\n");
    output.table(to_rows(endpoints), endpoint_columns());
    print_maps(control.pin_path());
  }
  BV_CHECK(control.detach("parent0", true));

  const auto wrong =
      std::count_if(rows.begin(), rows.end(), [](const Rows& r) { return !r.at("agree"); });
  if (wrong)
    return refuse(std::errc::protocol_error,
                  fmt::format("demo: {} of {} answers are not as expected", wrong, rows.size()));
  if (!output.wants_json()) fmt::print("\nAll {} answers are as expected.\n", rows.size());
  return {};
}

}  // namespace

void add_demo(CLI::App& cli, App& app) {
  cli.add_subcommand("demo", "The main job, on namespaces of its own")->callback([&app] {
    app.action = [&app] { return demo(app.output); };
  });
}

}  // namespace bpfvlan::cli
