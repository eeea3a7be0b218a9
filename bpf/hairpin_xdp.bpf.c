// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach point: a port at the other end of a parent's wire, XDP, where its driver has that. It
 * takes what goes back unchanged or by its address; all else is bv_hairpin's to decide, and
 * to count.
 */
#include "core/ctx_xdp.h"
#include "core/reflect.h"

SEC("xdp")
int bv_hairpin_xdp(ctx_t *ctx)
{
	const struct bv_hairpin_port *port = the_port();
	enum bv_hairpin_end end;

	if (!port)
		return ctx_pass();
	end = decide(ctx, port);
	return goes_back(end) ? send_back(ctx, port, end) : ctx_pass();
}

char _license[] SEC("license") __weak = "GPL";
