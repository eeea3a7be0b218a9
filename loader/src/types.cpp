// SPDX-License-Identifier: MIT
#include "bpfvlan/types.hpp"

#include <fmt/core.h>

namespace bpfvlan {

std::string_view to_string(Mode mode) {
  switch (mode) {
    case BV_MODE_L2:
      return "l2";
    case BV_MODE_L3:
      return "l3";
    case BV_MODE_L3S:
      return "l3s";
  }
  return "?";
}

std::string_view to_string(Policy policy) {
  switch (policy) {
    case BV_POLICY_BRIDGE:
      return "bridge";
    case BV_POLICY_VEPA:
      return "vepa";
    case BV_POLICY_PRIVATE:
      return "private";
  }
  return "?";
}

std::string_view to_string(XdpMode mode) {
  switch (mode) {
    case BV_XDP_OFF:
      return "off";
    case BV_XDP_GENERIC:
      return "generic";
    case BV_XDP_NATIVE:
      return "native";
  }
  return "?";
}

std::string_view to_string(bv_device device) {
  switch (device) {
    case BV_DEVICE_VETH:
      return "veth";
    case BV_DEVICE_NETKIT:
      return "netkit";
  }
  return "?";
}

std::string_view to_string(bv_action action) {
  switch (action) {
    case BV_PASS:
      return "pass";
    case BV_DROP:
      return "drop";
    case BV_DELIVER:
      return "deliver";
    case BV_WIRE:
      return "wire";
    case BV_HOST:
      return "host";
    case BV_FORWARD:
      return "forward";
    case BV_RECEIVE:
      return "receive";
    case BV_ANSWER:
      return "answer";
    case BV_NOTE:
      return "note";
  }
  return "?";
}

Result<Mode> parse_mode(std::string_view text) {
  for (auto mode : {BV_MODE_L2, BV_MODE_L3, BV_MODE_L3S})
    if (text == to_string(mode)) return mode;
  return refuse(std::errc::invalid_argument,
                fmt::format("mode '{}' is not one of: l2, l3, l3s", text));
}

Result<Policy> parse_policy(std::string_view text) {
  for (auto policy : {BV_POLICY_BRIDGE, BV_POLICY_PRIVATE, BV_POLICY_VEPA})
    if (text == to_string(policy)) return policy;
  return refuse(std::errc::invalid_argument,
                fmt::format("policy '{}' is not one of: bridge, private, vepa", text));
}

std::string_view reason_id(bv_reason reason) {
  static constexpr std::string_view kIds[] = {
#define X(id, action, text) #id,
      BV_REASONS(X)
#undef X
  };
  return reason < BV_REASON_MAX ? kIds[reason] : "?";
}

std::string_view reason_text(bv_reason reason) {
  static constexpr std::string_view kTexts[] = {
#define X(id, action, text) text,
      BV_REASONS(X)
#undef X
  };
  return reason < BV_REASON_MAX ? kTexts[reason] : "?";
}

bv_action reason_action(bv_reason reason) {
  static constexpr bv_action kActions[] = {
#define X(id, action, text) action,
      BV_REASONS(X)
#undef X
  };
  return reason < BV_REASON_MAX ? kActions[reason] : BV_DROP;
}

}  // namespace bpfvlan
