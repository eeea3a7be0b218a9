/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Broadcast and multicast from the wire: the parent's stack, and copies for those who joined.
 * ipvlan_handle_mode_l2(), ipvlan_external_frame().
 */
#ifndef BPFVLAN_RX_GROUP_H
#define BPFVLAN_RX_GROUP_H

#include "filtered.h"
#include "mac.h"
#include "mode_l2.h"

/* Which endpoint sent it, if it is a reflection of what one sent. */
static __always_inline const struct bv_port *rx_sender(ctx_t *ctx)
{
	struct l3 source = parse_source(ctx, ctx_len(ctx) - ETH_HLEN);
	const struct bv_addr *owner = l3_owner(ctx_device(ctx), &source);

	return owner ? &owner->to : dhcp_asker(ctx, ctx_device(ctx));
}

/* A copy for one with the filter on: copy_by_filter(). Nobody else may have it. */
static __always_inline struct verdict rx_member(ctx_t *ctx)
{
	__u32 id = ctx->mark;
	const struct bv_port *port = port_of(&id);

	ctx->mark = 0;
	if (!port || !port->filter || port->mode != BV_MODE_L2 || port->parent != ctx_device(ctx))
		return verdict(BV_REASON_RX_NO_FILTER);
	return rx_filtered(ctx, port);
}

/*
 * False if it is the parent's stack's alone. A reflection is for those alone whom policy vepa keeps
 * from hearing it directly. Who sent it is not always to be found (nor in the driver): then those
 * hear it whom no endpoint's policy keeps from it. No frame has a group for its source; an endpoint
 * could send one past the policies.
 */
static __always_inline bool rx_group(ctx_t *ctx, struct verdict *v)
{
	struct audience to = {.parent = ctx_device(ctx),
			      .sender = FLOOD_NO_SENDER,
			      .wanted = BV_POLICY_VEPA,
			      .filtered = true};
	const struct bv_parent *parent = bpf_map_lookup_elem(&parents, &to.parent);
	const struct bv_port *sender = NULL;
	const struct bv_addr *owner;
	int flooded;
	struct ethhdr eth;
	struct l3 asked;
	__u16 resume = 0;

	if (ctx_state(ctx) == STATE_FOR_MEMBER) {
		*v = rx_member(ctx);
		return true;
	}
	if (!parent || !parent->l2_endpoints || bpf_skb_load_bytes(ctx, 0, &eth, sizeof(eth)) ||
	    (eth.h_source[0] & 1) || ctx_ethertype(ctx) == bpf_htons(ETH_P_PAUSE))
		return false;
	if (mac_equal(eth.h_source, parent->mac)) {
		sender = rx_sender(ctx);
		to.sender = sender ? sender->id : FLOOD_UNKNOWN_SENDER;
		to.sender_policy = sender ? sender->policy : BV_POLICY_VEPA;
	}
	asked = parse_neighbour_request(ctx);
	owner = l3_owner(to.parent, &asked);
	if (owner && owner->to.id == to.sender)
		owner = NULL; /* it announces its own */
	if (owner) {
		if (is_in_audience(&owner->to, &to))
			copy_to(ctx, &owner->to);
		else if (!sender)
			return false; /* in mode l3, or a private one's that nobody may ask */
		*v = verdict(sender ? BV_REASON_RX_REFLECTED : BV_REASON_RX_SOLICITED);
		return true;
	}
	flooded = bv_flood(ctx, &eth, parent->index, &to, &resume);
	*v = flooded == FLOOD_PAUSED
		     ? again(resume)
		     : verdict(sender ? BV_REASON_RX_REFLECTED : BV_REASON_RX_FLOODED);
	return sender || flooded != FLOOD_NOBODY;
}

#endif
