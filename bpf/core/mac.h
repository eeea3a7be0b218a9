/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BPFVLAN_MAC_H
#define BPFVLAN_MAC_H

#include <stdbool.h>

#include <linux/types.h>

#include <bpf/bpf_helpers.h>

/* Both lie on 2 bytes, as in frames and in maps. The last word differs most often. */
static __always_inline bool mac_equal(const __u8 *a, const __u8 *b)
{
	const __u16 *x = __builtin_assume_aligned(a, 2), *y = __builtin_assume_aligned(b, 2);

	return x[2] == y[2] && x[1] == y[1] && x[0] == y[0];
}

#endif
