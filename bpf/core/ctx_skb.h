/* SPDX-License-Identifier: GPL-2.0-only */
/* The TC side of the context: the only header that names __sk_buff. */
#ifndef BPFVLAN_CTX_SKB_H
#define BPFVLAN_CTX_SKB_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ctx_field.h"

typedef struct __sk_buff ctx_t;

#define LOOPBACK_IFINDEX 1 /* include/net/flow.h: the loopback of every namespace */
#define VLAN_VID_MASK	 0x0fff

/* Bytes of the frame, Ethernet header included. */
static __always_inline __u32 ctx_len(const ctx_t *ctx)
{
	return ctx->len;
}

static __always_inline __be16 ctx_ethertype(const ctx_t *ctx)
{
	return CTX_FIELD(ctx, protocol);
}

static __always_inline bool ctx_is_tagged(const ctx_t *ctx)
{
	return CTX_FIELD(ctx, vlan_present);
}

/* Several segments in one, cut up later if at all. */
static __always_inline bool ctx_is_super(const ctx_t *ctx)
{
	return ctx->gso_size;
}

/* VLAN id 0 is a priority tag: the receiving stack takes the frame as untagged. */
static __always_inline bool ctx_in_vlan(const ctx_t *ctx)
{
	return ctx_is_tagged(ctx) && (CTX_FIELD(ctx, vlan_tci) & VLAN_VID_MASK);
}

static __always_inline bool ctx_for_other_host(const ctx_t *ctx)
{
	return CTX_FIELD(ctx, pkt_type) == PACKET_OTHERHOST;
}

/* To this device's own MAC address, as it saw it, and without a tag. */
static __always_inline bool ctx_is_plain(const ctx_t *ctx)
{
	return CTX_FIELD(ctx, pkt_type) == PACKET_HOST && !CTX_FIELD(ctx, vlan_present);
}

/* By the destination MAC address, as the device that received it saw it. */
static __always_inline bool ctx_to_group(const ctx_t *ctx)
{
	__u32 type = CTX_FIELD(ctx, pkt_type);

	return type == PACKET_BROADCAST || type == PACKET_MULTICAST;
}

/*
 * Read anew each time: a helper that changes the frame moves it. The assembly keeps the compiler
 * from folding two reads, or a check and a NULL, into arithmetic the verifier cannot follow.
 */
static __always_inline void *ctx_data(const ctx_t *ctx)
{
	void *data;

	asm volatile("%0 = *(u32 *)(%1 + %2)" : "=r"(data) : "r"(ctx), "i"(offsetof(ctx_t, data)));
	return data;
}

static __always_inline void *ctx_data_end(const ctx_t *ctx)
{
	void *end;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(end)
		     : "r"(ctx), "i"(offsetof(ctx_t, data_end)));
	return end;
}

/*
 * The first `len` bytes of the frame for direct access, or NULL if it is shorter. Pulls them into
 * the linear part when a driver left them in a page fragment, which invalidates earlier pointers.
 */
static __always_inline void *ctx_header(ctx_t *ctx, __u32 len)
{
	void *data = ctx_data(ctx);

	if (data + len > ctx_data_end(ctx)) {
		if (ctx->len < len || bpf_skb_pull_data(ctx, len))
			return NULL;
		data = ctx_data(ctx);
		if (data + len > ctx_data_end(ctx))
			return NULL;
	}
	asm volatile("" : "+r"(data));
	return data;
}

/* Bytes of the frame, wherever the driver left them; false if it is shorter. */
static __always_inline bool ctx_load(ctx_t *ctx, __u32 at, void *to, __u32 len)
{
	return !bpf_skb_load_bytes(ctx, at, to, len);
}

/* The outer tag, which is always beside the frame here, and what is behind it. */
static __always_inline bool ctx_vlan(const ctx_t *ctx, bool *tagged, __u16 *id, __be16 *ethertype)
{
	*tagged = ctx_is_tagged(ctx);
	*id = *tagged ? CTX_FIELD(ctx, vlan_tci) & VLAN_VID_MASK : 0;
	*ethertype = ctx_ethertype(ctx);
	return true;
}

/* By a helper: one direct write in a program has the header of all that passes unshared. */
static __always_inline bool ctx_set_macs(ctx_t *ctx, const __u8 *dst, const __u8 *src)
{
	__u8 macs[2 * ETH_ALEN];

	__builtin_memcpy(macs, dst, ETH_ALEN);
	__builtin_memcpy(macs + ETH_ALEN, src, ETH_ALEN);
	return !bpf_skb_store_bytes(ctx, 0, macs, sizeof(macs), 0);
}

/* What the sender's namespace wrote on the packet means nothing in the receiver's. */
static __always_inline void ctx_leave_netns(ctx_t *ctx)
{
	ctx->mark = 0;
	ctx->priority = 0;
}

/* Whatever MAC address the sender wrote: the host's stack takes what was routed to it as its own.
 */
static __always_inline void ctx_to_us(ctx_t *ctx)
{
	if (ctx->pkt_type != PACKET_HOST)
		bpf_skb_change_type(ctx, PACKET_HOST);
}

