/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the driver reads of a frame before it looks an address up: ipvlan_get_L3_hdr() and
 * ipvlan_addr_lookup() in drivers/net/ipvlan/ipvlan_core.c, test by test. The entry file has chosen
 * the context.
 */
#ifndef BPFVLAN_PARSE_H
#define BPFVLAN_PARSE_H

#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "tables.h"

#define ND_NEIGHBOR_SOLICIT 135 /* RFC 4861, 4.3 */

enum l3_status {
	L3_OK,
	L3_MALFORMED, /* cut short, or its fields lie */
	L3_OTHER,     /* neither IPv4, IPv6 nor ARP */
};

enum l3_family {
	L3_NO_TARGET, /* nothing to look up */
	L3_IPV4,
	L3_IPV6,
};

struct l3 {
	enum l3_status status;
	enum l3_family family; /* of the target */
	const void *target;    /* the address that decides: 4 or 16 bytes, network order */
	bool by_target;	       /* it is not the destination, but what a neighbour request asks */
};

struct arp_eth_ip {
	__u8 fixed[8];
	__u8 sender_mac[ETH_ALEN];
	__u8 sender_ip[4];
	__u8 target_mac[ETH_ALEN];
	__u8 target_ip[4];
} __attribute__((packed));

struct ns_msg {
	struct icmp6hdr icmp;
	__u8 target[16];
};

/* The IP header behind the Ethernet header, or NULL. */
static __always_inline struct iphdr *ipv4_header(ctx_t *ctx)
{
	void *frame = ctx_header(ctx, ETH_HLEN + sizeof(struct iphdr));

	return frame ? frame + ETH_HLEN : NULL;
}

static __always_inline struct ipv6hdr *ipv6_header(ctx_t *ctx)
{
	void *frame = ctx_header(ctx, ETH_HLEN + sizeof(struct ipv6hdr));

	return frame ? frame + ETH_HLEN : NULL;
}

/* 0 stands for "too long to say" in a TCP super-packet (include/linux/ip.h: skb_ip_totlen). */
static __always_inline bool ipv4_length_lies(const ctx_t *ctx, const struct iphdr *ip, __u32 room,
					     __u32 header)
{
	__u32 total = bpf_ntohs(ip->tot_len);

	if (!total && ctx_is_super(ctx))
		return false;
	return room < total || total < header;
}

static __always_inline struct l3 parse_ipv4(ctx_t *ctx, __u32 room)
{
	const struct iphdr *ip = ipv4_header(ctx);
	__u32 header = sizeof(*ip);
	__u8 first;

	if (!ip)
		return (struct l3){.status = L3_MALFORMED};
	first = *(const __u8 *)ip;
	if (first != 0x45) { /* version and length of nearly all */
		header = (first & 0xf) * 4;
		if (first >> 4 != 4 || header < sizeof(*ip))
			return (struct l3){.status = L3_MALFORMED};
	}
	if (ipv4_length_lies(ctx, ip, room, header))
		return (struct l3){.status = L3_MALFORMED};
	return (struct l3){.status = L3_OK, .family = L3_IPV4, .target = &ip->daddr};
}

static __always_inline bool ipv4_is_group(__be32 addr)
{
	return (addr & bpf_htonl(0xf0000000)) == bpf_htonl(0xe0000000) || addr == bpf_htonl(~0u);
}

static __always_inline bool ipv6_is_any(const struct in6_addr *a)
{
	return !(a->s6_addr32[0] | a->s6_addr32[1] | a->s6_addr32[2] | a->s6_addr32[3]);
}

static __always_inline bool ipv6_is_loopback(const struct in6_addr *a)
{
	return !(a->s6_addr32[0] | a->s6_addr32[1] | a->s6_addr32[2]) &&
	       a->s6_addr32[3] == bpf_htonl(1);
}

/* Duplicate address detection comes from `::`: its target is what it asks for. */
static __always_inline struct l3 parse_ipv6_from_any(ctx_t *ctx)
{
	const __u32 icmp_at = ETH_HLEN + sizeof(struct ipv6hdr);
	void *frame = ctx_header(ctx, icmp_at + sizeof(struct icmp6hdr));

	if (!frame)
		return (struct l3){.status = L3_MALFORMED};
	if (((struct icmp6hdr *)(frame + icmp_at))->icmp6_type != ND_NEIGHBOR_SOLICIT)
		return (struct l3){.status = L3_OK, .family = L3_NO_TARGET};

	frame = ctx_header(ctx, icmp_at + sizeof(struct ns_msg));
	if (!frame)
		return (struct l3){.status = L3_MALFORMED};
	return (struct l3){.status = L3_OK,
			   .family = L3_IPV6,
			   .target = ((struct ns_msg *)(frame + icmp_at))->target,
			   .by_target = true};
}

