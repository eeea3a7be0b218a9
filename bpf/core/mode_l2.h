/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mode l2: MAC addresses decide between inside and outside, and IP addresses behind the shared one.
 * ipvlan_xmit_mode_l2(); what differs is in docs/semantics.md.
 */
#ifndef BPFVLAN_MODE_L2_H
#define BPFVLAN_MODE_L2_H

#include "dhcp.h"
#include "finish.h"
#include "group.h"
#include "mac.h"
#include "neighbour.h"

/*
 * A request for a sibling's address goes to it alone; the owner is somebody else than the sender.
 * An address that it has only learned may be another host's as well: that one is asked too.
 */
static __always_inline struct verdict l2_solicit(ctx_t *ctx, const struct bv_port *from,
						 const struct bv_addr *owner,
						 const struct bv_parent *parent)
{
	const struct bv_port *to = &owner->to;
	enum bv_policy policy = policy_between(from->policy, to->policy);

	if (owner->age) {
		if (policy == BV_POLICY_BRIDGE)
			copy_to(ctx, to);
		return by_device(BV_REASON_TX_FLOODED, from->parent);
	}
	if (policy == BV_POLICY_PRIVATE)
		return verdict(BV_REASON_TX_PRIVATE);
	if (to->mode != BV_MODE_L2 && answer_request(ctx, parent->mac))
		return by_device(BV_REASON_TX_ANSWERED, ctx_device(ctx));
	if (policy == BV_POLICY_VEPA)
		return by_device(BV_REASON_TX_VEPA, from->parent);
	return deliver(BV_REASON_TX_SIBLING, to);
}

static __always_inline struct verdict l2_group(ctx_t *ctx, const struct bv_port *from)
{
	const struct audience to = {.parent = from->parent,
				    .sender = from->id,
				    .sender_policy = from->policy,
				    .wanted = BV_POLICY_BRIDGE};
	__u32 parent_ifindex = from->parent;
	const struct bv_parent *parent = bpf_map_lookup_elem(&parents, &parent_ifindex);
	const struct bv_addr *owner;
	struct ethhdr eth;
	struct l3 asked;
	__u16 resume = 0;

	if (!parent || bpf_skb_load_bytes(ctx, 0, &eth, sizeof(eth)))
		return verdict(BV_REASON_TX_NO_ENDPOINT);
	if (ctx_ethertype(ctx) == bpf_htons(ETH_P_PAUSE) && !ctx_is_tagged(ctx))
		return verdict(BV_REASON_TX_PAUSE);
	note_dhcp_request(ctx, from);
	asked = parse_neighbour_request(ctx);
	owner = l3_owner(from->parent, &asked);
	if (owner && owner->to.id != from->id)
		return l2_solicit(ctx, from, owner, parent);
	if (bv_flood(ctx, &eth, parent->index, &to, &resume) == FLOOD_PAUSED)
		return again(resume);
	return by_device(BV_REASON_TX_FLOODED, from->parent);
}

/*
 * The destination MAC address is the source's: what of it is a sibling's? A tag of VLAN 0 hides the
 * address from the driver here, and not in rx, where such a frame comes next: it must not pass a
 * policy that way.
 */
static __always_inline const struct bv_port *l2_sibling(ctx_t *ctx, __u32 parent)
{
	const struct bv_port *sibling;
	struct l3 l3;

	if (ctx_in_vlan(ctx))
		return NULL;
	l3 = parse_l3(ctx, ctx_len(ctx));
	sibling = l3_port(parent, &l3);
	return sibling ? sibling : dhcp_answer_for(ctx, parent);
}

/*
 * A sibling in mode l3 would not answer who asks again, by the MAC address that it knows (RFC 1122,
 * 2.3.2.1; RFC 4861, 7.3.3).
 */
static __always_inline bool l2_answer(ctx_t *ctx, const struct bv_port *from)
{
	__u32 parent_ifindex = from->parent;
	const struct bv_parent *parent = bpf_map_lookup_elem(&parents, &parent_ifindex);
	const struct l3 asked = parse_neighbour_request(ctx);
	const struct bv_addr *owner = l3_owner(from->parent, &asked);

	return parent && owner && owner->to.mode != BV_MODE_L2 && owner->to.id != from->id &&
	       answer_request(ctx, parent->mac);
}

static __always_inline struct verdict l2_own_mac(ctx_t *ctx, const struct bv_port *from,
						 const struct bv_port *to, enum bv_policy policy)
{
	if (policy == BV_POLICY_PRIVATE && to)
		return verdict(BV_REASON_TX_PRIVATE);
	if (to && to->mode != BV_MODE_L2 && l2_answer(ctx, from))
		return by_device(BV_REASON_TX_ANSWERED, ctx_device(ctx));
	if (policy == BV_POLICY_VEPA)
		return by_device(to ? BV_REASON_TX_VEPA : BV_REASON_TX_FORWARDED, from->parent);
	return to && !ctx_is_tagged(ctx) ? deliver(BV_REASON_TX_SIBLING, to)
					 : by_device(BV_REASON_TX_OWN_MAC, from->parent);
}

static __always_inline struct verdict l2_xmit_unicast(ctx_t *ctx, const struct bv_port *from)
{
	const struct ethhdr *eth = ctx_header(ctx, ETH_HLEN);
	enum bv_policy policy = from->policy;
	const struct bv_port *to;

	if (!eth)
		return verdict(BV_REASON_TX_TRUNCATED);
	if (!mac_equal(eth->h_dest, eth->h_source))
		return by_device(BV_REASON_TX_FORWARDED, from->parent);
	to = l2_sibling(ctx, from->parent);
	if (to)
		policy = policy_between(policy, to->policy);
	return l2_own_mac(ctx, from, to, policy);
}

/* As l3_xmit_plain(). */
static __always_inline int l2_xmit_plain(ctx_t *ctx, const struct bv_port *from, bool early)
{
	const struct ethhdr *eth = ctx_header(ctx, ETH_HLEN);
	enum bv_policy policy = from->policy;
	const struct bv_port *to;

	if (!eth)
		return finish(ctx, verdict(BV_REASON_TX_TRUNCATED), from->id);
	if (!mac_equal(eth->h_dest, eth->h_source))
		return FINISH_PLAIN(ctx, by_device(BV_REASON_TX_FORWARDED, from->parent), from->id,
				    early);
	to = l2_sibling(ctx, from->parent);
	if (to && to->mode == BV_MODE_L2 && policy_between(policy, to->policy) == BV_POLICY_BRIDGE)
		return FINISH_PLAIN(ctx, deliver(BV_REASON_TX_SIBLING, to), from->id, early);
	if (early)
		ctx_start_early(ctx);
	if (to)
		policy = policy_between(policy, to->policy);
	return finish(ctx, l2_own_mac(ctx, from, to, policy), from->id);
}

static __always_inline struct verdict l2_xmit(ctx_t *ctx, const struct bv_port *from)
{
	const struct ethhdr *eth = ctx_header(ctx, ETH_HLEN);
	enum bv_policy policy = from->policy;
	const struct bv_port *to;
	bool own, group;

	if (!eth)
		return verdict(BV_REASON_TX_TRUNCATED);
	own = mac_equal(eth->h_dest, eth->h_source);
	group = eth->h_dest[0] & 1;
	if (own) {
		to = l2_sibling(ctx, from->parent);
		if (to)
			policy = policy_between(policy, to->policy);
		if (!group || policy != BV_POLICY_VEPA)
			return l2_own_mac(ctx, from, to, policy);
	}
	return group ? l2_group(ctx, from) : by_device(BV_REASON_TX_FORWARDED, from->parent);
}

#endif
