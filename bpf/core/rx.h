/* SPDX-License-Identifier: GPL-2.0-only */
/* rx: whose frame is it? ipvlan_handle_frame() in drivers/net/ipvlan/ipvlan_core.c. */
#ifndef BPFVLAN_RX_H
#define BPFVLAN_RX_H

#include "finish.h"
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

/* Mode l3s has IP packets alone, by their destination: neighbour requests are the host's. */
static __always_inline bool is_hosts_request(const struct l3 *l3, const struct bv_port *to)
{
	return l3->by_target && to->mode == BV_MODE_L3S;
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
	if (to && !is_hosts_request(&l3, to) && (to->mode != BV_MODE_L2 || !ctx_to_group(ctx)))
		return rx_filtered(ctx, to);
	if (ctx_to_group(ctx) && rx_group(ctx, &v))
		return v;
	return rx_unknown(ctx, &l3);
}

/*
 * The same for what is plainly for us: nearly all that endpoints get. It ends here, with what is
 * known of it, as each question counts.
 */
static __always_inline int rx_plain(ctx_t *ctx)
{
	const struct l3 l3 = parse_l3(ctx, ctx_len(ctx) - ETH_HLEN);
	const struct bv_port *to = l3_port(ctx_device(ctx), &l3);

	if (!to || is_hosts_request(&l3, to))
		return finish(ctx, rx_unknown(ctx, &l3), BV_NO_ENDPOINT);
	if (!to->filter)
		return FINISH_PLAIN(ctx, deliver(BV_REASON_RX_DELIVERED, to), BV_NO_ENDPOINT,
				    false);
	return finish(ctx, rx_filtered(ctx, to), BV_NO_ENDPOINT);
}

#endif
