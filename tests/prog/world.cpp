// SPDX-License-Identifier: MIT
#include "world.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <ctime>

#include "devices.hpp"
#include "filter.hpp"
#include "programs.hpp"

namespace bpfvlan::test {
namespace {

struct Settings {
  std::uint32_t parent, host_side, id;
  bv_mode mode;
  bv_policy policy;
  bool in_parent_netns = false;
  std::uint32_t learn_age = 0;
  bool filter = false;
  std::uint32_t parent_index = 0;
  std::optional<std::uint32_t> xdp_mtu{};
};

bv_addr add_endpoint(Programs& programs, const Settings& s) {
  bv_endpoint endpoint{};
  endpoint.id = s.id;
  endpoint.parent = s.parent;
  endpoint.mode = s.mode;
  endpoint.policy = s.policy;
  endpoint.learn_age = s.learn_age;
  endpoint.device = BV_DEVICE_VETH;
  endpoint.in_parent_netns = s.in_parent_netns;
  endpoint.filter = s.filter;
  endpoint.parent_index = static_cast<std::uint8_t>(s.parent_index);
  endpoint.takes_xdp = s.xdp_mtu.has_value();
  endpoint.mtu = s.xdp_mtu.value_or(0);
  programs.put(s.host_side, endpoint);
  bv_addr address{};
  address.to.host_side = s.host_side;
  address.to.id = s.id;
  address.to.parent = s.parent;
  address.to.mode = s.mode;
  address.to.policy = s.policy;
  address.to.in_parent_netns = s.in_parent_netns;
  address.to.filter = s.filter;
  address.to.parent_index = endpoint.parent_index;
  address.to.takes_xdp = endpoint.takes_xdp;
  return address;
}

// As the control plane does: the l2 endpoints of a parent are everybody.
void add_parent(Programs& programs, std::uint32_t ifindex, std::uint32_t index, bv_mode mode,
                const std::vector<Settings>& endpoints) {
  const std::uint32_t bucket = BV_GROUP_BUCKETS + index;
  bv_parent parent{};
  parent.mode = mode;
  parent.index = index;
  std::uint64_t hints = 0;
  for (const Settings& s : endpoints) {
    if (s.mode != BV_MODE_L2) continue;
    hints |= std::uint64_t{1} << s.id;  // all in the first chunk
    ++parent.l2_endpoints;
  }
  const MacAddr mac(kMac);
  std::copy(mac.octets.begin(), mac.octets.end(), parent.mac);
  programs.put(ifindex, parent);
  bv_group_chunks chunks{};
  chunks.words[0] = hints ? 1 : 0;
  programs.put("group_chunks", bucket, chunks);
  programs.put("group_hints", bucket * programs.chunks(), hints);
}

bool is_filtered(const World& world, bv_mode mode) {
  return world.filter.value_or(mode == BV_MODE_L3S);
}

void forget(Programs& programs) {
  programs.clear_addresses();
  for (const char* map : {"members", "learned", "host_addrs", "dhcp"}) programs.clear(map);
  for (std::uint32_t id = 0; id < kIds; ++id) programs.put("ep_state", id, bv_ep_state{});
}

void install_xdp(const World& world, const Devices& devices, Programs& programs) {
  programs.need_xdp();
  programs.clear("xdp_devices");
  if (world.xdp_device) programs.put("xdp_devices", devices.receiver(), devices.receiver());
}

void use_up_shares(Programs& programs, const bv_addr& sender) {
  bv_ep_state state{};
  state.groups = BV_ENDPOINT_GROUPS;
  programs.put("ep_state", kSenderId, state);
  for (std::uint8_t slot = 0; slot < BV_ENDPOINT_LEARNED; ++slot) {
    const Ip4Addr address({172, 31, 0, slot});
    bv_learned learned{};
    learned.family = AF_INET;
    std::copy(address.octets.begin(), address.octets.end(), learned.addr);
    bv_addr owned = sender;
    owned.age = kLearnAge;
    owned.seen = seconds_now();
    programs.put("learned", bv_learned_key{.id = kSenderId, .slot = slot}, learned);
    programs.put(sender.to.parent, address, owned);
  }
}

}  // namespace

std::uint32_t seconds_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint32_t>(now.tv_sec);
}

