/* SPDX-License-Identifier: GPL-2.0-only */
/* rx: whose frame is it? ipvlan_handle_frame() in drivers/net/ipvlan/ipvlan_core.c. */
#ifndef BPFVLAN_RX_H
#define BPFVLAN_RX_H

#include "parse.h"
#include "verdict.h"

static __always_inline struct verdict rx(ctx_t *ctx)
{
	const struct bv_addr *to;
	struct l3 l3;

	if (ctx_for_other_host(ctx))
		return verdict(BV_REASON_RX_OTHER_HOST);
	if (ctx_in_vlan(ctx))
		return verdict(BV_REASON_RX_VLAN);
	l3 = parse_l3(ctx, ctx_len(ctx) - ETH_HLEN);
	switch (l3.status) {
	case L3_OK:
		break;
	case L3_OTHER:
		return verdict(BV_REASON_RX_NOT_IP);
	default:
		return verdict(BV_REASON_RX_MALFORMED);
	}
	to = l3_owner(ctx_device(ctx), &l3);
	return to ? deliver(BV_REASON_RX_DELIVERED, to) : verdict(BV_REASON_RX_NO_ENDPOINT);
}

#endif
