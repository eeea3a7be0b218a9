/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BPFVLAN_POLICY_H
#define BPFVLAN_POLICY_H

#include <bpfvlan/schema.h>

/* Between two endpoints the stricter policy holds. */
static __always_inline enum bv_policy policy_between(enum bv_policy a, enum bv_policy b)
{
	return a > b ? a : b;
}

#endif
