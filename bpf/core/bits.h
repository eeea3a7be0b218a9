/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BPFVLAN_BITS_H
#define BPFVLAN_BITS_H

#include <linux/types.h>

#include <bpf/bpf_helpers.h>

/*
 * BPF has no instruction for it, clang 14 never ends compiling __builtin_ctzll(), and branches
 * would be too many for the verifier: the ones of the mask below the bit are counted.
 */
static __always_inline __u32 lowest_bit(__u64 bits)
{
	__u64 below = (bits & -bits) - 1;

	below -= below >> 1 & 0x5555555555555555ull;
	asm volatile("" : "+r"(below));
	below = (below & 0x3333333333333333ull) + (below >> 2 & 0x3333333333333333ull);
	below = (below + (below >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return below * 0x0101010101010101ull >> 56;
}

#endif
