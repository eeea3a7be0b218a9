/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stateful filter between endpoints and the outside, as the host's netfilter is for the
 * kernel's mode l3s: connection tracking, then the rules, and a new connection is entered if they
 * accept it.
 */
#ifndef BPFVLAN_FILTER_H
#define BPFVLAN_FILTER_H

#include "conn_table.h"
#include "rules.h"

#define FRAGMENT_SECONDS 30 /* IP_FRAG_TIME */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, BV_MAX_FRAGMENTS);
	__type(key, struct bv_fragment_key);
	__type(value, struct bv_fragment);
} ct_fragments BV_MAP;

/* BV_REASON_MAX: nothing against it. */
static __always_inline enum bv_reason reason_of(const struct bv_rule_target *target,
						enum bv_chain chain)
{
	const bool policy = target->counter < BV_CHAIN_MAX * BV_MAX_PARENTS;

	if (target->target == BV_TARGET_ACCEPT)
		return BV_REASON_MAX;
	if (chain == BV_CHAIN_INPUT)
		return policy ? BV_REASON_RX_CHAIN_POLICY : BV_REASON_RX_RULE;
	return policy ? BV_REASON_TX_CHAIN_POLICY : BV_REASON_TX_RULE;
}

/* The first one was accepted. */
static __always_inline bool fragment_follows(struct flow *f)
{
	const struct bv_fragment *first = bpf_map_lookup_elem(&ct_fragments, &f->fragment);

	return first && (__s32)(f->now - first->expires) < 0;
}

/* What is dropped leaves no trace: it could drive out what is accepted. */
static __always_inline void fragment_first(struct flow *f, const struct bv_ct_settings *settings)
{
	const struct bv_fragment first = {
		.expires = f->now + settings->ticks_per_1000_seconds * FRAGMENT_SECONDS / 1000,
	};

	bpf_map_update_elem(&ct_fragments, &f->fragment, &first, BPF_ANY);
}

static __always_inline bool may_start(const struct flow *f)
{
	__u32 zero = 0;
	const struct bv_ct_settings *settings;

	if (!f->starts)
		return false;
	if (f->protocol != IPPROTO_TCP || f->tcp.index == TCP_INDEX_SYN)
		return true;
	settings = bpf_map_lookup_elem(&ct_settings, &zero);
	return settings && settings->tcp_loose;
}

/* Of a packet that has no connection. */
static __always_inline enum bv_ctstate state_without(const struct flow *f)
{
	return f->kind == FLOW_TRACKED && may_start(f) ? BV_CTSTATE_NEW : BV_CTSTATE_INVALID;
}

/* Looks in both places where it can be. */
static __always_inline void conn_find(struct flow *f, const struct bv_ct_settings *settings)
{
	f->way = BV_CONN_WAYS;
	for (int other = 0; other < 2; other++) {
		struct bv_conn_set *set = conn_set(flow_set(f, other));

		f->other = other;
		if (!set || !conn_touch(set, f, settings) || f->way < BV_CONN_WAYS)
			return;
	}
}

/* Two CPUs may have entered it into one set each: that in the second one goes. */
static __always_inline void conn_make_one(struct flow *f, bool in_second)
{
	struct bv_conn_set *first = conn_set(flow_set(f, false)), *second;

	second = conn_set(flow_set(f, true));
	if (!first || !second || first == second)
		return;
	if (!in_second || conn_is_in(first, f, false))
		conn_is_in(second, f, true);
}

/*
 * Whether the second set is the better one for a new connection. To fill the first one as far as
 * CONN_EVEN keeps most connections where they are looked for first; from there on evenly, or
 * pairs of sets would be full with two thirds of the table free.
 */
static __always_inline bool second_is_better(struct flow *f)
{
	const struct bv_conn_set *first = conn_set(flow_set(f, false));
	const struct bv_conn_set *second = conn_set(flow_set(f, true));
	const __u32 used = first ? conn_used(first) : 0;

	return used >= CONN_EVEN && second && conn_used(second) < used;
}

/* A free place in either set comes before one that is taken. */
static __always_inline bool conn_add(struct flow *f, const struct bv_ct_settings *settings)
{
	struct bv_conn_set *first = conn_set(flow_set(f, false)), *set;
	const __u32 start = second_is_better(f);
	__u32 i;

	for (i = 0; i < 4; i++) {
		f->other = (start + i) & 1;
		set = conn_set(flow_set(f, FRESH(f->other)));
		if (!set || !first)
			return false;
		if (FRESH(f->other))
			first->overflowed = 1;
		if (conn_enter(set, f, settings, i < 2 ? CONN_ROOM_FREE : CONN_ROOM_TAKEN))
			count_ct(BV_CT_STAT_EARLY_DROPPED);
		if (FRESH(f->way) < BV_CONN_WAYS)
			break;
	}
	if (i == 4)
		return false;
	if (!FRESH(f->entered))
		return true;
	count_ct(BV_CT_STAT_NEW);
	conn_make_one(f, FRESH(f->other));
	return true;
}

/* The connection, where it was found, is over. */
static __always_inline void conn_closed(struct flow *f, const struct bv_ct_settings *settings)
{
	struct bv_conn_set *set = conn_set(flow_set(f, f->other));

	if (set)
		conn_close(set, f, settings);
}

#endif
