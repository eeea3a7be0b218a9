/* SPDX-License-Identifier: GPL-2.0-only */
/* The XDP side of the context: the only header that names xdp_md. */
#ifndef BPFVLAN_CTX_XDP_H
#define BPFVLAN_CTX_XDP_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ctx_field.h"

typedef struct xdp_md ctx_t;

#define VLAN_VID_MASK 0x0fff

/* Bytes of the frame, Ethernet header included, those in other buffers too. */
static __always_inline __u32 ctx_len(const ctx_t *ctx)
{
	return bpf_xdp_get_buff_len((ctx_t *)ctx);
}

static __always_inline bool ctx_in_one_buffer(const ctx_t *ctx)
{
	return ctx_len(ctx) == ctx->data_end - ctx->data;
}

/*
 * The first `len` bytes of the frame for direct access, or NULL if it, or what of it is in the
 * first buffer, is shorter.
 */
static __always_inline void *ctx_header(ctx_t *ctx, __u32 len)
{
	void *data = (void *)(long)ctx->data;

	return data + len > (void *)(long)ctx->data_end ? NULL : data;
}

static __always_inline bool ctx_load(ctx_t *ctx, __u32 at, void *to, __u32 len)
{
	return !bpf_xdp_load_bytes(ctx, at, to, len);
}

static __always_inline __be16 ctx_ethertype(ctx_t *ctx)
{
	const struct ethhdr *eth = ctx_header(ctx, ETH_HLEN);

	return eth ? eth->h_proto : 0;
}

/* Several segments in one, from the same machine: nothing tells, so that any frame may be. */
static __always_inline bool ctx_is_super(const ctx_t *ctx __attribute__((unused)))
{
	return true;
}

struct vlan_header {
	__be16 tci;
	__be16 ethertype;
};

/* The outer tag and what is behind it; false if that is cut off. A driver may have taken it out. */
static __always_inline bool ctx_vlan(ctx_t *ctx, bool *tagged, __u16 *id, __be16 *ethertype)
{
	const struct ethhdr *eth = ctx_header(ctx, ETH_HLEN);
	const struct vlan_header *tag;

	if (!eth)
		return false;
	*ethertype = eth->h_proto;
	*tagged = *ethertype == bpf_htons(ETH_P_8021Q) || *ethertype == bpf_htons(ETH_P_8021AD);
	if (!*tagged)
		return true;
	tag = ctx_header(ctx, ETH_HLEN + sizeof(*tag));
	if (!tag)
		return false;
	tag = (const void *)tag + ETH_HLEN;
	*id = bpf_ntohs(tag->tci) & VLAN_VID_MASK;
	*ethertype = tag->ethertype;
	return true;
}

static __always_inline bool ctx_set_macs(ctx_t *ctx, const __u8 *dst, const __u8 *src)
{
	struct ethhdr *eth = ctx_header(ctx, ETH_HLEN);

	if (!eth)
		return false;
	__builtin_memcpy(eth->h_dest, dst, ETH_ALEN);
	__builtin_memcpy(eth->h_source, src, ETH_ALEN);
	return true;
}

static __always_inline int ctx_pass(void)
{
	return XDP_PASS;
}

static __always_inline int ctx_drop(void)
{
	return XDP_DROP;
}

/* ifindex of the device that it came in by. */
static __always_inline __u32 ctx_device(const ctx_t *ctx)
{
	return CTX_FIELD(ctx, ingress_ifindex);
}

/* Out of a device that is in the map; false if it is not, and the frame passes. */
static __always_inline bool ctx_send_by(void *devices, __u32 ifindex)
{
	return bpf_redirect_map(devices, ifindex, XDP_PASS) == XDP_REDIRECT;
}

static __always_inline int ctx_sent(void)
{
	return XDP_REDIRECT;
}

/* Out of the device that it came in by. */
static __always_inline int ctx_send_back(ctx_t *ctx)
{
	(void)ctx;
	return XDP_TX;
}

#endif
