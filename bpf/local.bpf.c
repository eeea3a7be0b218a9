// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach point: the parent, TC egress.
 *
 * An endpoint's packet for an address of the parent comes out of bpf_redirect_neigh() with its
 * local route attached and, as the neighbour is the loopback's, with the destination MAC address
 * 00:00:00:00:00:00. The loopback is where it belongs: there it enters the stack by its route, as
 * the driver's packets do. Everything else that leaves by the parent costs two comparisons.
 */
#include "core/ctx_skb.h"
#include "core/finish.h"
#include "core/route.h"

static __always_inline bool to_zero_mac(ctx_t *ctx)
{
	const __u16 *mac = ctx_header(ctx, ETH_HLEN);

	return mac && !mac[0] && !mac[1] && !mac[2];
}

/* An endpoint on this parent sent it; if by netkit, nothing more is known of who. */
static __always_inline bool was_routed(ctx_t *ctx, bool early)
{
	const struct bv_port *from;

	if (early)
		return true;
	from = sender_by(ctx_came_by(ctx));
	return from && from->parent == ctx_device(ctx) && from->mode != BV_MODE_L2;
}

SEC("tc")
int bv_local(ctx_t *ctx)
{
	const bool early = ctx_take_state(ctx) == CTX_EARLY;
	struct l3 l3;

	if (!to_zero_mac(ctx) || !was_routed(ctx, early))
		return ctx_pass();

	/* The packet was counted by xmit, before its route was known. */
	l3 = parse_l3(ctx, ctx_len(ctx));
	return finish_revised(ctx, l3.status == L3_MALFORMED ? BV_REASON_TX_MALFORMED
							     : BV_REASON_TX_ROUTED);
}

char _license[] SEC("license") __weak = "GPL";
