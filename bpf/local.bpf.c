// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach point: the parent, TC egress.
 *
 * An endpoint's packet for an address of the parent comes out of bpf_redirect_neigh() with its
 * local route attached and, as the neighbour is the loopback's, with the destination MAC address
 * 00:00:00:00:00:00. The loopback is where it belongs: there it enters the stack by its route, as
 * the driver's packets do. Everything else that leaves by the parent costs one comparison.
 */
#include "core/route.h"

static __always_inline bool to_zero_mac(ctx_t *ctx)
{
	const __u16 *mac = ctx_header(ctx, ETH_HLEN);

	return mac && !(mac[0] | mac[1] | mac[2]);
}

SEC("tc")
int bv_local(ctx_t *ctx)
{
	const struct bv_endpoint *from;
	struct l3 l3;

	if (!to_zero_mac(ctx))
		return ctx_pass();
	from = endpoint_of(ctx_came_by(ctx));
	if (!from || from->parent != ctx_device(ctx) || from->mode == BV_MODE_L2)
		return ctx_pass();

	/* The packet was counted by xmit, before its route was known. */
	l3 = parse_l3(ctx, ctx_len(ctx));
	return finish_revised(ctx, l3.status == L3_MALFORMED ? BV_REASON_TX_MALFORMED
							     : BV_REASON_TX_ROUTED);
}

char _license[] SEC("license") __weak = "GPL";
