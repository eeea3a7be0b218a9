/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses from the endpoint's own traffic: ARP, duplicate address detection, any IP source.
 * An address that is a sibling's, or the host's, is never taken over.
 */
#ifndef BPFVLAN_LEARN_H
#define BPFVLAN_LEARN_H

#include "parse.h"
#include "verdict.h"

#define LEARN_TRIES 8 /* slots looked at for one address: each sender pays for its own */

/* Either family's address, IPv4 in the first four bytes. */
struct learn {
	const struct bv_port *from;
	struct bv_ep_state *state;
	struct bv_learned address;
	__u32 host_side;
	__u32 slot; /* found: a free one, busy until it is written */
	bool found;
};

static __always_inline struct bv_addr *any_addr(__u32 parent, const struct bv_learned *a)
{
	struct bv_addr4_key key4;
	struct bv_addr6_key key6;

	if (a->family == BV_AF_INET) {
		key4 = addr4_key(parent, a->addr);
		return bpf_map_lookup_elem(&addr4, &key4);
	}
	key6 = addr6_key(parent, a->addr);
	return bpf_map_lookup_elem(&addr6, &key6);
}

/* Before it is there, who looks for it must know that the index is not all. */
static __always_inline long insert_addr(__u32 parent, const struct bv_learned *a,
					const struct bv_addr *value)
{
	struct bv_addr4_bucket *bucket4;
	struct bv_addr6_bucket *bucket6;
	struct bv_addr4_key key4;
	struct bv_addr6_key key6;

	if (a->family == BV_AF_INET) {
		bucket4 = addr4_bucket(parent, a->addr);
		if (bucket4)
			__sync_fetch_and_or(&bucket4->more, BV_INDEX_LEARNED);
		key4 = addr4_key(parent, a->addr);
		return bpf_map_update_elem(&addr4, &key4, value, BPF_NOEXIST);
	}
	bucket6 = addr6_bucket(parent, a->addr);
	if (bucket6)
		__sync_fetch_and_or(&bucket6->more, BV_INDEX_LEARNED);
	key6 = addr6_key(parent, a->addr);
	return bpf_map_update_elem(&addr6, &key6, value, BPF_NOEXIST);
}

static __always_inline void delete_addr(__u32 parent, const struct bv_learned *a)
{
	struct bv_addr4_key key4;
	struct bv_addr6_key key6;

	if (a->family == BV_AF_INET) {
		key4 = addr4_key(parent, a->addr);
		bpf_map_delete_elem(&addr4, &key4);
	} else {
		key6 = addr6_key(parent, a->addr);
		bpf_map_delete_elem(&addr6, &key6);
	}
}

/* No host's own source: nothing, a group, broadcast or the loopback. */
static __always_inline bool can_be_learned(const struct bv_learned *a)
{
	const __be32 *w = (const __be32 *)a->addr;

	if (a->family == BV_AF_INET)
		return a->addr[0] && a->addr[0] != 127 && a->addr[0] < 224;
	return a->addr[0] != 0xff && (w[0] | w[1] | w[2] | (w[3] & bpf_htonl(0xfffffffe)));
}

static __always_inline bool is_hosts(const struct bv_learned *a)
{
	struct bv_host_addr key = {};

	if (a->family == BV_AF_INET) {
		key.addr[10] = key.addr[11] = 0xff;
		__builtin_memcpy(key.addr + 12, a->addr, 4);
	} else {
		__builtin_memcpy(key.addr, a->addr, sizeof(key.addr));
	}
	return bpf_map_lookup_elem(&host_addrs, &key);
}

static __always_inline bool source_address(ctx_t *ctx, struct bv_learned *a)
{
	struct l3 source = parse_source(ctx, ctx_len(ctx));

	*a = (struct bv_learned){};
	if (ctx_in_vlan(ctx) || source.status != L3_OK)
		return false;
	switch (source.family) {
	case L3_IPV4:
		a->family = BV_AF_INET;
		__builtin_memcpy(a->addr, __builtin_assume_aligned(source.target, 4), 4);
		break;
	case L3_IPV6:
		a->family = BV_AF_INET6;
		__builtin_memcpy(a->addr, __builtin_assume_aligned(source.target, 4), 16);
		break;
	default:
		return false;
	}
	return can_be_learned(a);
}

