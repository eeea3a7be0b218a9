/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BPFVLAN_FLOW_PARSE_H
#define BPFVLAN_FLOW_PARSE_H

#include "flow_icmp.h"
#include "flow_tcp.h"
#include "siphash.h"

#define IP_OFFSET	  0x1fff
#define IP_MORE_FRAGMENTS 0x2000
#define IP6_OFFSET	  0xfff8
#define IP6_EXTENSIONS	  8 /* headers before the transport's, at most */

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif

/* Written by the loader: random, and the number of sets, a power of two. */
const volatile __u64 bv_hash_key[2] __weak;
const volatile __u32 bv_conn_sets __weak = BV_DEFAULT_CONNECTIONS / BV_CONN_WAYS;

/* As the rules and the tables have IPv4 addresses. */
static __always_inline void map_ipv4(__u8 *to, __be32 addr)
{
	__u32 *words = (__u32 *)to;

	words[0] = words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = addr;
}

static __always_inline void copy_ipv6(__u8 *to, const struct in6_addr *addr)
{
	__builtin_memcpy(to, __builtin_assume_aligned(addr, 4), sizeof(*addr));
}

/* Puts the ends in order. Ports are those of the packet. */
static __always_inline void flow_ends(struct flow *f, const __u8 *from, const __u8 *to, __u16 sport,
				      __u16 dport)
{
	const __u64 *src = (const __u64 *)from, *dst = (const __u64 *)to;
	__u64 *lo = (__u64 *)f->key.lo, *hi = (__u64 *)f->key.hi;
	__u16 *port = (__u16 *)f->key.port;
	bool src_first;

	if (src[0] != dst[0])
		src_first = src[0] < dst[0];
	else if (src[1] != dst[1])
		src_first = src[1] < dst[1];
	else
		src_first = sport <= dport;
	f->from_lo = src_first;
	lo[0] = src_first ? src[0] : dst[0];
	lo[1] = src_first ? src[1] : dst[1];
	hi[0] = src_first ? dst[0] : src[0];
	hi[1] = src_first ? dst[1] : src[1];
	port[0] = src_first ? sport : dport;
	port[1] = src_first ? dport : sport;
}

static __always_inline void flow_query_ends(struct flow *f, const __u8 *from, const __u8 *to,
					    __u16 id, __u8 type)
{
	const __u8 query = icmp_query(f->family, type);

	flow_ends(f, from, to, 0, 0);
	((__u16 *)f->key.port)[0] = id;
	f->key.port[1][0] = query;
	f->key.port[1][1] = (type == query) == f->from_lo;
}

static __always_inline void flow_hash(struct flow *f, __u8 parent)
{
	const __u64 *lo = (const __u64 *)f->key.lo, *hi = (const __u64 *)f->key.hi;
	struct siphash s = siphash_start(bv_hash_key[0], bv_hash_key[1]);

	f->key.parent = parent;
	f->key.pad[0] = f->key.pad[1] = 0;
	if (f->family) {
		siphash_word(&s, lo[0]);
		siphash_word(&s, lo[1]);
		siphash_word(&s, hi[0]);
		siphash_word(&s, hi[1]);
	} else {
		siphash_word(&s, lo[1] >> 32 | hi[1] >> 32 << 32);
	}
	siphash_word(&s, *(const __u64 *)f->key.port);
	f->hash = siphash_end(&s);
}

static __always_inline bool has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP;
}

static __always_inline __u8 icmp_of(__u8 family)
{
	return family ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
}

/*
 * The packet that an error quotes: nf_conntrack_inet_error(). Its first eight bytes behind the IP
 * header are all that need be there; the error must go to who sent it.
 */
