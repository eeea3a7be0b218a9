// SPDX-License-Identifier: GPL-2.0-only
/* Attach point: the host side of an endpoint's device pair, TC ingress. */
#include "core/ctx_skb.h"
#include "core/filtered.h"
#include "core/finish.h"
#include "core/learn.h"
#include "core/membership.h"
#include "core/mode_l2.h"
#include "core/mode_l3.h"

static __always_inline struct verdict xmit(ctx_t *ctx, const struct bv_port *from)
{
	switch (from->mode) {
	case BV_MODE_L2:
		return l2_xmit(ctx, from);
	case BV_MODE_L3:
	case BV_MODE_L3S:
		return l3_xmit(ctx, from);
	}
	return verdict(BV_REASON_TX_NO_ENDPOINT);
}

/* What the sender's own programs have left as a state is none. */
static __always_inline int xmit_plain(ctx_t *ctx, const struct bv_port *from)
{
	ctx_take_state(ctx);
	return from->mode == BV_MODE_L2 ? l2_xmit_plain(ctx, from, false)
					: l3_xmit_plain(ctx, from, false);
}

SEC("tc")
int bv_xmit(ctx_t *ctx)
{
	const struct bv_port *from = sender_by(ctx_device(ctx));

	if (!from)
		return finish(ctx, verdict(BV_REASON_TX_NO_ENDPOINT), BV_NO_ENDPOINT);
	if (ctx_to_group(ctx))
		note_membership(ctx, from);
	else if (!from->learn_age && !from->filter && !ctx_is_tagged(ctx))
		return xmit_plain(ctx, from);
	if (from->learn_age && !from->in_parent_netns) /* there it would be the host's */
		learn_source(ctx, from);
	return finish(ctx, xmit_filtered(ctx, from, xmit(ctx, from)), from->id);
}

char _license[] SEC("license") __weak = "GPL";
