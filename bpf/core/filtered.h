/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the filter stands: between an endpoint and the outside, or the parent's own stack. What
 * siblings say to each other does not come by.
 */
#ifndef BPFVLAN_FILTERED_H
#define BPFVLAN_FILTERED_H

#include "verdict.h"

/* filter.bpf.c */
int bv_filter(ctx_t *ctx, __u32 chain, __u32 parent, __u32 endpoint);

static __always_inline struct verdict rx_filtered(ctx_t *ctx, const struct bv_port *to)
{
	enum bv_reason reason;

	if (!to->filter)
		return deliver(BV_REASON_RX_DELIVERED, to);
	reason = bv_filter(ctx, BV_CHAIN_INPUT, to->parent_index, to->id);
	return reason == BV_REASON_MAX ? deliver(BV_REASON_RX_DELIVERED, to)
				       : by_device(reason, to->parent);
}

static __always_inline struct verdict xmit_filtered(ctx_t *ctx, const struct bv_endpoint *from,
						    struct verdict v)
{
	enum bv_reason reason;

	if (!from->filter || v.again)
		return v;
	switch (action_of(v.reason)) {
	case BV_WIRE:
	case BV_HOST:
	case BV_FORWARD:
	case BV_RECEIVE:
		reason = bv_filter(ctx, BV_CHAIN_OUTPUT, from->parent_index, from->id);
		return reason == BV_REASON_MAX ? v : by_device(reason, ctx_device(ctx));
	default:
		return v;
	}
}

#endif