/* A slot is free if it is empty, or its address is no longer this endpoint's or has expired. */
static long try_slot(__u32 step __attribute__((unused)), struct learn *l)
{
	struct bv_ep_state *state = l->state;
	struct bv_learned_key key;
	struct bv_learned *before;
	struct bv_addr *owner;

	l->slot = __sync_fetch_and_add(&state->learned_hand, 1) % BV_ENDPOINT_LEARNED;
	if (__sync_fetch_and_or(&state->learned_busy, 1ull << l->slot) & 1ull << l->slot)
		return 0;
	key = (struct bv_learned_key){.id = l->from->id, .slot = l->slot};
	before = bpf_map_lookup_elem(&learned, &key);
	owner = before ? any_addr(l->from->parent, before) : NULL;
	if (owner && owner->to.host_side == l->host_side && owner->age) {
		if (!addr_expired(owner)) {
			__sync_fetch_and_and(&state->learned_busy, ~(1ull << l->slot));
			return 0;
		}
		delete_addr(l->from->parent, before);
	}
	l->found = true;
	return 1;
}

static __always_inline void refuse_address(const ctx_t *ctx, struct bv_ep_state *state,
					   enum bv_reason reason)
{
	__sync_fetch_and_add(&state->addresses_refused, 1);
	note(ctx, reason);
}

static __always_inline void learn_new(ctx_t *ctx, const struct bv_port *from, struct learn *l)
{
	struct bv_addr value = {.to = {.host_side = ctx_device(ctx),
				       .id = from->id,
				       .parent = from->parent,
				       .mode = from->mode,
				       .policy = from->policy,
				       .in_parent_netns = from->in_parent_netns,
				       .filter = from->filter,
				       .parent_index = from->parent_index,
				       .takes_xdp = from->takes_xdp},
				.prefix_len = l->address.family == BV_AF_INET ? 32 : 128,
				.age = from->learn_age,
				.seen = now_seconds()};
	struct bv_learned_key key = {.id = from->id};
	struct bv_addr *owner;
	bool done;

	bpf_loop(LEARN_TRIES, try_slot, l, 0);
	key.slot = l->slot;
	done = l->found && !bpf_map_update_elem(&learned, &key, &l->address, BPF_ANY) &&
	       !insert_addr(from->parent, &l->address, &value);
	if (l->found)
		__sync_fetch_and_and(&l->state->learned_busy, ~(1ull << l->slot));
	if (done)
		return;
	owner = any_addr(from->parent, &l->address); /* by another CPU meanwhile? */
	if (!owner || owner->to.host_side != l->host_side)
		refuse_address(ctx, l->state, BV_REASON_ADDRESS_FULL);
}

/* What is known already costs one look-up, and a write in the first packet of a second. */
static __always_inline void learn_source(ctx_t *ctx, const struct bv_port *from)
{
	struct learn l = {.from = from, .host_side = ctx_device(ctx)};
	struct bv_addr *owner;
	__u32 now, id = from->id;

	l.state = bpf_map_lookup_elem(&ep_state, &id);
	if (!l.state || !source_address(ctx, &l.address))
		return;
	owner = any_addr(from->parent, &l.address);
	if (owner && owner->to.host_side == l.host_side) {
		now = now_seconds();
		if (owner->age && owner->seen != now)
			owner->seen = now;
		return;
	}
	if ((owner && !addr_expired(owner)) || is_hosts(&l.address)) {
		refuse_address(ctx, l.state, BV_REASON_ADDRESS_REFUSED);
		return;
	}
	if (owner)
		delete_addr(from->parent, &l.address);
	learn_new(ctx, from, &l);
}

#endif
