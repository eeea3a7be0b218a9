// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the loader asks of the connection table, with BPF_PROG_TEST_RUN: only programs can take its
 * locks and read its clock. The request, and the answer, is what follows an empty Ethernet header.
 */
#include "core/ctx_skb.h"

#include "core/conn_table.h"

struct forget {
	struct bv_ct_forget request;
	__u32 forgotten;
	__u32 now;
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
	__u32 forgotten = 0, zero = 0;
	const struct bv_ct_settings *settings = bpf_map_lookup_elem(&ct_settings, &zero);

	if (!set || !settings)
		return 1;
	bpf_spin_lock(&set->lock);
	for (int i = 0; i < BV_CONN_WAYS; i++) {
		if (!set->tag[i] || !is_meant(&set->conn[i], &f->request))
			continue;
		set->tag[i] = 0;
		forgotten += !conn_expired(&set->conn[i], f->now, settings);
	}
	bpf_spin_unlock(&set->lock);
	f->forgotten += forgotten;
	return 0;
}

SEC("tc")
int bv_ct_forget(ctx_t *ctx)
{
	struct forget f = {.now = now_ticks()};
	__u64 hash;

	if (bpf_skb_load_bytes(ctx, ETH_HLEN, &f.request, sizeof(f.request)))
		return -1;
	if (f.request.what == BV_CT_FORGET_ONE) {
		hash = conn_hash(&f.request.key);
		forget_in_set(hash_set(hash, false), &f);
		forget_in_set(hash_set(hash, true), &f);
	} else {
		bpf_loop(bv_conn_sets, forget_in_set, &f, 0);
	}
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
