/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Broadcast and multicast: who has joined, and a copy for each of them. The work follows the
 * members: nothing here looks at endpoints that have not joined (schema.h, `members`).
 */
#ifndef BPFVLAN_GROUP_H
#define BPFVLAN_GROUP_H

#include "bits.h"
#include "policy.h"
#include "verdict.h"

#define FLOOD_NO_SENDER	     (~0u)
#define FLOOD_UNKNOWN_SENDER (~0u - 1)

/*
 * All copies wait in this CPU's backlog, which takes 1,000 packets (net.core.netdev_max_backlog):
 * with more members than this the packet comes back for the next ones when those are through.
 */
#define FLOOD_BATCH 512

enum flooded {
	FLOOD_NOBODY,
	FLOOD_DONE,
	FLOOD_PAUSED, /* the rest when the packet comes again */
};

/* Whose copy it may be. */
struct audience {
	__u32 parent;
	__u32 sender; /* id of the endpoint that sent it, which hears nothing; or FLOOD_NO_SENDER */
	enum bv_policy sender_policy; /* with a sender: together with the member's it must ... */
	enum bv_policy wanted;	      /* ... be this one */
	bool filtered;		      /* from outside: members with the filter on have it judged */
	bool zero[3];		      /* or 6.1 finds bytes that bv_flood() is given unwritten */
};

struct flood {
	ctx_t *ctx;
	const struct bv_group_chunks *bucket;
	struct audience to;
	struct bv_member_key key;
	__u32 first_hint; /* of the bucket */
	bool everybody;
	__u32 word;
	__u64 chunks; /* left of the word */
	__u32 chunk;
	__u64 hints;   /* left of the chunk */
	__u32 *copies; /* in a map: the verifier would count along on the stack */
	__u32 start;   /* the first chunk */
	__u32 resume;  /* the first chunk that was not looked at any more */
	bool paused;
};

static __always_inline bool mac_is_broadcast(const __u8 *mac)
{
	return (mac[0] & mac[1] & mac[2] & mac[3] & mac[4] & mac[5]) == 0xff;
}

/* ff:ff:ff:ff:ff:ff, 224.0.0.1 and ff02::1: hosts join the two without a word. */
static __always_inline bool mac_is_everybody(const __u8 *mac)
{
	if (mac_is_broadcast(mac))
		return true;
	if (mac[5] != 1 || mac[4] || mac[3])
		return false;
	return (mac[0] == 0x33 && mac[1] == 0x33 && !mac[2]) ||
	       (mac[0] == 0x01 && !mac[1] && mac[2] == 0x5e);
}

static __always_inline __u32 group_bucket(__u32 parent, const __u8 *mac)
{
	__u32 low = (__u32)mac[2] << 24 | mac[3] << 16 | mac[4] << 8 | mac[5];
	__u32 hash = (low ^ mac[0]) * 0x9e3779b1u ^ parent * 0x85ebca6bu;

	return (hash ^ hash >> 15) % BV_GROUP_BUCKETS;
}

static __always_inline bool is_in_audience(const struct bv_port *port, const struct audience *to)
{
	if (port->mode != BV_MODE_L2 || port->parent != to->parent || port->id == to->sender)
		return false;
	return to->sender == FLOOD_NO_SENDER ||
	       policy_between(to->sender_policy, port->policy) == to->wanted;
}

static __always_inline void copy_to(ctx_t *ctx, const struct bv_port *port)
{
	if (ctx_send_copy(ctx, port->host_side))
		count_received(port->id, ctx_len(ctx));
	else
		note(ctx, BV_REASON_COPY_LOST);
}

/* Members with the filter on get theirs by rx, which is told whose it is by the mark. */
#define STATE_FOR_MEMBER 0x8000
BV_STATIC_ASSERT(BV_GROUP_WORDS * 64 < STATE_FOR_MEMBER, "no chunk to go on with");

static __always_inline void copy_by_filter(ctx_t *ctx, const struct bv_port *port)
{
	if (!ctx_again_copy(ctx, port->parent, STATE_FOR_MEMBER, port->id))
		note(ctx, BV_REASON_COPY_LOST);
}

static __always_inline void flood_to(struct flood *f, __u32 id)
{
	const struct bv_port *port = port_of(&id);

	if (!port || !port->host_side || !is_in_audience(port, &f->to))
		return;
	f->key.id = id;
	if (!f->everybody && !bpf_map_lookup_elem(&members, &f->key))
		return;
	if (f->to.filtered && port->filter)
		copy_by_filter(f->ctx, port);
	else
		copy_to(f->ctx, port);
	++*f->copies;
}

/* Three loops in each other: the verifier follows no counters in any of them. */
static long flood_hint(__u32 step __attribute__((unused)), struct flood *f)
{
	__u32 id;

	if (!f->hints)
		return 1;
	id = 64 * f->chunk + lowest_bit(f->hints);
	f->hints &= f->hints - 1;
	flood_to(f, id);
	return 0;
}

static long flood_chunk(__u32 step __attribute__((unused)), struct flood *f)
{
	const __u64 *hints;
	__u32 at;

	if (!f->chunks)
		return 1;
	f->chunk = 64 * f->word + lowest_bit(f->chunks);
	f->chunks &= f->chunks - 1;
	if (*f->copies >= FLOOD_BATCH) {
		f->resume = f->chunk;
		f->paused = true;
		return 1;
	}
	at = f->first_hint + f->chunk;
	hints = bpf_map_lookup_elem(&group_hints, &at);
	f->hints = hints ? *hints : 0;
	bpf_loop(64, flood_hint, f, 0);
	return 0;
}

static long flood_word(__u32 word, struct flood *f)
{
	if (word >= BV_GROUP_WORDS)
		return 1;
	if (64 * word + 63 < f->start)
		return 0;
	f->word = word;
	f->chunks = f->bucket->words[word];
	if (64 * word < f->start)
		f->chunks &= ~0ull << f->start % 64;
	if (f->chunks)
		bpf_loop(64, flood_chunk, f, 0);
	return f->paused;
}

/*
 * Copies for all members in the audience; enum flooded. FLOOD_PAUSED: ctx_again() with *resume.
 * Global, so that the verifier walks its loops once, and not for each way that leads here: those
 * were 27,000 of the 48,000 instructions that it walked for bv_rx.
 */
__weak __noinline int bv_flood(ctx_t *ctx, const struct ethhdr *eth, __u32 parent_index,
			       const struct audience *to, __u16 *resume)
{
	struct flood f = {.ctx = ctx, .start = ctx_state(ctx)};
	__u32 bucket, zero = 0;

	if (!eth || !to || !resume)
		return FLOOD_NOBODY;
	f.to = *to;
	f.everybody = mac_is_everybody(eth->h_dest);
	bucket = f.everybody ? BV_GROUP_BUCKETS + parent_index
			     : group_bucket(to->parent, eth->h_dest);
	f.bucket = bpf_map_lookup_elem(&group_chunks, &bucket);
	f.copies = bpf_map_lookup_elem(&flood_copies, &zero);
	if (!f.bucket || !f.copies)
		return FLOOD_NOBODY;
	*f.copies = 0;
	__builtin_memcpy(f.key.mac, eth->h_dest, sizeof(f.key.mac));
	f.first_hint = bucket * bv_chunks;
	bpf_loop((bv_chunks + 63) / 64, flood_word, &f, 0);
	*resume = f.resume;
	if (f.paused)
		return FLOOD_PAUSED;
	return *f.copies || f.start ? FLOOD_DONE : FLOOD_NOBODY;
}

#endif
