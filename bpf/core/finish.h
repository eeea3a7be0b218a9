/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of a packet on TC: finish() alone has it counted and carries it out. */
#ifndef BPFVLAN_FINISH_H
#define BPFVLAN_FINISH_H

#include "verdict.h"

/* `from`: the sending endpoint; BV_NO_ENDPOINT at rx. */
static __always_inline int finish(ctx_t *ctx, struct verdict v, __u32 from)
{
	const bool early = ctx_is_early(ctx);

	if (v.again)
		return ctx_again(ctx, v.again);
	ctx_forget_state(ctx);
	count(ctx, &v, from);
	record(&v);
	switch (action_of(v.reason)) {
	case BV_PASS:
		return ctx_pass();
	case BV_DELIVER:
		if (!v.to)
			return ctx_drop();
		if (!v.to->in_parent_netns)
			ctx_leave_netns(ctx);
		return ctx_deliver(ctx, v.ifindex, v.to->in_parent_netns, early);
	case BV_WIRE:
		return ctx_route_out(ctx, v.ifindex, early);
	case BV_HOST:
		return ctx_route_host(ctx);
	case BV_FORWARD:
	case BV_ANSWER:
		return ctx_send(v.ifindex);
	case BV_RECEIVE:
		return ctx_receive(v.ifindex);
	case BV_DROP:
	default:
		return ctx_drop();
	}
}

/*
 * For a packet that xmit counted as going out by `was` and whose route, found since, is local: it
 * moves from that reason to TX_HOST, so that every packet still has exactly one.
 */
static __always_inline int finish_revised(ctx_t *ctx, enum bv_reason was)
{
	struct verdict v = verdict(BV_REASON_TX_HOST);
	__u64 bytes = ctx_len(ctx);

	count_reason(was, -1, -bytes);
	count_reason(v.reason, 1, bytes);
	record(&v);
	return ctx_routed_to_host(ctx);
}

#endif
