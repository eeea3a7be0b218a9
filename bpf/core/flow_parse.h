/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BPFVLAN_FLOW_PARSE_H
#define BPFVLAN_FLOW_PARSE_H

#include "flow_icmp.h"
#include "flow_tcp.h"
#include "siphash.h"

#define IP_OFFSET	  0x1fff
#define IP_MORE_FRAGMENTS 0x2000
#define IP6_OFFSET	  0xfff8
#define IP6_EXTENSIONS	  12 /* headers before the transport's, at most */

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

static __always_inline __u64 conn_hash(const struct bv_conn_key *key)
{
	const __u64 *lo = (const __u64 *)key->lo, *hi = (const __u64 *)key->hi;
	struct siphash s = siphash_start(bv_hash_key[0], bv_hash_key[1]);

	siphash_word(&s, lo[1]);
	siphash_word(&s, hi[1]);
	if (lo[0] | hi[0]) {
		siphash_word(&s, lo[0]);
		siphash_word(&s, hi[0]);
	}
	siphash_word(&s, *(const __u64 *)key->port);
	return siphash_end(&s);
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

static __always_inline bool is_extension(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
	       next == IPPROTO_AH || next == IPPROTO_FRAGMENT;
}

struct ext_step {
	ctx_t *ctx;
	struct flow *f;
	bool cut;
};

static long skip_extension(__u32 step __attribute__((unused)), struct ext_step *s)
{
	struct flow *f = s->f;
	struct ext_walk *w = &f->walk;
	const __u8 *ext = f->options;
	const __u8 kind = w->next;

	if (!is_extension(kind) || (w->fragment & IP6_OFFSET))
		return 1;
	if (!ctx_load(s->ctx, w->at, f->options, 8)) {
		s->cut = true;
		return 1;
	}
	w->next = ext[0];
	if (kind == IPPROTO_FRAGMENT) {
		w->id = *(const __u32 *)(ext + 4);
		w->fragment = bpf_ntohs(*(const __u16 *)(ext + 2)) & (IP6_OFFSET | 1);
		w->at += 8;
	} else if (kind == IPPROTO_AH) {
		w->at += (ext[1] + 2) * 4;
	} else {
		w->at += (ext[1] + 1) * 8;
	}
	return 0;
}

/*
 * ipv6_skip_exthdr(); false if they are cut. Stops behind the header of a fragment that is not the
 * first. (6.1 takes no loop whose end lies before its beginning, as clang puts this one.)
 */
static __always_inline bool skip_extensions(ctx_t *ctx, struct flow *f)
{
	struct ext_step s = {.ctx = ctx, .f = f};

	f->walk.fragment = 0;
	if (is_extension(FRESH(f->walk.next)))
		bpf_loop(IP6_EXTENSIONS, skip_extension, &s, 0);
	return !s.cut;
}

static __always_inline bool flow_quoted_ends(ctx_t *ctx, struct flow *f, __u32 at, __u8 protocol)
{
	const __u8 *from = f->quoted[0], *to = f->quoted[1];
	const __u16 *head = (const __u16 *)f->options;

	f->key.protocol = protocol;
	if (has_ports(protocol)) {
		if (!ctx_load(ctx, at, f->options, 4))
			return false;
		flow_ends(f, from, to, head[0], head[1]);
		return true;
	}
	if (protocol != icmp_of(f->family)) {
		flow_ends(f, from, to, 0, 0);
		return true;
	}
	if (!ctx_load(ctx, at, f->options, 8) || !icmp_query(f->family, f->options[0]))
		return false;
	flow_query_ends(f, from, to, head[2], f->options[0]);
	return true;
}

/*
 * The packet that an error quotes: nf_conntrack_inet_error(). Of what is behind its IP header, only
 * what tells the connection need be there; the error must go to who sent it.
 */
static __always_inline bool flow_quoted(ctx_t *ctx, struct flow *f)
{
	struct ext_walk *w = &f->walk;
	const __u64 *a = (const __u64 *)f->quoted[0], *b = (const __u64 *)f->rule.dst;

	w->at = f->l4 + sizeof(struct icmp_msg);
	if (f->family) {
		struct ipv6hdr *ip6 = (struct ipv6hdr *)f->options;

		if (!ctx_load(ctx, w->at, ip6, sizeof(*ip6)) || ip6->version != 6)
			return false;
		copy_ipv6(f->quoted[0], &ip6->saddr);
		copy_ipv6(f->quoted[1], &ip6->daddr);
		w->next = ip6->nexthdr;
		w->at += sizeof(*ip6);
		if (!skip_extensions(ctx, f) || is_extension(FRESH(w->next)) ||
		    (w->fragment & IP6_OFFSET))
			return false;
	} else {
		struct iphdr *ip = (struct iphdr *)f->options;

		if (!ctx_load(ctx, w->at, ip, sizeof(*ip)) || ip->version != 4 || ip->ihl < 5 ||
		    (ip->frag_off & bpf_htons(IP_OFFSET)))
			return false;
		map_ipv4(f->quoted[0], ip->saddr);
		map_ipv4(f->quoted[1], ip->daddr);
		w->next = ip->protocol;
		w->at += ip->ihl * 4;
	}
	return a[0] == b[0] && a[1] == b[1] &&
	       flow_quoted_ends(ctx, f, FRESH(w->at), FRESH(w->next));
}

static __always_inline enum flow_kind flow_icmp(ctx_t *ctx, struct flow *f, __u32 len, __u8 hops)
{
	struct icmp_msg *icmp = &f->header.icmp;

	if (len < sizeof(*icmp) || !ctx_load(ctx, f->l4, icmp, sizeof(*icmp)))
		return FLOW_INVALID;
	f->has_ports = 1;
	f->rule.dport[0] = icmp->type;
	f->rule.dport[1] = icmp->code;
	if (f->family && icmp6_is_neighbour(f, icmp->type, hops))
		return FLOW_NEIGHBOUR;
	if (icmp_is_error(f->family, icmp->type))
		return flow_quoted(ctx, f) ? FLOW_RELATED : FLOW_INVALID;
	if (!icmp_query(f->family, icmp->type))
		return FLOW_INVALID;
	flow_query_ends(f, f->rule.src, f->rule.dst, icmp->id, icmp->type);
	f->starts = icmp->type == icmp_query(f->family, icmp->type);
	return FLOW_TRACKED;
}

static __always_inline enum flow_kind flow_with_ports(ctx_t *ctx, struct flow *f, __u32 len)
{
	struct udphdr *udp = &f->header.udph;
	__u16 said;

	if (f->protocol == IPPROTO_TCP && f->first_of_many && len < sizeof(struct tcphdr))
		return FLOW_UNREADABLE; /* its flags come with the next one (RFC 1858) */
	if (len < sizeof(*udp) || !ctx_load(ctx, f->l4, udp, sizeof(*udp)))
		return FLOW_INVALID;
	f->has_ports = 1;
	*(__u16 *)f->rule.sport = udp->source;
	*(__u16 *)f->rule.dport = udp->dest;
	flow_ends(f, f->rule.src, f->rule.dst, udp->source, udp->dest);
	said = bpf_ntohs(udp->len);
	if (f->protocol == IPPROTO_UDP &&
	    (said < sizeof(*udp) || (said > len && !f->first_of_many)))
		return FLOW_INVALID;
	f->starts = 1;
	if (f->protocol == IPPROTO_TCP && !flow_tcp(ctx, f, len))
		return FLOW_INVALID;
	return FLOW_TRACKED;
}

/* `len`: from the transport header on. */
static __always_inline enum flow_kind flow_transport(ctx_t *ctx, struct flow *f, __u32 len,
						     __u8 hops)
{
	f->key.protocol = f->protocol;
	if (f->protocol == icmp_of(f->family))
		return flow_icmp(ctx, f, len, hops);
	if (f->protocol == icmp_of(!f->family))
		return FLOW_INVALID;
	if (has_ports(f->protocol))
		return flow_with_ports(ctx, f, len);
	f->starts = 1;
	flow_ends(f, f->rule.src, f->rule.dst, 0, 0);
	return FLOW_TRACKED;
}

/* `at`: of the transport header, in bytes. One that lies in it hides its fields (RFC 1858). */
static __always_inline enum flow_kind flow_fragment(struct flow *f, __u32 at)
{
	__builtin_memcpy(f->fragment.src, f->rule.src, sizeof(f->fragment.src));
	__builtin_memcpy(f->fragment.dst, f->rule.dst, sizeof(f->fragment.dst));
	if (at)
		return f->protocol == IPPROTO_TCP && at < sizeof(struct tcphdr) ? FLOW_UNREADABLE
										: FLOW_FRAGMENT;
	f->first_of_many = 1;
	return FLOW_TRACKED;
}

static __always_inline enum flow_kind flow_ipv4(ctx_t *ctx, struct flow *f)
{
	const struct iphdr *ip = ipv4_header(ctx);
	const __u32 room = ctx_len(ctx) - ETH_HLEN;
	enum flow_kind kind;
	__u32 header;
	__u16 fragment;
	__u8 hops;

	f->family = 0;
	f->bytes = room;
	if (!ip || ip->version != 4 || ip->ihl < 5)
		return FLOW_MALFORMED;
	header = ip->ihl * 4;
	hops = ip->ttl;
	f->protocol = f->rule.protocol = ip->protocol;
	map_ipv4(f->rule.src, ip->saddr);
	map_ipv4(f->rule.dst, ip->daddr);
	f->l4 = ETH_HLEN + header;
	if (ip->tot_len)
		f->bytes = bpf_ntohs(ip->tot_len);
	if (f->bytes > room || f->bytes < header)
		return FLOW_MALFORMED;
	fragment = bpf_ntohs(ip->frag_off) & (IP_OFFSET | IP_MORE_FRAGMENTS);
	if (fragment) {
		f->fragment.id = ip->id;
		f->fragment.protocol = f->protocol;
		kind = flow_fragment(f, (fragment & IP_OFFSET) * 8);
		if (kind != FLOW_TRACKED)
			return kind;
	}
	return flow_transport(ctx, f, f->bytes - header, hops);
}

static __always_inline enum flow_kind flow_ipv6(ctx_t *ctx, struct flow *f)
{
	const struct ipv6hdr *ip6 = ipv6_header(ctx);
	const __u32 room = ctx_len(ctx) - ETH_HLEN;
	struct ext_walk *w = &f->walk;
	enum flow_kind kind;
	__u8 hops;

	f->family = 1;
	f->bytes = room;
	if (!ip6 || ip6->version != 6)
		return FLOW_MALFORMED;
	hops = ip6->hop_limit;
	w->at = ETH_HLEN + sizeof(*ip6);
	w->next = ip6->nexthdr;
	copy_ipv6(f->rule.src, &ip6->saddr);
	copy_ipv6(f->rule.dst, &ip6->daddr);
	if (ip6->payload_len)
		f->bytes = bpf_ntohs(ip6->payload_len) + sizeof(*ip6);
	if (f->bytes > room)
		return FLOW_MALFORMED;
	if (!skip_extensions(ctx, f))
		return FLOW_UNREADABLE;
	f->protocol = f->rule.protocol = FRESH(w->next);
	f->l4 = FRESH(w->at);
	if (w->fragment) {
		f->fragment.id = w->id;
		f->fragment.protocol = 0;
		kind = flow_fragment(f, w->fragment & IP6_OFFSET);
		if (kind != FLOW_TRACKED)
			return kind;
	}
	if (is_extension(FRESH(w->next)))
		return FLOW_UNREADABLE;
	if (FRESH(w->next) == IPPROTO_NONE)
		return FLOW_INVALID;
	if (FRESH(w->at) > f->bytes + ETH_HLEN)
		return FLOW_UNREADABLE;
	return flow_transport(ctx, f, f->bytes + ETH_HLEN - FRESH(w->at), hops);
}

/* What is not set here and read later is this packet's, or zero. */
static __always_inline void flow_forget(struct flow *f)
{
	__builtin_memset(&f->rule, 0, sizeof(f->rule));
	f->starts = f->has_ports = f->first_of_many = f->entered = 0;
	f->cached = 0;
	f->protocol = 0;
	f->l4 = 0;
	f->way = BV_CONN_WAYS;
	f->state = BV_CTSTATE_INVALID;
	f->tcp.is_read = 0;
	f->key.pad[0] = f->key.pad[1] = 0;
}

/* Everything of an IP packet, but when it is. */
static __always_inline enum flow_kind flow_parse(ctx_t *ctx, struct flow *f, __u8 parent)
{
	enum flow_kind kind;

	flow_forget(f);
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
	f->key.parent = parent;
	f->fragment.parent = parent;
	f->fragment.chain = f->chain;
	f->fragment.pad = 0;
	if (kind == FLOW_TRACKED || kind == FLOW_RELATED)
		f->hash = conn_hash(&f->key);
	return kind;
}

#endif
