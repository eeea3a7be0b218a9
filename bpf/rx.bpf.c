// SPDX-License-Identifier: GPL-2.0-only
/* Attach point: the parent, TC ingress. */
#include "core/ctx_skb.h"

#include "core/finish.h"
#include "core/rx.h"

SEC("tc")
int bv_rx(ctx_t *ctx)
{
	if (ctx_is_plain(ctx))
		return rx_plain(ctx);
	return finish(ctx, rx(ctx), BV_NO_ENDPOINT);
}

char _license[] SEC("license") __weak = "GPL";
