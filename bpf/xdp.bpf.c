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

/* Whether bv_filter would drop it by the rules; who is to count that is not decided yet. */
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

/* BV_REASON_MAX: it is left to bv_rx. */
static __always_inline struct verdict early_verdict(ctx_t *ctx, struct flow *f)
{
	const struct l3 l3 = parse_l3(ctx, ctx_len(ctx) - ETH_HLEN);
	const struct bv_port *to;

	if (l3.status == L3_MALFORMED)
		return verdict(header_is_bad(ctx) ? BV_REASON_RX_BAD_HEADER : BV_REASON_MAX);
	to = early_port(ctx, &l3);
	if (!to || says_no_length(ctx))
		return verdict(BV_REASON_MAX);
	if (source_is_nobodys(ctx))
		return verdict(BV_REASON_RX_SPOOFED);
	if (to->filter && rules_drop(ctx, f, to))
		return verdict(reason_of(&f->target, BV_CHAIN_INPUT));
	if (source_is_own(ctx, to)) /* behind the rules, as it costs a look-up */
		return verdict(BV_REASON_RX_SPOOFED);
	return takes_frame(ctx, to) ? deliver(BV_REASON_RX_DELIVERED, to) : verdict(BV_REASON_MAX);
}

/* As bv_filter counts it. */
static __always_inline void count_rule_of(const struct flow *f)
{
	count_rule(f->target.counter, f->bytes);
	if (f->state == BV_CTSTATE_INVALID)
		count_ct(BV_CT_STAT_INVALID);
}

static __always_inline int early(ctx_t *ctx)
{
	__u32 zero = 0;
	struct flow *f = bpf_map_lookup_elem(&flow_scratch, &zero);
	struct verdict v;

	if (!f)
		return ctx_pass();
	v = early_verdict(ctx, f);
	if (v.reason == BV_REASON_MAX || !is_to_parent(ctx))
		return ctx_pass();
	if (v.to && !ctx_send_by(&xdp_devices, v.ifindex))
		return ctx_pass();
	if (v.reason == BV_REASON_RX_RULE || v.reason == BV_REASON_RX_CHAIN_POLICY)
		count_rule_of(f);
	count(ctx, &v, BV_NO_ENDPOINT);
	record(&v);
	return v.to ? ctx_sent() : ctx_drop();
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