static __always_inline bool flow_quoted(ctx_t *ctx, struct flow *f)
{
	__u32 at = f->l4 + sizeof(struct icmp_msg);
	__u8 *from = f->fragment.src, *to = f->fragment.dst;
	__u16 *head = (__u16 *)f->options;
	const __u64 *a, *b;
	__u8 protocol;

	if (f->family) {
		struct ipv6hdr *ip6 = (struct ipv6hdr *)f->options;

		if (bpf_skb_load_bytes(ctx, at, ip6, sizeof(*ip6)) || ip6->version != 6)
			return false;
		copy_ipv6(from, &ip6->saddr);
		copy_ipv6(to, &ip6->daddr);
		protocol = ip6->nexthdr;
		at += sizeof(*ip6);
	} else {
		struct iphdr *ip = (struct iphdr *)f->options;

		if (bpf_skb_load_bytes(ctx, at, ip, sizeof(*ip)) || ip->version != 4 ||
		    ip->ihl < 5 || (ip->frag_off & bpf_htons(IP_OFFSET)))
			return false;
		map_ipv4(from, ip->saddr);
		map_ipv4(to, ip->daddr);
		protocol = ip->protocol;
		at += ip->ihl * 4;
	}
	a = (const __u64 *)from;
	b = (const __u64 *)f->rule.dst;
	if (a[0] != b[0] || a[1] != b[1] || bpf_skb_load_bytes(ctx, at, head, 8))
		return false;
	if (has_ports(protocol)) {
		flow_ends(f, from, to, head[0], head[1]);
	} else if (protocol == icmp_of(f->family)) {
		__u8 type = f->options[0];

		if (!icmp_query(f->family, type))
			return false;
		flow_query_ends(f, from, to, head[2], type);
	} else {
		flow_ends(f, from, to, 0, 0);
	}
	f->key.protocol = protocol;
	return true;
}

static __always_inline enum flow_kind flow_icmp(ctx_t *ctx, struct flow *f, __u32 len)
{
	struct icmp_msg *icmp = &f->header.icmp;

	if (len < sizeof(*icmp) || bpf_skb_load_bytes(ctx, f->l4, icmp, sizeof(*icmp)))
		return FLOW_INVALID;
	f->has_ports = 1;
	f->rule.dport[0] = icmp->type;
	f->rule.dport[1] = icmp->code;
	if (f->family && icmp6_is_neighbour(icmp->type))
		return FLOW_NEIGHBOUR;
	if (icmp_is_error(f->family, icmp->type))
		return flow_quoted(ctx, f) ? FLOW_RELATED : FLOW_INVALID;
	if (!icmp_query(f->family, icmp->type))
		return FLOW_INVALID;
	flow_query_ends(f, f->rule.src, f->rule.dst, icmp->id, icmp->type);
	f->starts = icmp->type == icmp_query(f->family, icmp->type);
	return FLOW_TRACKED;
}

/* `len`: from the transport header on. */
static __always_inline enum flow_kind flow_transport(ctx_t *ctx, struct flow *f, __u32 len)
{
	struct udphdr *udp = &f->header.udph;

	f->key.protocol = f->protocol;
	if (f->protocol == icmp_of(f->family))
		return flow_icmp(ctx, f, len);
	f->starts = 1;
	if (!has_ports(f->protocol)) {
		flow_ends(f, f->rule.src, f->rule.dst, 0, 0);
		return FLOW_TRACKED;
	}
	if (len < sizeof(*udp) || bpf_skb_load_bytes(ctx, f->l4, udp, sizeof(*udp)))
		return FLOW_INVALID;
	f->has_ports = 1;
	*(__u16 *)f->rule.sport = udp->source;
	*(__u16 *)f->rule.dport = udp->dest;
	if (f->protocol == IPPROTO_TCP && !flow_tcp(ctx, f, len))
		return FLOW_INVALID;
	if (f->protocol == IPPROTO_UDP && (bpf_ntohs(udp->len) > len || bpf_ntohs(udp->len) < 8))
		return FLOW_INVALID;
	flow_ends(f, f->rule.src, f->rule.dst, *(__u16 *)f->rule.sport, *(__u16 *)f->rule.dport);
	return FLOW_TRACKED;
}

