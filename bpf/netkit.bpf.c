// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach point: the inner side of an endpoint's netkit pair (drivers/net/netkit.c, since 6.7): the
 * endpoint's own transmit path, before any queue. What is common goes its way from here; the rest
 * comes in by the host side, as from a veth pair, where bv_xmit waits for it.
 */
#include "core/ctx_skb.h"
#include "core/filtered.h"
#include "core/finish.h"
#include "core/learn.h"
#include "core/mode_l2.h"
#include "core/mode_l3.h"

/*
 * IP to one receiver, as a stack sends it. Tags are still within the frame here, and the protocol
 * is what the sender's socket said: the receiving side of a device would put both right.
 */
static __always_inline bool is_plain(ctx_t *ctx)
{
	const struct ethhdr *eth = ctx_header(ctx, ETH_HLEN);

	if (!eth || (eth->h_dest[0] & 1) || ctx_is_tagged(ctx))
		return false;
	return eth->h_proto == ctx_ethertype(ctx) &&
	       (eth->h_proto == bpf_htons(ETH_P_IP) || eth->h_proto == bpf_htons(ETH_P_IPV6));
}

static __always_inline struct verdict xmit_unicast(ctx_t *ctx, const struct bv_port *from)
{
	return from->mode == BV_MODE_L2 ? l2_xmit_unicast(ctx, from) : l3_xmit(ctx, from);
}

SEC("tc")
int bv_netkit(ctx_t *ctx)
{
	const struct bv_port *from;

	if (!is_plain(ctx))
		return ctx_receive(ctx_device(ctx));
	from = sender_by(ctx_device(ctx));
	if (!from)
		return finish(ctx, verdict(BV_REASON_TX_NO_ENDPOINT), BV_NO_ENDPOINT);
	ctx_take_state(ctx);
	if (!from->learn_age && !from->filter)
		return from->mode == BV_MODE_L2 ? l2_xmit_plain(ctx, from, true)
						: l3_xmit_plain(ctx, from, true);
	ctx_start_early(ctx);
	if (from->learn_age && !from->in_parent_netns)
		learn_source(ctx, from);
	return finish(ctx, xmit_filtered(ctx, from, xmit_unicast(ctx, from)), from->id);
}

char _license[] SEC("license") __weak = "GPL";
