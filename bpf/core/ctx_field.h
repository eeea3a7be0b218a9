/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BPFVLAN_CTX_FIELD_H
#define BPFVLAN_CTX_FIELD_H

#include <stddef.h>

#include <linux/types.h>

/*
 * A field that nothing here changes, or whose first value will do. The assembly keeps the compiler
 * from holding the field's address in a register, which the verifier does not take.
 */
#define CTX_FIELD(ctx, field)                                                                      \
	({                                                                                         \
		__u32 value_;                                                                      \
		asm("%0 = *(u32 *)(%1 + %2)"                                                       \
		    : "=r"(value_)                                                                 \
		    : "r"(ctx), "i"(offsetof(ctx_t, field)));                                      \
		value_;                                                                            \
	})

#endif
