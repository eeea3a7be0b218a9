/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mode l3: IP addresses decide. MAC addresses only tell a sibling's stack whether it is meant, as
 * on any wire. Rules: behaviour.md, "rx" and "xmit".
 */
#ifndef BPFVLAN_MODE_L3_H
#define BPFVLAN_MODE_L3_H

#include "finish.h"
#include "policy.h"
#include "route.h"

/* Two endpoints that hear each other directly, whatever their addresses. */
static __always_inline bool are_bridged(const struct bv_port *from, const struct bv_port *to)
{
	return policy_between(from->policy, to->policy) == BV_POLICY_BRIDGE;
}

/* ipvlan_xmit_mode_l3(); `sibling` is whose the packet is by its address, if anybody's. */
static __always_inline struct verdict l3_xmit_to(ctx_t *ctx, const struct bv_port *from,
						 const struct l3 *l3, const struct bv_port *sibling)
{
	if (sibling) {
		switch (policy_between(from->policy, sibling->policy)) {
		case BV_POLICY_BRIDGE:
			return deliver(BV_REASON_TX_SIBLING, sibling);
		case BV_POLICY_PRIVATE:
			return verdict(BV_REASON_TX_PRIVATE);
		case BV_POLICY_VEPA:
			break;
		}
	}
	return route(ctx, l3, from->parent);
}

/* The driver looks for a sibling even in frames it would not route. */
static __always_inline struct verdict l3_xmit(ctx_t *ctx, const struct bv_port *from)
{
	const struct bv_port *sibling;
	struct l3 l3;

	if (ctx_is_tagged(ctx))
		return verdict(BV_REASON_TX_VLAN);
	l3 = parse_l3(ctx, ctx_len(ctx));
	sibling = l3_port(from->parent, &l3);
	return l3_xmit_to(ctx, from, &l3, sibling);
}

/*
 * The same for a frame to one receiver, without a tag, of an endpoint that neither learns nor is
 * filtered: nearly all. It ends here, with what is known of it, as each question counts.
 */
static __always_inline int l3_xmit_plain(ctx_t *ctx, const struct bv_port *from, bool early)
{
	const struct l3 l3 = parse_l3(ctx, ctx_len(ctx));
	const struct bv_port *sibling = l3_port(from->parent, &l3);

	if (sibling && are_bridged(from, sibling))
		return FINISH_PLAIN(ctx, deliver(BV_REASON_TX_SIBLING, sibling), from->id, early);
	if (!sibling && l3.family == L3_IPV4 && !l3.by_target &&
	    !ipv4_is_group(addr4_load(l3.target)))
		return FINISH_PLAIN(ctx, to_wire(false, from->parent), from->id, early);
	if (early)
		ctx_start_early(ctx);
	return finish(ctx, l3_xmit_to(ctx, from, &l3, sibling), from->id);
}

#endif