/*
 * Into the namespace behind a host side, in this softirq round. redirect_peer makes the packet
 * type HOST on newer kernels and keeps it on older ones, so a frame for a group or for another host
 * goes through the device pair, whose receiver works its type out again. redirect_peer refuses a
 * peer in this namespace, and anything at all while the packet has not been received yet.
 */
static __always_inline int ctx_deliver(ctx_t *ctx, __u32 host_side, bool same_netns, bool early)
{
	if (same_netns || early || ctx->pkt_type != PACKET_HOST)
		return bpf_redirect(host_side, 0);
	return bpf_redirect_peer(host_side, 0);
}

/* Unchanged, out of a device; towards a namespace if it is a host side. */
static __always_inline int ctx_send(__u32 ifindex)
{
	return bpf_redirect(ifindex, 0);
}

/* A copy of it; false if there was no memory, no such device, or nobody behind it to take it. */
static __always_inline bool ctx_send_copy(ctx_t *ctx, __u32 ifindex)
{
	return !bpf_clone_redirect(ctx, ifindex, 0);
}

/* Out of the device that it came in by. */
static __always_inline int ctx_send_back(ctx_t *ctx)
{
	return bpf_redirect(CTX_FIELD(ctx, ifindex), 0);
}

/* As if it had come in by a device. */
static __always_inline int ctx_receive(__u32 ifindex)
{
	return bpf_redirect(ifindex, BPF_F_INGRESS);
}

/* By assembly for the reason that CTX_FIELD has. */
static __always_inline void ctx_set_state(ctx_t *ctx, __u32 state)
{
	asm volatile("*(u32 *)(%0 + %1) = %2"
		     :
		     : "r"(ctx), "i"(offsetof(ctx_t, tc_index)), "r"(state)
		     : "memory");
}

/*
 * The program once more with this packet, when what waits on this CPU is done with; `state` comes
 * with it, and is 0 for a packet that comes first.
 */
static __always_inline int ctx_again(ctx_t *ctx, __u16 state)
{
	ctx_set_state(ctx, state);
	return bpf_redirect(CTX_FIELD(ctx, ifindex), BPF_F_INGRESS);
}

/* Programs write it too, so it is read where it says so. */
static __always_inline __u16 ctx_state(const ctx_t *ctx)
{
	__u32 state;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(state)
		     : "r"(ctx), "i"(offsetof(ctx_t, tc_index))
		     : "memory");
	return state;
}

/*
 * The same with a copy, by the device that the packet came in by, and with a mark, as the state has
 * too few bits; false if there was no memory.
 */
static __always_inline bool ctx_again_copy(ctx_t *ctx, __u32 ifindex, __u16 state, __u32 mark)
{
	const __u16 own_state = ctx_state(ctx);
	const __u32 own_mark = ctx->mark;
	bool done;

	ctx_set_state(ctx, state);
	ctx->mark = mark;
	done = !bpf_clone_redirect(ctx, ifindex, BPF_F_INGRESS);
	ctx_set_state(ctx, own_state);
	ctx->mark = own_mark;
	return done;
}

/* The state ends here. */
static __always_inline __u16 ctx_take_state(ctx_t *ctx)
{
	const __u16 state = ctx_state(ctx);

	if (state)
		ctx_set_state(ctx, 0);
	return state;
}

/*
 * A packet that is still on the transmit path of its sender has no device that it came in by. One
 * that is routed from there says so for as long as it takes to leave.
 */
#define CTX_EARLY 0xffff

static __always_inline void ctx_start_early(ctx_t *ctx)
{
	ctx_set_state(ctx, CTX_EARLY);
}

/*
 * Route with this output interface and resolve the neighbour; needs no forwarding sysctl. `hop`:
 * the neighbour, if it is known already.
 */
static __always_inline int ctx_route_out(ctx_t *ctx, __u32 ifindex, struct bpf_redir_neigh *hop,
					 bool early)
{
	if (early)
		ctx_start_early(ctx);
	if (hop)
		return bpf_redirect_neigh(ifindex, hop, sizeof(*hop), 0);
	return bpf_redirect_neigh(ifindex, NULL, 0, 0);
}

/*
 * Route with the loopback as output interface: a local destination arrives there with its route
 * attached, as the driver's own packets do; one without any route is dropped.
 */
static __always_inline int ctx_route_host(ctx_t *ctx)
{
	ctx_to_us(ctx);
	return bpf_redirect_neigh(LOOPBACK_IFINDEX, NULL, 0, 0);
}

/* The same for a packet that has its route already. */
static __always_inline int ctx_routed_to_host(ctx_t *ctx)
{
	ctx_to_us(ctx);
	return bpf_redirect(LOOPBACK_IFINDEX, 0);
}

static __always_inline int ctx_pass(void)
{
	return TC_ACT_UNSPEC; /* the next program or filter decides, not TC_ACT_OK's end of it */
}

static __always_inline int ctx_drop(void)
{
	return TC_ACT_SHOT;
}

/* ifindex of the device whose hook runs, and of the one the packet came in by. */
static __always_inline __u32 ctx_device(const ctx_t *ctx)
{
	return CTX_FIELD(ctx, ifindex);
}

static __always_inline __u32 ctx_came_by(const ctx_t *ctx)
{
	return CTX_FIELD(ctx, ingress_ifindex);
}

#endif
