// SPDX-License-Identifier: MIT
// nf_conntrack's time-outs and switches, in seconds here and in ticks in the map.
#pragma once

#include "bpfvlan/conntrack.hpp"

namespace bpfvlan {

// Of this kernel: CONFIG_HZ >> BV_CT_TICK_SHIFT, times 1000.
std::uint32_t ticks_per_1000_seconds();

bv_ct_settings default_ct_settings(std::uint32_t ticks_per_1000_seconds);

std::vector<ConntrackSetting> list_settings(const bv_ct_settings& settings);
// All of them, or an error and none.
Result<bv_ct_settings> change_settings(bv_ct_settings settings,
                                       const std::vector<ConntrackChange>& changes);

}  // namespace bpfvlan
