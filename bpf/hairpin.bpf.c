// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach point: a port at the other end of a parent's wire, TC ingress. Broadcast and multicast go
 * back and on to the stack, and XDP cannot copy; and what somebody on this machine has redirected,
 * as all endpoints' frames are, generic XDP does not look at.
 */
#include "core/ctx_skb.h"
#include "core/reflect.h"

/* 01:80:c2:00:00:00 to 0f: no bridge relays these (IEEE 802.1D, 7.12.6). */
static __always_inline bool is_control(const __u8 *mac)
{
	return mac[0] == 0x01 && mac[1] == 0x80 && mac[2] == 0xc2 && !mac[3] && !mac[4] &&
	       mac[5] <= 0x0f;
}

static __always_inline enum bv_hairpin_end copy_back(ctx_t *ctx, const struct bv_hairpin_port *port)
{
	const struct ethhdr *eth = ctx_header(ctx, ETH_HLEN);

	if (!eth)
		return BV_HAIRPIN_CUT;
	if (is_control(eth->h_dest))
		return BV_HAIRPIN_CONTROL;
	if (came_within(frame_hash(ctx, port), BV_HAIRPIN_ECHO_NS))
		return BV_HAIRPIN_ECHO;
	return ctx_send_copy(ctx, ctx_device(ctx)) ? BV_HAIRPIN_GROUP : BV_HAIRPIN_LOST;
}

SEC("tc")
int bv_hairpin(ctx_t *ctx)
{
	const struct bv_hairpin_port *port = the_port();
	enum bv_hairpin_end end;

	if (!port)
		return ctx_pass();
	end = decide(ctx, port);
	if (goes_back(end))
		return send_back(ctx, port, end);
	count(ctx, end == BV_HAIRPIN_GROUP ? copy_back(ctx, port) : end);
	return ctx_pass();
}

char _license[] SEC("license") __weak = "GPL";