std::uint32_t id_of(Who who) {
  switch (who) {
    case Who::kSender:
      return kSenderId;
    case Who::kReceiver:
      return kReceiverId;
    case Who::kThird:
      return kThirdId;
  }
  return 0;
}

std::uint32_t device_of(Who who, const Devices& devices) {
  switch (who) {
    case Who::kSender:
      return devices.sender();
    case Who::kReceiver:
      return devices.receiver();
    case Who::kThird:
      return devices.third();
  }
  return 0;
}

void send_as(std::uint32_t id, const Bytes& frame, const Devices& devices, Programs& programs) {
  const auto own = *programs.find<bv_endpoint>("endpoints", devices.sender());
  const auto other = *programs.find<bv_port>("ports", id);
  auto as = own;
  as.id = id;
  programs.put(devices.sender(), as);
  programs.run(Hook::kXmit, frame, {.device = devices.sender()});
  programs.put(devices.sender(), own);
  programs.put("ports", id, other);
}

void install(const World& world, const Devices& devices, Programs& programs) {
  const std::uint32_t parent = devices.parent(), other = devices.other();
  const bv_mode receiver_mode = world.receiver_mode.value_or(world.mode);
  const Settings sender{.parent = parent,
                        .host_side = devices.sender(),
                        .id = kSenderId,
                        .mode = world.mode,
                        .policy = world.sender,
                        .learn_age = world.learns ? kLearnAge : 0,
                        .filter = is_filtered(world, world.mode),
                        .parent_index = kParentIndex};
  const Settings receiver{.parent = parent,
                          .host_side = devices.receiver(),
                          .id = kReceiverId,
                          .mode = receiver_mode,
                          .policy = world.receiver,
                          .in_parent_netns = world.receiver_in_parent_netns,
                          .filter = is_filtered(world, receiver_mode),
                          .parent_index = kParentIndex,
                          .xdp_mtu = world.xdp_mtu};
  const Settings third{.parent = parent,
                       .host_side = world.third_has_device ? devices.third() : kNoDevice,
                       .id = kThirdId,
                       .mode = world.mode,
                       .policy = BV_POLICY_BRIDGE,
                       .filter = is_filtered(world, world.mode),
                       .parent_index = kParentIndex};
  const Settings foreign{.parent = other,
                         .host_side = kNoDevice,  // it never sends
                         .id = kForeignId,
                         .mode = world.mode,
                         .policy = BV_POLICY_BRIDGE,
                         .filter = is_filtered(world, world.mode),
                         .parent_index = kOtherIndex};
  forget(programs);
  if (world.xdp) install_xdp(world, devices, programs);
  if (sender.filter || receiver.filter) install_filter(world, programs);
  add_parent(programs, parent, kParentIndex, world.mode, {sender, receiver, third});
  add_parent(programs, other, kOtherIndex, world.mode, {foreign});

  const bv_addr to_sender = add_endpoint(programs, sender);
  const bv_addr to_receiver = add_endpoint(programs, receiver);
  const bv_addr to_third = add_endpoint(programs, third);
  const bv_addr to_foreign = add_endpoint(programs, foreign);
  programs.put(parent, Ip4Addr(kSender4), to_sender);
  programs.put(parent, Ip6Addr(kSender6), to_sender);
  for (const auto* address : {kReceiver4, kReceiverLinkLocal4})
    programs.put(parent, Ip4Addr(address), to_receiver);
  for (const auto* address : {kReceiver6, kReceiverLinkLocal6})
    programs.put(parent, Ip6Addr(address), to_receiver);
  programs.put(parent, Ip4Addr(kThird4), to_third);
  programs.put(parent, Ip6Addr(kThird6), to_third);
  programs.put(other, Ip4Addr(kForeign4), to_foreign);
  programs.put(other, Ip6Addr(kForeign6), to_foreign);

  for (const auto& [from, frame] : world.sent_before)
    programs.run(Hook::kXmit, frame, {.device = device_of(from, devices)});
  if (world.shares_used_up) use_up_shares(programs, to_sender);
}

}  // namespace bpfvlan::test
