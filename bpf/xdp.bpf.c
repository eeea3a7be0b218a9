// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach point: a parent, XDP, before bv_rx. It drops what would be dropped further on, and hands
 * frames to endpoints that take them from XDP. All else it leaves to bv_rx, which counts it.
 */
#include "core/ctx_xdp.h"
#include "core/early.h"
#include "core/filter.h"

__noinline int bv_early_parse(ctx_t *ctx, struct flow *f, __u32 parent)
{
	return f ? flow_parse(ctx, f, parent) : FLOW_MALFORMED;
}

/* Also if it cannot be told. */
__noinline int bv_early_known(struct flow *f)
{
	__u32 zero = 0;
	const struct bv_ct_settings *settings = bpf_map_lookup_elem(&ct_settings, &zero);

	return !f || !settings || conn_is_known(f, settings);
}

/* f->target */
__noinline int bv_early_rules(struct flow *f, __u32 parent)
{
	if (f)
		f->target = rules_target(f, parent, BV_CHAIN_INPUT);
	return 0;
}

/* Whether bv_filter would drop it by the rules. They have not been changed, nor anything else. */
static __always_inline bool rules_drop(ctx_t *ctx, struct flow *f, const struct bv_port *to)
{
	const __u32 parent = to->parent_index;

	f->chain = BV_CHAIN_INPUT;
	f->kind = bv_early_parse(ctx, f, parent);
	f->now = now_ticks();
	switch (f->kind) {
	case FLOW_TRACKED:
	case FLOW_RELATED:
		if (bv_early_known(f))
			return false;
		break;
	case FLOW_INVALID:
		break;
	default:
		return false;
	}
	f->state = state_without(f);
	f->rule.state = (f->rule.state & 0x3f) | f->state << 6;
	f->rule.endpoint[0] = to->id >> 8;
	f->rule.endpoint[1] = to->id;
	f->rules_generation = 0;
	bv_early_rules(f, parent);
	return f->target.target == BV_TARGET_DROP;
}

static __always_inline int drop(ctx_t *ctx, enum bv_reason reason)
{
	const struct verdict v = verdict(reason);

	count(ctx, &v, BV_NO_ENDPOINT);
	record(&v);
	return ctx_drop();
}

/* As bv_filter counts it. */
static __always_inline int drop_by_rules(ctx_t *ctx, const struct flow *f)
{
	count_rule(f->target.counter, f->bytes);
	if (f->state == BV_CTSTATE_INVALID)
		count_ct(BV_CT_STAT_INVALID);
	return drop(ctx, reason_of(&f->target, BV_CHAIN_INPUT));
}

static __always_inline int hand_over(ctx_t *ctx, const struct bv_port *to)
{
	const struct verdict v = deliver(BV_REASON_RX_DELIVERED, to);

	if (!ctx_send_by(&xdp_devices, v.ifindex))
		return ctx_pass();
	count(ctx, &v, BV_NO_ENDPOINT);
	record(&v);
	return ctx_sent();
}

static __always_inline int early(ctx_t *ctx)
{
	const struct l3 l3 = parse_l3(ctx, ctx_len(ctx) - ETH_HLEN);
	const struct bv_port *to;
	struct flow *f;
	__u32 zero = 0;

	if (l3.status == L3_MALFORMED)
		return header_is_bad(ctx) && is_to_parent(ctx) ? drop(ctx, BV_REASON_RX_BAD_HEADER)
							       : ctx_pass();
	to = early_port(ctx, &l3);
	if (!to || says_no_length(ctx))
		return ctx_pass();
	if (source_is_spoofed(ctx, to))
		return is_to_parent(ctx) ? drop(ctx, BV_REASON_RX_SPOOFED) : ctx_pass();
	if (to->filter) {
		f = bpf_map_lookup_elem(&flow_scratch, &zero);
		return f && rules_drop(ctx, f, to) && is_to_parent(ctx) ? drop_by_rules(ctx, f)
									: ctx_pass();
	}
	return takes_frame(ctx, to) && is_to_parent(ctx) ? hand_over(ctx, to) : ctx_pass();
}

SEC("xdp.frags")
int bv_xdp(ctx_t *ctx)
{
	return early(ctx);
}

/*
 * For generic mode. Of a packet that it must copy for a program of several buffers, the kernel
 * forgets mac_len (skb_pp_cow_data(), since 6.9), and TC would see it begin at its IP header.
 */
SEC("xdp")
int bv_xdp_generic(ctx_t *ctx)
{
	return early(ctx);
}

char _license[] SEC("license") __weak = "GPL";
