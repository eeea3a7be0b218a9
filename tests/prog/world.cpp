// SPDX-License-Identifier: MIT
#include "world.hpp"

#include "devices.hpp"
#include "programs.hpp"

namespace bpfvlan::test {
namespace {

struct Settings {
  std::uint32_t parent, host_side, id;
  bv_policy policy;
  bool in_parent_netns = false;
};

bv_addr add_endpoint(Programs& programs, bv_mode mode, const Settings& s) {
  bv_endpoint endpoint{};
  endpoint.id = s.id;
  endpoint.parent = s.parent;
  endpoint.mode = mode;
  endpoint.policy = s.policy;
  endpoint.device = BV_DEVICE_VETH;
  endpoint.in_parent_netns = s.in_parent_netns;
  programs.put(s.host_side, endpoint);
  bv_addr address{};
  address.to.host_side = s.host_side;
  address.to.id = s.id;
  address.to.parent = s.parent;
  address.to.mode = mode;
  address.to.policy = s.policy;
  address.to.in_parent_netns = s.in_parent_netns;
  return address;
}

}  // namespace

void install(const World& world, const Devices& devices, Programs& programs) {
  constexpr std::uint32_t kNoDevice = 1'000'000;  // the foreign endpoint never sends
  const std::uint32_t parent = devices.parent(), other = devices.other();

  for (const std::uint32_t p : {parent, other}) {
    bv_parent settings{};
    settings.mode = world.mode;
    programs.put(p, settings);
  }
  const bv_addr sender =
      add_endpoint(programs, world.mode, {parent, devices.sender(), kSenderId, world.sender});
  const bv_addr receiver = add_endpoint(
      programs, world.mode,
      {parent, devices.receiver(), kReceiverId, world.receiver, world.receiver_in_parent_netns});
  const bv_addr foreign =
      add_endpoint(programs, world.mode, {other, kNoDevice, kForeignId, BV_POLICY_BRIDGE});

  programs.put(parent, Ip4Addr(kSender4), sender);
  programs.put(parent, Ip6Addr(kSender6), sender);
  for (const auto* address : {kReceiver4, kReceiverLinkLocal4})
    programs.put(parent, Ip4Addr(address), receiver);
  for (const auto* address : {kReceiver6, kReceiverLinkLocal6})
    programs.put(parent, Ip6Addr(address), receiver);
  programs.put(other, Ip4Addr(kForeign4), foreign);
  programs.put(other, Ip6Addr(kForeign6), foreign);
}

}  // namespace bpfvlan::test
