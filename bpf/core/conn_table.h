/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connection table: sets of eight in an array, each with a lock. Places of expired connections
 * are free, so that nothing need sweep; in full sets those that are not assured make room.
 */
#ifndef BPFVLAN_CONN_TABLE_H
#define BPFVLAN_CONN_TABLE_H

#include "conn_tcp.h"
#include "flow_parse.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BV_DEFAULT_CONNECTIONS / BV_CONN_WAYS);
	__type(key, __u32);
	__type(value, struct bv_conn_set);
} conntrack BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bv_ct_settings);
} ct_settings BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BV_CT_STAT_MAX);
	__type(key, __u32);
	__type(value, __u64);
} ct_stats BV_MAP;

static __always_inline void count_ct(enum bv_ct_stat stat)
{
	__u32 key = stat;
	__u64 *count = bpf_map_lookup_elem(&ct_stats, &key);

	if (count)
		(*count)++;
}

static __always_inline __u32 now_ticks(void)
{
	return bpf_jiffies64() >> BV_CT_TICK_SHIFT;
}

static __always_inline __u16 flow_tag(const struct flow *f)
{
	return f->hash >> 48 ?: 1;
}

/* The set that it belongs in, and the one that it may be in instead. */
static __always_inline __u32 hash_set(__u64 hash, bool other)
{
	return (other ? hash >> 32 : hash) & (bv_conn_sets - 1);
}

static __always_inline __u32 flow_set(const struct flow *f, bool other)
{
	return hash_set(f->hash, other);
}

static __always_inline struct bv_conn_set *conn_set(__u32 index)
{
	return bpf_map_lookup_elem(&conntrack, &index);
}

/* Those of expired connections too. Not locked: who asks takes it for a hint. */
static __always_inline __u32 conn_used(const struct bv_conn_set *set)
{
	__u32 used = 0;

	for (__u32 i = 0; i < BV_CONN_WAYS; i++)
		used += FRESH(set->tag[i]) != 0;
	return used;
}

/* An entry that nobody has looked at while the clock went round is none of this age. */
static __always_inline bool conn_expired(const struct bv_conn *c, __u32 now,
					 const struct bv_ct_settings *settings)
{
	return c->expires - now - 1 >= settings->longest;
}

static __always_inline bool conn_is(const struct bv_conn *c, const struct bv_conn_key *key)
{
	const __u32 *a = (const __u32 *)c->lo, *b = (const __u32 *)key->lo;
	__u32 differ = 0;

	/* Both addresses and the ports: 36 bytes. A set's connections lie on four bytes only. */
	for (int i = 0; i < 9; i++)
		differ |= a[i] ^ b[i];
	return !(differ | (c->protocol ^ key->protocol) | (c->parent ^ key->parent));
}

/*
 * Its place in a locked set; BV_CONN_WAYS: none. The result goes by way of memory, as the verifier
 * would follow each possible one on its own otherwise.
 */
static __always_inline void find_way(const struct bv_conn_set *set, struct flow *f)
{
	const __u16 tag = flow_tag(f);
	__u32 way = BV_CONN_WAYS;

	for (__u32 i = 0; i < BV_CONN_WAYS; i++)
		if (set->tag[i] == tag && conn_is(&set->conn[i], &f->key))
			way = i;
	f->way = way;
	asm volatile("" ::: "memory");
}

static __always_inline void conn_count(struct bv_conn *c, __u32 dir, __u32 bytes)
{
	if (!++c->packets[dir & 1])
		c->packets_high[dir & 1]++;
	c->bytes[dir & 1] += bytes;
	if (c->bytes[dir & 1] < bytes)
		c->bytes_high[dir & 1]++;
}

/* nf_conntrack_udp_packet() */
static __always_inline __u32 udp_timeout(struct bv_conn *c, const struct flow *f,
					 const struct bv_ct_settings *settings)
{
	if (!conn_has(c, BV_CONN_SEEN_REPLY) || (__s32)(f->now - c->stream_from) <= 0)
		return settings->timeout[BV_CT_TIMEOUT_UDP];
	c->status_state |= BV_CONN_ASSURED;
	return settings->timeout[BV_CT_TIMEOUT_UDP_STREAM];
}

/* nf_conntrack_handle_packet() */
static __always_inline void conn_packet(struct bv_conn *c, struct flow *f, __u32 dir,
					const struct bv_ct_settings *settings)
{
	f->fate = CONN_ACCEPT;
	switch (FRESH(f->protocol)) {
	case IPPROTO_TCP:
		tcp_packet(c, f, dir, settings);
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		f->timeout = udp_timeout(c, f, settings);
		break;
	case IPPROTO_ICMP:
		f->timeout = settings->timeout[BV_CT_TIMEOUT_ICMP];
		break;
	case IPPROTO_ICMPV6:
		f->timeout = settings->timeout[BV_CT_TIMEOUT_ICMPV6];
		break;
	default:
		f->timeout = settings->timeout[BV_CT_TIMEOUT_GENERIC];
	}
}

