// SPDX-License-Identifier: MIT
#include "foreign_xdp.hpp"

#include <bpf/bpf.h>
#include <net/if.h>

#include <nlohmann/json.hpp>

#include "bpfvlan/netns.hpp"
#include "lab/command.hpp"

namespace bpfvlan::test {

ForeignXdp::ForeignXdp(const std::string& netns, const std::string& device, std::uint32_t flags)
    : object_(bpf_object__open_file(BV_COUNTING_XDP, nullptr)) {
  const auto ns = Netns::open(netns);
  if (!object_ || !ns || bpf_object__load(object_.get())) return;
  const auto in = InNetns::enter(ns->fd());
  const auto* program = bpf_object__find_program_by_name(object_.get(), "somebodys");
  const auto ifindex = static_cast<int>(if_nametoindex(device.c_str()));
  attached_ =
      in && program && bpf_xdp_attach(ifindex, bpf_program__fd(program), flags, nullptr) == 0;
}

std::uint64_t ForeignXdp::seen() const {
  const std::uint32_t zero = 0;
  std::uint64_t count = 0;
  bpf_map_lookup_elem(bpf_object__find_map_fd_by_name(object_.get(), "seen"), &zero, &count);
  return count;
}

XdpShown xdp_shown(const std::string& netns, const std::string& device) {
  // IFLA_XDP's modes: XDP_ATTACHED_DRV, XDP_ATTACHED_SKB
  static constexpr const char* kModes[] = {"", "native", "generic"};
  const auto shown = lab::run({"ip", "-n", netns, "-j", "link", "show", device}).out;
  const auto links = nlohmann::json::parse(shown, nullptr, false);
  if (!links.is_array() || links.empty() || !links[0].contains("xdp")) return {};
  const auto& xdp = links[0]["xdp"];
  const auto mode = xdp["mode"].get<std::size_t>();
  return {mode < std::size(kModes) ? kModes[mode] : "?", xdp["prog"]["id"].get<std::uint32_t>()};
}

}  // namespace bpfvlan::test
