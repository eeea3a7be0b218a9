/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mode l3: IP addresses decide. MAC addresses only tell a sibling's stack whether it is meant, as
 * on any wire. Rules: behaviour.md, "rx" and "xmit".
 */
#ifndef BPFVLAN_MODE_L3_H
#define BPFVLAN_MODE_L3_H

#include "policy.h"
#include "route.h"

/* ipvlan_xmit_mode_l3(); the driver looks for a sibling even in frames it would not route. */
static __always_inline struct verdict l3_xmit(ctx_t *ctx, const struct bv_port *from)
{
	const struct bv_port *sibling;
	struct l3 l3;

	if (ctx_is_tagged(ctx))
		return verdict(BV_REASON_TX_VLAN);
	l3 = parse_l3(ctx, ctx_len(ctx));
	sibling = l3_port(from->parent, &l3);
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
	return route(ctx, &l3, from->parent);
}

#endif
