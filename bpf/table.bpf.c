// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the loader asks of the connection table, with BPF_PROG_TEST_RUN: only programs can take its
 * locks and read its clock. The request, and the answer, is what follows an empty Ethernet header.
 */
#include "core/conn_table.h"

struct forget {
	struct bv_ct_forget request;
	__u32 forgotten;
};

static __always_inline bool is_meant(const struct bv_conn *c, const struct bv_ct_forget *request)
{
	if (request->what == BV_CT_FORGET_ONE)
		return conn_is(c, &request->key);
	return request->parent_index == BV_CT_ANY_PARENT || request->parent_index == c->parent;
}

static long forget_in_set(__u32 index, struct forget *f)
{
	struct bv_conn_set *set = conn_set(index);
	__u32 forgotten = 0;

	if (!set)
		return 1;
	bpf_spin_lock(&set->lock);
	for (int i = 0; i < BV_CONN_WAYS; i++) {
		if (set->tag[i] && is_meant(&set->conn[i], &f->request)) {
			set->tag[i] = 0;
			forgotten++;
		}
	}
	bpf_spin_unlock(&set->lock);
	f->forgotten += forgotten;
	return 0;
}

SEC("tc")
int bv_ct_forget(ctx_t *ctx)
{
	struct forget f = {};

	if (bpf_skb_load_bytes(ctx, ETH_HLEN, &f.request, sizeof(f.request)))
		return -1;
	bpf_loop(bv_conn_sets, forget_in_set, &f, 0);
	return f.forgotten;
}

SEC("tc")
int bv_clock(ctx_t *ctx)
{
	const struct bv_ct_clock now = {.jiffies = bpf_jiffies64(),
					.coarse_ns = bpf_ktime_get_coarse_ns()};

	return bpf_skb_store_bytes(ctx, ETH_HLEN, &now, sizeof(now), 0);
}

char _license[] SEC("license") __weak = "GPL";
