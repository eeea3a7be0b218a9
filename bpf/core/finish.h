/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of a packet on TC: finish() alone has it counted and carries it out. */
#ifndef BPFVLAN_FINISH_H
#define BPFVLAN_FINISH_H

#include "verdict.h"

static __always_inline int carry_out(ctx_t *ctx, const struct verdict *v, bool early)
{
	/* The most frequent ones first: a switch asks about all of them. */
	if (v->action == BV_DELIVER) {
		if (!v->to)
			return ctx_drop();
		if (!v->to->in_parent_netns)
			ctx_leave_netns(ctx);
		return ctx_deliver(ctx, v->ifindex, v->to->in_parent_netns, early);
	}
	if (v->action == BV_WIRE)
		return ctx_route_out(ctx, v->ifindex, v->hop, early);
	if (v->action == BV_PASS)
		return ctx_pass();
	switch (v->action) {
	case BV_HOST:
		return ctx_route_host(ctx);
	case BV_FORWARD:
	case BV_ANSWER:
		return ctx_send(v->ifindex);
	case BV_RECEIVE:
		return ctx_receive(v->ifindex);
	default:
		return ctx_drop();
	}
}

/*
 * finish() of what is known when the program is compiled. The assembly keeps the compiler from
 * sharing code between ends, which would ask again what each of them knows.
 */
#define FINISH_PLAIN(ctx, v, from, early)                                                          \
	({                                                                                         \
		const struct verdict v_ = (v);                                                     \
		int result_;                                                                       \
                                                                                                   \
		count(ctx, &v_, from);                                                             \
		record(&v_);                                                                       \
		result_ = carry_out(ctx, &v_, early);                                              \
		asm volatile("" : "+r"(result_) : "i"(__COUNTER__));                               \
		result_;                                                                           \
	})

/* `from`: the sending endpoint; BV_NO_ENDPOINT at rx. */
static __always_inline int finish(ctx_t *ctx, struct verdict v, __u32 from)
{
	bool early;

	if (v.again)
		return ctx_again(ctx, v.again);
	early = ctx_take_state(ctx) == CTX_EARLY;
	count(ctx, &v, from);
	record(&v);
	return carry_out(ctx, &v, early);
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
