/* SPDX-License-Identifier: GPL-2.0-only */
/* rx: whose frame is it? ipvlan_handle_frame() in drivers/net/ipvlan/ipvlan_core.c. */
#ifndef BPFVLAN_RX_H
#define BPFVLAN_RX_H

#include "rx_group.h"

/* Nobody's by its address: perhaps by the question that it answers. */
static __always_inline struct verdict rx_unknown(ctx_t *ctx, const struct l3 *l3)
{
	const struct bv_port *to;

	switch (l3->status) {
	case L3_OK:
		to = ctx_to_group(ctx) ? NULL : dhcp_answer_for(ctx, ctx_device(ctx));
		return to ? deliver(BV_REASON_RX_DHCP, to) : verdict(BV_REASON_RX_NO_ENDPOINT);
	case L3_OTHER:
		return verdict(BV_REASON_RX_NOT_IP);
	default:
		return verdict(BV_REASON_RX_MALFORMED);
	}
}

/* Mode l3s has IP packets alone, by their destination. */
static __always_inline bool is_ip(ctx_t *ctx, const struct l3 *l3)
{
	return !l3->by_target && ctx_ethertype(ctx) != bpf_htons(ETH_P_ARP);
}

static __always_inline struct verdict rx(ctx_t *ctx)
{
	const struct bv_port *to;
	struct verdict v;
	struct l3 l3;

	if (ctx_for_other_host(ctx))
		return verdict(BV_REASON_RX_OTHER_HOST);
	if (ctx_in_vlan(ctx))
		return verdict(BV_REASON_RX_VLAN);
	l3 = parse_l3(ctx, ctx_len(ctx) - ETH_HLEN);
	to = l3_port(ctx_device(ctx), &l3);
	if (to && to->mode == BV_MODE_L3S && !is_ip(ctx, &l3))
		to = NULL; /* neighbour requests are the host's */
	if (to && (to->mode != BV_MODE_L2 || !ctx_to_group(ctx)))
		return rx_filtered(ctx, to);
	if (ctx_to_group(ctx) && rx_group(ctx, &v))
		return v;
	return rx_unknown(ctx, &l3);
}

#endif