static __always_inline struct l3 parse_ipv6(ctx_t *ctx)
{
	const struct ipv6hdr *ip6 = ipv6_header(ctx);

	if (!ip6)
		return (struct l3){.status = L3_MALFORMED};
	if (ip6->version != 6)
		return (struct l3){.status = L3_MALFORMED};
	if (ip6->nexthdr == IPPROTO_ICMPV6 && ipv6_is_any(&ip6->saddr))
		return parse_ipv6_from_any(ctx);
	return (struct l3){.status = L3_OK, .family = L3_IPV6, .target = &ip6->daddr};
}

static __always_inline struct l3 parse_arp(ctx_t *ctx)
{
	void *frame = ctx_header(ctx, ETH_HLEN + sizeof(struct arp_eth_ip));

	if (!frame)
		return (struct l3){.status = L3_MALFORMED};
	return (struct l3){.status = L3_OK,
			   .family = L3_IPV4,
			   .target = ((struct arp_eth_ip *)(frame + ETH_HLEN))->target_ip,
			   .by_target = true};
}

/*
 * `room`: what the IPv4 total length is compared with. The driver takes skb->len, which counts the
 * Ethernet header at xmit and does not at rx.
 */
static __always_inline struct l3 parse_l3(ctx_t *ctx, __u32 room)
{
	switch (ctx_ethertype(ctx)) {
	case bpf_htons(ETH_P_IP):
		return parse_ipv4(ctx, room);
	case bpf_htons(ETH_P_IPV6):
		return parse_ipv6(ctx);
	case bpf_htons(ETH_P_ARP):
		return parse_arp(ctx);
	default:
		return (struct l3){.status = L3_OTHER};
	}
}

/*
 * Where the frame says that it comes from: ipvlan_addr_lookup() with the source in place of the
 * destination. Duplicate address detection asks for the address that will be its source.
 */
static __always_inline struct l3 parse_source(ctx_t *ctx, __u32 room)
{
	const struct l3 l3 = parse_l3(ctx, room);
	const struct ipv6hdr *ip6;
	const struct iphdr *ip;
	void *frame;

	if (l3.status != L3_OK)
		return l3;
	switch (ctx_ethertype(ctx)) {
	case bpf_htons(ETH_P_IP):
		ip = ipv4_header(ctx);
		if (ip)
			return (struct l3){.family = L3_IPV4, .target = &ip->saddr};
		break;
	case bpf_htons(ETH_P_ARP):
		frame = ctx_header(ctx, ETH_HLEN + sizeof(struct arp_eth_ip));
		if (frame)
			return (struct l3){
				.family = L3_IPV4,
				.target = ((struct arp_eth_ip *)(frame + ETH_HLEN))->sender_ip};
		break;
	default:
		ip6 = ipv6_header(ctx);
		if (!ip6)
			break;
		if (ip6->nexthdr == IPPROTO_ICMPV6 && ipv6_is_any(&ip6->saddr))
			return parse_ipv6_from_any(ctx);
		return (struct l3){.family = L3_IPV6, .target = &ip6->saddr};
	}
	return (struct l3){.status = L3_MALFORMED};
}

/* The endpoint of this parent that the frame is meant for, if any. */
static __always_inline const struct bv_port *l3_port(__u32 parent, const struct l3 *l3)
{
	if (l3->status != L3_OK)
		return NULL;
	switch (l3->family) {
	case L3_IPV4:
		return port4(parent, l3->target);
	case L3_IPV6:
		return port6(parent, l3->target);
	default:
		return NULL;
	}
}

/* The same with what is known of the address, which costs more. */
static __always_inline const struct bv_addr *l3_owner(__u32 parent, const struct l3 *l3)
{
	if (l3->status != L3_OK)
		return NULL;
	switch (l3->family) {
	case L3_IPV4:
		return addr4_owner(parent, l3->target);
	case L3_IPV6:
		return addr6_owner(parent, l3->target);
	default:
		return NULL;
	}
}

#endif