/* 0: the original direction, 1: the reply's. */
static __always_inline __u32 conn_dir(const struct bv_conn *c, const struct flow *f)
{
	return (f->from_lo ^ c->status_state) & BV_CONN_LO_STARTED;
}

/* Where a packet stands: f->state, and f->cached what the rules said of ones like it. */
static __always_inline void conn_update(struct bv_conn *c, struct flow *f,
					const struct bv_ct_settings *settings)
{
	const __u32 dir = conn_dir(c, f);

	f->fate = CONN_IGNORE;
	if (FRESH(f->kind) == FLOW_RELATED) {
		f->state = BV_CTSTATE_RELATED;
		return;
	}
	f->state = BV_CTSTATE_ESTABLISHED;
	if (!dir && !conn_has(c, BV_CONN_SEEN_REPLY))
		f->state = BV_CTSTATE_NEW;
	conn_packet(c, f, dir, settings);
	if (FRESH(f->fate) == CONN_INVALID) {
		f->state = BV_CTSTATE_INVALID;
		return;
	}
	if (FRESH(f->fate) == CONN_ACCEPT) {
		c->expires = f->now + f->timeout;
		conn_count(c, dir, f->bytes);
	}
	if (dir)
		c->status_state |= BV_CONN_SEEN_REPLY;
	if (FRESH(f->first_of_many) && f->protocol == IPPROTO_TCP) /* longer than its header says */
		c->tcp_flags[dir] |= BV_TCP_BE_LIBERAL;
	if (FRESH(f->state) == BV_CTSTATE_ESTABLISHED && FRESH(f->fate) != CONN_REOPEN &&
	    c->rules_generation == f->rules_generation &&
	    BV_CONN_TARGET_CHAIN(c->rules_target[dir]) == f->chain)
		f->cached = c->rules_target[dir];
}

/*
 * The packet's connection in this set, brought up to date; f->way says whether it is there. True:
 * it may be in its other set.
 */
static __always_inline bool conn_touch(struct bv_conn_set *set, struct flow *f,
				       const struct bv_ct_settings *settings)
{
	bool overflowed;

	bpf_spin_lock(&set->lock);
	find_way(set, f);
	if (FRESH(f->way) < BV_CONN_WAYS) {
		const __u32 way = FRESH(f->way) & (BV_CONN_WAYS - 1);
		struct bv_conn *c = &set->conn[way];

		f->fate = CONN_REOPEN;
		if (!conn_expired(c, f->now, settings))
			conn_update(c, f, settings);
		if (FRESH(f->fate) == CONN_REOPEN || FRESH(f->fate) == CONN_KILL)
			set->tag[way] = 0;
		if (FRESH(f->fate) == CONN_REOPEN)
			f->way = BV_CONN_WAYS;
	}
	overflowed = set->overflowed;
	bpf_spin_unlock(&set->lock);
	return overflowed;
}

/* Not locked: an entry's key is its own until another takes the place. */
static __always_inline bool conn_counts_in(const struct bv_conn_set *set, const struct flow *f,
					   const struct bv_ct_settings *settings)
{
	const __u16 tag = flow_tag(f);

	for (__u32 i = 0; i < BV_CONN_WAYS; i++)
		if (set->tag[i] == tag && conn_is(&set->conn[i], &f->key) &&
		    !conn_expired(&set->conn[i], f->now, settings))
			return true;
	return false;
}

/* Whether it has a connection that counts, for who must not touch it. */
static __always_inline bool conn_is_known(const struct flow *f,
					  const struct bv_ct_settings *settings)
{
	for (int other = 0; other < 2; other++) {
		const struct bv_conn_set *set = conn_set(flow_set(f, other));

		if (!set || conn_counts_in(set, f, settings))
			return true;
		if (!set->overflowed)
			return false;
	}
	return false;
}

/* Both ends have been told that it is over: nf_ct_set_closing(). */
static __always_inline void conn_close(struct bv_conn_set *set, struct flow *f,
				       const struct bv_ct_settings *settings)
{
	bpf_spin_lock(&set->lock);
	find_way(set, f);
	if (FRESH(f->way) < BV_CONN_WAYS) {
		struct bv_conn *c = &set->conn[FRESH(f->way) & (BV_CONN_WAYS - 1)];

		c->status_state = with_high(c->status_state, BV_TCP_CLOSE);
		c->expires = f->now + settings->timeout[BV_CT_TIMEOUT_TCP_CLOSE];
	}
	bpf_spin_unlock(&set->lock);
}

