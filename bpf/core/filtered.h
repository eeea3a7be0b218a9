/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the filter stands: between an endpoint and the outside, or the parent's own stack. What
 * siblings say to each other does not come by. A tail call: the filter ends what it is given.
 */
#ifndef BPFVLAN_FILTERED_H
#define BPFVLAN_FILTERED_H

#include "verdict.h"

static __always_inline struct bv_pending *pending_packet(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&pending, &zero);
}

/* Delivered, or what the input chain says. */
static __always_inline struct verdict rx_filtered(ctx_t *ctx, const struct bv_port *to)
{
	struct bv_pending *p;

	if (!to->filter)
		return deliver(BV_REASON_RX_DELIVERED, to);
	p = pending_packet();
	if (p) {
		p->to = *to;
		p->reason = BV_REASON_RX_DELIVERED;
		p->ifindex = to->host_side;
		p->from = BV_NO_ENDPOINT;
		p->chain = BV_CHAIN_INPUT;
		p->endpoint = to->id;
		p->parent_index = to->parent_index;
		p->answer_by = to->parent;
		bpf_tail_call(ctx, &filters, 0);
	}
	return verdict(BV_REASON_RX_NO_FILTER);
}

/* What was decided, or what the output chain says of it. */
static __always_inline struct verdict xmit_filtered(ctx_t *ctx, const struct bv_port *from,
						    struct verdict v)
{
	struct bv_pending *p;

	if (!from->filter || v.again)
		return v;
	switch (v.action) {
	case BV_WIRE:
	case BV_HOST:
	case BV_FORWARD:
	case BV_RECEIVE:
		break;
	default:
		return v;
	}
	p = pending_packet();
	if (p) {
		p->reason = v.reason;
		p->ifindex = v.ifindex;
		p->from = p->endpoint = from->id;
		p->chain = BV_CHAIN_OUTPUT;
		p->parent_index = from->parent_index;
		p->answer_by = ctx_device(ctx);
		bpf_tail_call(ctx, &filters, 0);
	}
	return verdict(BV_REASON_TX_NO_FILTER);
}

#endif
