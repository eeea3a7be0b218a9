// SPDX-License-Identifier: MIT
#include "flows/flow.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

#include <cstring>
#include <future>

#include "lab/probe.hpp"

namespace bpfvlan::test {
namespace {

constexpr std::size_t kTcpBytes = 40'000, kUdpBytes = 512;

std::string to_string(Probe probe) {
  switch (probe) {
    case Probe::Tcp:
      return "tcp";
    case Probe::Udp:
      return "udp";
    case Probe::Icmp:
      return "icmp";
    case Probe::UdpError:
      return "udp to nobody";
  }
  return {};
}

std::string yes_or_no(bool ok) {
  return ok ? "yes" : "no";
}

}  // namespace

std::string to_string(const Flow& flow) {
  auto text =
      fmt::format("{} -> {} {}", to_string(flow.from),
                  flow.address.empty() ? to_string(flow.to) : flow.address, to_string(flow.probe));
  if (flow.bytes) text += fmt::format(" of {} bytes", flow.bytes);
  if (flow.ttl) text += fmt::format(" with ttl {}", flow.ttl);
  return text + (flow.family == AF_INET ? " ipv4" : " ipv6");
}

std::string Watched::address_in(const Flow& flow, std::uint16_t number) {
  if (flow.address.empty()) return address_of(flow.to).of(flow.family);
  if (!flow.address.ends_with('*')) return flow.address;
  const auto start = flow.address.substr(0, flow.address.size() - 1);
  return flow.family == AF_INET ? fmt::format("{}{}.{}", start, number >> 8, number & 255)
                                : fmt::format("{}{:x}", start, number);
}

// What somebody does who means H's address: it is not the one that the kernel would choose.
lab::Path Watched::path_of(const Flow& flow) {
  const auto number = next_number_++;
  lab::Path path{topology_.netns(flow.from), topology_.netns(flow.to), address_in(flow, number)};
  path.number = number;
  if (flow.from == Place::H || flow.from == Place::P)
    path.source = address_of(flow.from).of(flow.family);
  if (flow.from == Place::H) path.device = interface_of(Place::H);
  path.ttl = flow.ttl;
  return path;
}

std::string Watched::outcome(const Flow& flow, const lab::Path& path, Milliseconds silence) {
  int ttl = 0;
  switch (flow.probe) {
    case Probe::Tcp:
      return yes_or_no(lab::tcp_echo(path, kTcpBytes, silence));
    case Probe::Udp:
      return yes_or_no(lab::udp_echo(path, flow.bytes ? flow.bytes : kUdpBytes, silence));
    case Probe::Icmp:
      if (!lab::icmp_echo(path, silence, &ttl)) return "no";
      return fmt::format("yes, reply's ttl {}", ttl);
    case Probe::UdpError:
      if (const int error = lab::udp_error(path, flow.bytes ? flow.bytes : kUdpBytes, silence))
        return strerrorname_np(error);
      return "no";
  }
  return {};
}

std::vector<std::string> Watched::attempt(std::span<const Flow> flows, Milliseconds silence) {
  std::vector<lab::Path> paths;
  std::vector<std::future<std::string>> outcomes;
  for (const auto& flow : flows) paths.push_back(path_of(flow));
  for (std::size_t i = 0; i < flows.size(); ++i)
    outcomes.push_back(std::async(std::launch::async, outcome, flows[i], paths[i], silence));
  std::vector<std::string> texts;
  for (auto& o : outcomes) texts.push_back(o.get());
  taps_.collect();
  // TCP's segments and their acknowledgements come as they like.
  for (std::size_t i = 0; i < flows.size(); ++i)
    texts[i] +=
        as_seen(taps_.path(paths[i].number, flows[i].probe != Probe::Tcp), topology_.mode());
  return texts;
}

}  // namespace bpfvlan::test