static __always_inline enum flow_kind flow_ipv4(ctx_t *ctx, struct flow *f)
{
	const struct iphdr *ip = ipv4_header(ctx);
	const __u32 room = ctx_len(ctx) - ETH_HLEN;
	__u16 fragment;
	__u32 header;

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return FLOW_INVALID;
	header = ip->ihl * 4;
	f->family = 0;
	f->protocol = f->rule.protocol = ip->protocol;
	map_ipv4(f->rule.src, ip->saddr);
	map_ipv4(f->rule.dst, ip->daddr);
	f->l4 = ETH_HLEN + header;
	f->bytes = ip->tot_len ? bpf_ntohs(ip->tot_len) : room;
	fragment = bpf_ntohs(ip->frag_off);
	f->fragment.id = ip->id;
	f->fragment.protocol = ip->protocol;
	if (f->bytes > room || f->bytes < header)
		return FLOW_INVALID;
	if (fragment & IP_OFFSET)
		return FLOW_FRAGMENT;
	f->first_of_many = !!(fragment & IP_MORE_FRAGMENTS);
	return flow_transport(ctx, f, f->bytes - header);
}

/* Behind the extension headers: ipv6_skip_exthdr(). */
static __always_inline enum flow_kind flow_ipv6(ctx_t *ctx, struct flow *f)
{
	const struct ipv6hdr *ip6 = ipv6_header(ctx);
	const __u32 room = ctx_len(ctx) - ETH_HLEN;
	__u32 at = ETH_HLEN + sizeof(*ip6);
	__u8 next;

	if (!ip6 || ip6->version != 6)
		return FLOW_INVALID;
	f->family = 1;
	copy_ipv6(f->rule.src, &ip6->saddr);
	copy_ipv6(f->rule.dst, &ip6->daddr);
	f->bytes = ip6->payload_len ? bpf_ntohs(ip6->payload_len) + sizeof(*ip6) : room;
	f->fragment.protocol = 0;
	next = ip6->nexthdr;
	if (f->bytes > room)
		return FLOW_INVALID;
#pragma clang loop unroll(disable)
	for (int i = 0; i < IP6_EXTENSIONS; i++) {
		__u8 *ext = f->options;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_AH && next != IPPROTO_FRAGMENT)
			break;
		if (bpf_skb_load_bytes(ctx, at, ext, 8))
			return FLOW_INVALID;
		if (next == IPPROTO_FRAGMENT) {
			__u16 fragment = bpf_ntohs(*(__u16 *)(ext + 2));

			f->fragment.id = *(__u32 *)(ext + 4);
			f->first_of_many = fragment & 1;
			if (fragment & IP6_OFFSET) {
				f->protocol = f->rule.protocol = ext[0];
				return FLOW_FRAGMENT;
			}
			at += 8;
		} else if (next == IPPROTO_AH) {
			at += (ext[1] + 2) * 4;
		} else {
			at += (ext[1] + 1) * 8;
		}
		next = ext[0];
	}
	f->protocol = f->rule.protocol = next;
	f->l4 = at;
	if (at > f->bytes + ETH_HLEN)
		return FLOW_INVALID;
	return flow_transport(ctx, f, f->bytes + ETH_HLEN - at);
}

/* Everything of an IP packet, but when it is. */
static __always_inline enum flow_kind flow_parse(ctx_t *ctx, struct flow *f, __u8 parent)
{
	enum flow_kind kind;

	f->starts = f->has_ports = f->first_of_many = 0;
	f->cached = 0;
	*(__u32 *)f->rule.sport = 0;
	f->rule.state = 0;
	switch (ctx_ethertype(ctx)) {
	case bpf_htons(ETH_P_IP):
		kind = flow_ipv4(ctx, f);
		break;
	case bpf_htons(ETH_P_IPV6):
		kind = flow_ipv6(ctx, f);
		break;
	default:
		return FLOW_NEIGHBOUR;
	}
	if (kind == FLOW_TRACKED || kind == FLOW_RELATED)
		flow_hash(f, parent);
	return kind;
}

#endif
