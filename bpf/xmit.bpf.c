// SPDX-License-Identifier: GPL-2.0-only
/* Attach point: the host side of an endpoint's device pair, TC ingress. */
#include "core/mode_l3.h"

SEC("tc")
int bv_xmit(ctx_t *ctx)
{
	const struct bv_endpoint *from = endpoint_of(ctx_device(ctx));

	if (!from)
		return finish(ctx, verdict(BV_REASON_TX_NO_ENDPOINT), NULL);
	return finish(ctx, l3_xmit(ctx, from), from);
}

char _license[] SEC("license") __weak = "GPL";
