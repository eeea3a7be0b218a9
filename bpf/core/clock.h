/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BPFVLAN_CLOCK_H
#define BPFVLAN_CLOCK_H

#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#define NS_PER_SECOND 1000000000ULL

/* Seconds of the monotonic clock, as cheap as it gets and seldom asked for. */
static __always_inline __u32 now_seconds(void)
{
	return bpf_ktime_get_coarse_ns() / NS_PER_SECOND;
}

#endif