/* What the rules said is good for the next packet of this connection, while it is established. */
static __always_inline void conn_remember(struct bv_conn_set *set, struct flow *f, __u16 target)
{
	bpf_spin_lock(&set->lock);
	find_way(set, f);
	if (f->way < BV_CONN_WAYS) {
		struct bv_conn *c = &set->conn[f->way & (BV_CONN_WAYS - 1)];
		const __u32 dir = conn_dir(c, f);

		if (c->rules_generation != f->rules_generation) {
			c->rules_generation = f->rules_generation;
			c->rules_target[0] = c->rules_target[1] = 0;
		}
		c->rules_target[dir] = target;
	}
	bpf_spin_unlock(&set->lock);
}

/* Connections in the set that a new one belongs in, from which on it may go into the other one. */
#define CONN_EVEN 5

enum conn_room {
	CONN_ROOM_FREE,	 /* nobody's, or an expired connection's */
	CONN_ROOM_TAKEN, /* of a connection that is not assured */
};

/*
 * Who makes room first: what never was answered, half-open TCP before all (a flood must not push
 * out what lives shorter), then what is closest to its end.
 */
static __always_inline __u32 conn_worth(const struct bv_conn *c, __u32 now)
{
	__u32 worth = (c->expires - now) >> 2 & 0x3fffffff;

	if (conn_has(c, BV_CONN_SEEN_REPLY))
		worth |= 2U << 30;
	else if (c->protocol != IPPROTO_TCP)
		worth |= 1U << 30;
	return worth;
}

/* A place in a locked set: f->way. Those of expired connections become free. */
static __always_inline void find_room(struct bv_conn_set *set, struct flow *f,
				      const struct bv_ct_settings *settings, enum conn_room room)
{
	__u32 least = ~0U;

	f->way = BV_CONN_WAYS;
	for (__u32 i = 0; i < BV_CONN_WAYS; i++) {
		const struct bv_conn *c = &set->conn[i];

		if (set->tag[i] && conn_expired(c, f->now, settings))
			set->tag[i] = 0;
		if (!set->tag[i]) {
			f->way = i;
			least = 0;
		} else if (room == CONN_ROOM_TAKEN && !conn_has(c, BV_CONN_ASSURED) &&
			   conn_worth(c, f->now) < least) {
			f->way = i;
			least = conn_worth(c, f->now);
		}
	}
}

static __always_inline void conn_start(struct bv_conn *c, const struct flow *f,
				       const struct bv_ct_settings *settings)
{
	const __u32 *key = (const __u32 *)f->key.lo;
	__u32 *to = (__u32 *)c;

	for (__u32 i = 0; i < sizeof(*c) / 4; i++)
		to[i] = i < 9 ? key[i & 15] : 0;
	c->protocol = f->key.protocol;
	c->parent = f->key.parent;
	c->status_state = f->from_lo ? BV_CONN_LO_STARTED : 0;
	c->expires = f->now + settings->timeout[BV_CT_TIMEOUT_GENERIC];
	if (f->protocol == IPPROTO_TCP)
		tcp_start(c, f);
	else
		c->stream_from = f->now + settings->ticks_per_1000_seconds / 500;
}

/*
 * Enters a new connection into this set, unless it is there already: f->way says whether it is
 * there now, f->entered whether it is new. True: one that was not assured made room.
 */
static __always_inline bool conn_enter(struct bv_conn_set *set, struct flow *f,
				       const struct bv_ct_settings *settings, enum conn_room room)
{
	bool took = false;

	bpf_spin_lock(&set->lock);
	find_way(set, f);
	if (FRESH(f->way) >= BV_CONN_WAYS) {
		find_room(set, f, settings, room);
		if (FRESH(f->way) < BV_CONN_WAYS) {
			const __u32 way = FRESH(f->way) & (BV_CONN_WAYS - 1);

			took = set->tag[way];
			conn_start(&set->conn[way], f, settings);
			set->tag[way] = flow_tag(f);
			f->entered = 1;
		}
	}
	bpf_spin_unlock(&set->lock);
	return took;
}

/* True if it is in this set; with `remove`, it is there no more then. */
static __always_inline bool conn_is_in(struct bv_conn_set *set, struct flow *f, bool remove)
{
	bool there = false;

	bpf_spin_lock(&set->lock);
	find_way(set, f);
	if (FRESH(f->way) < BV_CONN_WAYS) {
		if (remove)
			set->tag[FRESH(f->way) & (BV_CONN_WAYS - 1)] = 0;
		there = true;
	}
	bpf_spin_unlock(&set->lock);
	return there;
}

#endif
