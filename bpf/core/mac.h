/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BPFVLAN_MAC_H
#define BPFVLAN_MAC_H

#include <stdbool.h>

#include <linux/types.h>

#include <bpf/bpf_helpers.h>

static __always_inline bool mac_equal(const __u8 *a, const __u8 *b)
{
	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) | (a[4] ^ b[4]) |
		 (a[5] ^ b[5]));
}

#endif
