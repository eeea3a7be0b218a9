/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ARP requests (RFC 826) and neighbour solicitations (RFC 4861): whom they ask for, and the answer
 * for a sibling in mode l3, which has neither protocol.
 */
#ifndef BPFVLAN_NEIGHBOUR_H
#define BPFVLAN_NEIGHBOUR_H

#include "parse.h"

#define ND_NEIGHBOR_ADVERT 136
#define ND_FLAG_SOLICITED  0x40
#define ND_FLAG_OVERRIDE   0x20
#define ND_OPT_TARGET_MAC  2 /* RFC 4861, 4.6.1 */
#define ND_HOP_LIMIT	   255
#define ARPOP_REQUEST	   1
#define ARPOP_REPLY	   2

static __always_inline struct l3 parse_arp_request(ctx_t *ctx)
{
	void *frame = ctx_header(ctx, ETH_HLEN + sizeof(struct arp_eth_ip));
	const struct arp_eth_ip *arp = frame + ETH_HLEN;

	if (!frame || arp->fixed[7] != ARPOP_REQUEST || arp->fixed[6])
		return (struct l3){.status = L3_OTHER};
	return (struct l3){.status = L3_OK, .family = L3_IPV4, .target = arp->target_ip};
}

static __always_inline struct l3 parse_solicitation(ctx_t *ctx)
{
	const __u32 icmp_at = ETH_HLEN + sizeof(struct ipv6hdr);
	void *frame = ctx_header(ctx, icmp_at + sizeof(struct ns_msg));
	const struct ipv6hdr *ip6 = frame + ETH_HLEN;
	const struct ns_msg *ns = frame + icmp_at;

	if (!frame || ip6->version != 6 || ip6->nexthdr != IPPROTO_ICMPV6 ||
	    ns->icmp.icmp6_type != ND_NEIGHBOR_SOLICIT)
		return (struct l3){.status = L3_OTHER};
	return (struct l3){.status = L3_OK, .family = L3_IPV6, .target = ns->target};
}

/* Whose neighbour entry the frame asks for; L3_OTHER if it is no such request. */
static __always_inline struct l3 parse_neighbour_request(ctx_t *ctx)
{
	if (ctx_in_vlan(ctx))
		return (struct l3){.status = L3_OTHER};
	switch (ctx_ethertype(ctx)) {
	case bpf_htons(ETH_P_ARP):
		return parse_arp_request(ctx);
	case bpf_htons(ETH_P_IPV6):
		return parse_solicitation(ctx);
	default:
		return (struct l3){.status = L3_OTHER};
	}
}

/* Through a helper, as a direct write would have every packet's header copied that is shared. */
static __always_inline bool answer_arp(ctx_t *ctx, const __u8 *mac)
{
	struct {
		struct ethhdr eth;
		struct arp_eth_ip arp;
	} __attribute__((packed)) f;
	__u8 target[4];

	if (bpf_skb_load_bytes(ctx, 0, &f, sizeof(f)))
		return false;
	__builtin_memcpy(target, f.arp.target_ip, sizeof(target));
	__builtin_memcpy(f.eth.h_dest, f.eth.h_source, ETH_ALEN);
	__builtin_memcpy(f.eth.h_source, mac, ETH_ALEN);
	f.arp.fixed[7] = ARPOP_REPLY;
	__builtin_memcpy(f.arp.target_mac, f.arp.sender_mac, ETH_ALEN);
	__builtin_memcpy(f.arp.target_ip, f.arp.sender_ip, sizeof(target));
	__builtin_memcpy(f.arp.sender_mac, mac, ETH_ALEN);
	__builtin_memcpy(f.arp.sender_ip, target, sizeof(target));
	return !bpf_skb_store_bytes(ctx, 0, &f, sizeof(f), 0);
}

struct advert {
	__u8 pad[2]; /* so that the addresses lie on 4 bytes */
	struct ethhdr eth;
	struct ipv6hdr ip6;
	struct {
		__u8 type;
		__u8 code;
		__be16 checksum;
		__u8 flags;
		__u8 reserved[3];
		struct in6_addr target;
		__u8 option;
		__u8 option_len; /* in units of 8 bytes */
		__u8 mac[ETH_ALEN];
	} icmp;
};
_Static_assert(sizeof(struct advert) == 88, "no holes");

/* Over the pseudo header of RFC 8200, 8.1 too: addresses, length, next header. */
static __always_inline __be16 advert_checksum(struct advert *na)
{
	__u32 sum = bpf_htonl(sizeof(na->icmp) + IPPROTO_ICMPV6);

	sum = bpf_csum_diff(NULL, 0, (__be32 *)&na->ip6.saddr,
			    sizeof(*na) - offsetof(struct advert, ip6.saddr), sum);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* To who asked, or to all nodes if it has no address yet (RFC 4861, 7.2.4). */
static __always_inline bool answer_solicitation(ctx_t *ctx, const __u8 *mac)
{
	const __u32 icmp_at = ETH_HLEN + sizeof(struct ipv6hdr);
	const __u32 len = sizeof(struct advert) - offsetof(struct advert, eth);
	struct advert na = {};

	if (bpf_skb_load_bytes(ctx, ETH_HLEN + offsetof(struct ipv6hdr, saddr), &na.ip6.daddr,
			       sizeof(na.ip6.daddr)) ||
	    bpf_skb_load_bytes(ctx, icmp_at + offsetof(struct ns_msg, target), &na.ip6.saddr,
			       sizeof(na.ip6.saddr)) ||
	    bpf_skb_load_bytes(ctx, offsetof(struct ethhdr, h_source), na.eth.h_dest, ETH_ALEN))
		return false;
	__builtin_memcpy(na.eth.h_source, mac, ETH_ALEN);
	na.eth.h_proto = bpf_htons(ETH_P_IPV6);
	na.ip6.version = 6;
	na.ip6.payload_len = bpf_htons(sizeof(na.icmp));
	na.ip6.nexthdr = IPPROTO_ICMPV6;
	na.ip6.hop_limit = ND_HOP_LIMIT;
	na.icmp.type = ND_NEIGHBOR_ADVERT;
	na.icmp.flags = ND_FLAG_OVERRIDE | ND_FLAG_SOLICITED;
	if (ipv6_is_any(&na.ip6.daddr)) {
		na.icmp.flags = ND_FLAG_OVERRIDE;
		na.eth.h_dest[0] = na.eth.h_dest[1] = 0x33;
		na.eth.h_dest[2] = na.eth.h_dest[3] = na.eth.h_dest[4] = 0;
		na.eth.h_dest[5] = 1;
		na.ip6.daddr.s6_addr32[0] = bpf_htonl(0xff020000);
		na.ip6.daddr.s6_addr32[3] = bpf_htonl(1);
	}
	na.icmp.target = na.ip6.saddr;
	na.icmp.option = ND_OPT_TARGET_MAC;
	na.icmp.option_len = 1;
	__builtin_memcpy(na.icmp.mac, mac, ETH_ALEN);
	na.icmp.checksum = advert_checksum(&na);
	return !bpf_skb_change_tail(ctx, len, 0) && !bpf_skb_store_bytes(ctx, 0, &na.eth, len, 0);
}

/* The request becomes the answer; false if it stays what it was. Seldom: no part of the others. */
static __noinline bool answer_request(ctx_t *ctx, const __u8 *mac)
{
	return ctx_ethertype(ctx) == bpf_htons(ETH_P_ARP) ? answer_arp(ctx, mac)
							  : answer_solicitation(ctx, mac);
}

#endif
