/* SPDX-License-Identifier: GPL-2.0-only */
/* One verdict per packet: handlers build it, who carries it out has it counted here. */
#ifndef BPFVLAN_VERDICT_H
#define BPFVLAN_VERDICT_H

#include "tables.h"

/* Set by tests through the skeleton; constant 0 is eliminated when the program is loaded. */
const volatile __u8 bv_record_verdict __weak = 0;

struct verdict {
	enum bv_reason reason;
	enum bv_action action;	  /* the reason's */
	__u32 ifindex;		  /* DELIVER, ANSWER: host side; WIRE, FORWARD, RECEIVE: parent */
	const struct bv_port *to; /* DELIVER: who gets it */
	__u16 again;		  /* not the end yet: the state to come again with */
	struct bpf_redir_neigh *hop; /* WIRE: the neighbour, if it is known */
};

/* What a reason does; known when the program is compiled wherever the reason is. */
static __always_inline enum bv_action action_of(enum bv_reason reason)
{
	switch (reason) {
#define X(id, action, text)                                                                        \
	case BV_REASON_##id:                                                                       \
		return action;
		BV_REASONS(X)
#undef X
	default:
		return BV_DROP;
	}
}

/* These alone pair reason and action: no handler can do it wrongly. */
static __always_inline struct verdict verdict(enum bv_reason reason)
{
	return (struct verdict){.reason = reason, .action = action_of(reason)};
}

static __always_inline struct verdict deliver(enum bv_reason reason, const struct bv_port *to)
{
	struct verdict v = verdict(reason);

	v.ifindex = to->host_side;
	v.to = to;
	return v;
}

/* To or by a device: the parent, or for an answer the host side. */
static __always_inline struct verdict by_device(enum bv_reason reason, __u32 ifindex)
{
	struct verdict v = verdict(reason);

	v.ifindex = ifindex;
	return v;
}

/* The packet comes once more before it ends. */
static __always_inline struct verdict again(__u16 state)
{
	return (struct verdict){.again = state};
}

static __always_inline void count_reason(enum bv_reason reason, __u64 packets, __u64 bytes)
{
	__u32 key = reason;
	struct bv_reason_count *count = bpf_map_lookup_elem(&reasons, &key);

	if (count) {
		count->packets += packets;
		count->bytes += bytes;
	}
}

/* Beside the packet's verdict. */
static __always_inline void note(const ctx_t *ctx, enum bv_reason reason)
{
	count_reason(reason, 1, ctx_len(ctx));
}

static __always_inline struct bv_ep_counters *counters_of(__u32 id)
{
	return bpf_map_lookup_elem(&ep_counters, &id);
}

static __always_inline void count_received(__u32 id, __u64 bytes)
{
	struct bv_ep_counters *c = counters_of(id);

	if (c) {
		c->rx_packets++;
		c->rx_bytes += bytes;
	}
}

/* A missing counter never changes what happens to the packet. */
static __always_inline void count(const ctx_t *ctx, const struct verdict *v, __u32 from)
{
	__u64 bytes = ctx_len(ctx);
	struct bv_ep_counters *c;

	count_reason(v->reason, 1, bytes);
	if (from != BV_NO_ENDPOINT) {
		c = counters_of(from);
		if (c) {
			c->tx_packets++;
			c->tx_bytes += bytes;
			if (v->action == BV_DROP)
				c->tx_dropped++;
		}
	}
	if (v->to)
		count_received(v->to->id, bytes);
}

static __always_inline void record(const struct verdict *v)
{
	__u32 zero = 0;
	struct bv_verdict *last;

	if (!bv_record_verdict)
		return;
	last = bpf_map_lookup_elem(&last_verdict, &zero);
	if (!last)
		return;
	last->action = v->action;
	last->reason = v->reason;
	last->ifindex = v->ifindex;
	last->to = v->to ? v->to->id : 0;
}

#endif
