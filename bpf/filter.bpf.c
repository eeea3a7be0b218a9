// SPDX-License-Identifier: GPL-2.0-only
/*
 * The filter, a program of its own. Its parts are functions of their own for the verifier, which
 * checks each once and not once for each way to it.
 */
#include "core/ctx_skb.h"

#include "core/filter.h"
#include "core/filtered.h"
#include "core/finish.h"
#include "core/reject.h"

__noinline int bv_flow_parse(ctx_t *ctx, struct flow *f, __u32 parent)
{
	return f ? flow_parse(ctx, f, parent) : FLOW_INVALID;
}

/* The packet's connection, if there is one, brought up to date: f->way, f->state. */
__noinline int bv_conn_find(struct flow *f)
{
	__u32 zero = 0;
	const struct bv_ct_settings *settings = bpf_map_lookup_elem(&ct_settings, &zero);

	if (f && settings)
		conn_find(f, settings);
	return 0;
}

/* False if there is no room for it. */
__noinline int bv_conn_add(struct flow *f)
{
	__u32 zero = 0;
	const struct bv_ct_settings *settings = bpf_map_lookup_elem(&ct_settings, &zero);

	return f && settings && conn_add(f, settings);
}

/* f->target */
__noinline int bv_rules_verdict(struct flow *f, __u32 parent, __u32 chain)
{
	if (f)
		f->target = rules_verdict(f, parent, chain);
	return 0;
}

__noinline int bv_conn_remember(struct flow *f)
{
	struct bv_conn_set *set;

	if (!f)
		return 0;
	set = conn_set(flow_set(f, f->other));
	if (set)
		conn_remember(set, f, f->cached);
	return 0;
}

/* Those that follow are to fare as this one. (6.1 takes no key from an argument's memory.) */
__noinline int bv_fragment_first(void)
{
	__u32 zero = 0;
	struct flow *f = bpf_map_lookup_elem(&flow_scratch, &zero);
	const struct bv_ct_settings *settings = bpf_map_lookup_elem(&ct_settings, &zero);

	if (f && settings)
		fragment_first(f, settings);
	return 0;
}

__noinline int bv_conn_close(struct flow *f)
{
	__u32 zero = 0;
	const struct bv_ct_settings *settings = bpf_map_lookup_elem(&ct_settings, &zero);

	if (f && settings)
		conn_closed(f, settings);
	return 0;
}

/* 1 if the packet has become the answer to itself. */
__noinline int bv_reject(ctx_t *ctx, struct flow *f, __u32 how)
{
	return f ? reject(ctx, f, how) : 0;
}

/* Where the packet stands: f->state; f->way says whether it has a connection in the table. */
static __always_inline void track(struct flow *f)
{
	if (f->kind == FLOW_TRACKED || f->kind == FLOW_RELATED)
		bv_conn_find(f);
	if (f->way < BV_CONN_WAYS) {
		count_ct(f->state == BV_CTSTATE_INVALID ? BV_CT_STAT_INVALID : BV_CT_STAT_FOUND);
		return;
	}
	f->cached = 0;
	f->state = state_without(f);
	if (f->state == BV_CTSTATE_INVALID)
		count_ct(BV_CT_STAT_INVALID);
}

/* The answer is given already, or nobody is answered. */
static __always_inline enum bv_reason refused(ctx_t *ctx, struct flow *f)
{
	const __u8 how = f->family ? f->target.reject6 : f->target.reject4;

	if (f->target.target != BV_TARGET_REJECT || !bv_reject(ctx, f, how))
		return reason_of(&f->target, f->chain);
	if (how == BV_REJECT_TCP_RESET && f->way < BV_CONN_WAYS)
		bv_conn_close(f);
	return f->chain == BV_CHAIN_INPUT ? BV_REASON_RX_REJECTED : BV_REASON_TX_REJECTED;
}

static __always_inline enum bv_reason filter(ctx_t *ctx, struct flow *f, __u32 parent)
{
	bool known;

	track(f);
	f->rule.state = (f->rule.state & 0x3f) | f->state << 6;
	known = f->cached;
	bv_rules_verdict(f, parent, f->chain);
	if (f->target.target != BV_TARGET_ACCEPT)
		return refused(ctx, f);
	if (f->state == BV_CTSTATE_ESTABLISHED && f->cached && !known)
		bv_conn_remember(f);
	if (f->state == BV_CTSTATE_NEW && f->way >= BV_CONN_WAYS) {
		if (!bv_conn_add(f)) {
			count_ct(BV_CT_STAT_FULL);
			return f->chain == BV_CHAIN_INPUT ? BV_REASON_RX_CT_FULL
							  : BV_REASON_TX_CT_FULL;
		}
		bv_conn_find(f);
	}
	if (f->first_of_many)
		bv_fragment_first();
	return BV_REASON_MAX;
}

/* What it is dropped by; BV_REASON_MAX: nothing. */
static __always_inline enum bv_reason reason_against(ctx_t *ctx, struct flow *f,
						     const struct bv_pending *p)
{
	const bool input = p->chain == BV_CHAIN_INPUT;

	f->chain = p->chain;
	f->kind = bv_flow_parse(ctx, f, p->parent_index);
	f->now = now_ticks();
	f->rule.endpoint[0] = p->endpoint >> 8;
	f->rule.endpoint[1] = p->endpoint;
	switch (f->kind) {
	case FLOW_NEIGHBOUR:
		return BV_REASON_MAX;
	case FLOW_UNREADABLE:
		return input ? BV_REASON_RX_UNREADABLE : BV_REASON_TX_UNREADABLE;
	case FLOW_MALFORMED:
		if (input)
			return BV_REASON_RX_MALFORMED; /* the host's stack drops it */
		break;
	case FLOW_FRAGMENT:
		if (fragment_follows(f))
			return BV_REASON_MAX;
		break;
	}
	f->rules_generation = rules_generation(p->parent_index);
	return filter(ctx, f, p->parent_index);
}

/* Tail-called by bv_rx and bv_xmit with what they have decided in `pending`. */
SEC("tc")
int bv_filter(ctx_t *ctx)
{
	__u32 zero = 0;
	struct flow *f = bpf_map_lookup_elem(&flow_scratch, &zero);
	const struct bv_pending *p = pending_packet();
	enum bv_reason against;
	struct verdict v;

	if (!p || !f)
		return finish(ctx, verdict(BV_REASON_TX_NO_FILTER), BV_NO_ENDPOINT);
	against = reason_against(ctx, f, p);
	if (against != BV_REASON_MAX) {
		v = by_device(against, 0);
		if (v.action == BV_FORWARD || v.action == BV_ANSWER) /* rejected */
			v.ifindex = p->answer_by;
	} else {
		v = by_device(p->reason, p->ifindex);
		if (p->chain == BV_CHAIN_INPUT)
			v.to = &p->to;
	}
	return finish(ctx, v, p->from);
}

char _license[] SEC("license") __weak = "GPL";
