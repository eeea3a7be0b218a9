/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * -j REJECT: the packet becomes the answer to itself. nf_reject_ipv4.c, nf_reject_ipv6.c; RFC 9293,
 * 3.10.7.1; RFC 1812, 4.3.2.3; RFC 4443, 2.4.
 *
 * A local sender's checksum may not have been filled in yet. Who fills it in later (a device) does
 * so at the place that the sender said: in a reset that is the new checksum's own place, and in an
 * ICMP error the quoted packet's, whose sum is known beforehand
 * (Documentation/networking/checksum-offloads.rst, "LCO").
 */
#ifndef BPFVLAN_REJECT_H
#define BPFVLAN_REJECT_H

#include "flow_parse.h"

#define REJECT_TTL	64
#define REJECT_TOS	0xc0 /* IPTOS_PREC_INTERNETCONTROL: of errors, beside ... */
#define REJECT_TOS_KEPT 0x1e /* ... RT_TOS of the packet (icmp.c, __icmp_send) */
#define REJECT_QUOTE4	548  /* 576 in all */
#define REJECT_QUOTE6	1232 /* 1280 in all */
#define REJECT_CHUNK	256
#define REJECT_PER_TICK 64 /* of each CPU: 400 to 4,000 a second */
#define ICMP_ERROR	8  /* its header */
#define ICMP6_UNREACH	1
#define TCP_CHECKSUM_AT 16
#define UDP_CHECKSUM_AT 6

struct answer4 {
	struct iphdr ip;
	union {
		struct tcphdr tcp;
		__u8 icmp[ICMP_ERROR];
	};
};

struct answer6 {
	struct ipv6hdr ip6;
	union {
		struct tcphdr tcp;
		__u8 icmp[ICMP_ERROR];
	};
};

struct answer {
	union {
		struct answer4 v4;
		struct answer6 v6;
		__u8 pad[64];
	};
	__u8 chunk[REJECT_CHUNK];
	struct ethhdr eth;
	__u8 pad2[2];
	__u32 tick, given; /* answers in this tick */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct answer);
} answer_scratch BV_MAP;

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Of both addresses, which an answer has too, the protocol and the length. */
static __always_inline __u64 pseudo_sum(struct flow *f, __u8 protocol, __u32 len)
{
	__u64 sum = (__u64)bpf_htonl(protocol) + bpf_htonl(len);

	if (f->family)
		return sum + (__u32)bpf_csum_diff(NULL, 0, (__be32 *)f->rule.src, 32, 0);
	return sum + *(__u32 *)(f->rule.src + 12) + *(__u32 *)(f->rule.dst + 12);
}

#define CHECKSUM_ELSEWHERE (~0U) /* of a protocol that we do not know, or of what it carries */

/* 0: the packet's checksum is there; else where a device is to fill it in. */
static __always_inline __u32 partial_checksum_at(ctx_t *ctx, const struct flow *f)
{
	const bool tcp = f->protocol == IPPROTO_TCP, udp = f->protocol == IPPROTO_UDP;
	const __u32 at = f->l4 + (tcp ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT);
	__u16 before, after;

	/* One that is not filled in, this helper leaves alone. */
	if (bpf_skb_load_bytes(ctx, at, &before, sizeof(before)) ||
	    bpf_l4_csum_replace(ctx, at, 0, bpf_htons(1), sizeof(before)) ||
	    bpf_skb_load_bytes(ctx, at, &after, sizeof(after)))
		return 0;
	if (before == after)
		return tcp || (udp && f->header.udph.check) ? at : CHECKSUM_ELSEWHERE;
	bpf_l4_csum_replace(ctx, at, bpf_htons(1), 0, sizeof(before));
	return 0;
}

static __always_inline void answer_ip(struct answer *a, const struct flow *f, __u8 protocol,
				      __u32 len, __u8 tos)
{
	if (f->family) {
		struct ipv6hdr *ip6 = &a->v6.ip6;

		__builtin_memset(ip6, 0, sizeof(*ip6));
		ip6->version = 6;
		ip6->payload_len = bpf_htons(len);
		ip6->nexthdr = protocol;
		ip6->hop_limit = REJECT_TTL;
		__builtin_memcpy(&ip6->saddr, f->rule.dst, 16);
		__builtin_memcpy(&ip6->daddr, f->rule.src, 16);
	} else {
		struct iphdr *ip = &a->v4.ip;

		__builtin_memset(ip, 0, sizeof(*ip));
		ip->version = 4;
		ip->ihl = 5;
		ip->tos = tos;
		ip->tot_len = bpf_htons(len + sizeof(*ip));
		if (protocol == IPPROTO_TCP)
			ip->frag_off = bpf_htons(0x4000);
		ip->ttl = REJECT_TTL;
		ip->protocol = protocol;
		ip->saddr = *(__u32 *)(f->rule.dst + 12);
		ip->daddr = *(__u32 *)(f->rule.src + 12);
		ip->check = ~fold((__u32)bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0));
	}
}

static __always_inline bool answer_reset(ctx_t *ctx, struct flow *f, struct answer *a)
{
	const __u32 ip_len = f->family ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	struct tcphdr *tcp = f->family ? &a->v6.tcp : &a->v4.tcp;
	const __u32 partial = partial_checksum_at(ctx, f);
	__u64 sum = pseudo_sum(f, IPPROTO_TCP, sizeof(*tcp));

	if (!f->tcp.is_read || f->tcp.index == TCP_INDEX_RST ||
	    (partial && partial != ETH_HLEN + ip_len + TCP_CHECKSUM_AT))
		return false;
	__builtin_memset(tcp, 0, sizeof(*tcp));
	tcp->source = *(__u16 *)f->rule.dport;
	tcp->dest = *(__u16 *)f->rule.sport;
	tcp->doff = sizeof(*tcp) / 4;
	tcp->rst = 1;
	if (f->tcp.flags & TCP_ACK) {
		tcp->seq = bpf_htonl(f->tcp.ack);
	} else {
		tcp->ack = 1;
		tcp->ack_seq = bpf_htonl(f->tcp.end);
	}
	if (partial) {
		tcp->check = fold(sum);
	} else {
		sum += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)tcp, sizeof(*tcp), 0);
		tcp->check = ~fold(sum);
	}
	answer_ip(a, f, IPPROTO_TCP, sizeof(*tcp), 0);
	if (bpf_skb_change_tail(ctx, ETH_HLEN + ip_len + sizeof(*tcp), 0))
		return false;
	if (f->family)
		return !bpf_skb_store_bytes(ctx, ETH_HLEN, &a->v6, sizeof(a->v6), 0);
	return !bpf_skb_store_bytes(ctx, ETH_HLEN, &a->v4, sizeof(a->v4), 0);
}

struct quote {
	ctx_t *ctx;
	struct answer *a;
	__u64 sum;
	__u32 at, end;
};

static long quote_chunk(__u32 step __attribute__((unused)), struct quote *q)
{
	__u32 len = q->end - q->at;

	if (q->at >= q->end)
		return 1;
	__builtin_memset(q->a->chunk, 0, sizeof(q->a->chunk));
	if (len > REJECT_CHUNK)
		len = REJECT_CHUNK;
	/* What a verifier knows that does not take a comparison with 0 for a bound. */
	len--;
	asm volatile("" : "+r"(len));
	len = (len & (REJECT_CHUNK - 1)) + 1;
	if (bpf_skb_load_bytes(q->ctx, q->at, q->a->chunk, len))
		return 1;
	q->sum += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)q->a->chunk, REJECT_CHUNK, 0);
	q->at += REJECT_CHUNK;
	return 0;
}

/* Of what is quoted, as it will be. */
static __always_inline __u64 quote_sum(ctx_t *ctx, struct flow *f, struct answer *a, __u32 partial,
				       __u32 end)
{
	struct quote q = {.ctx = ctx, .a = a, .at = ETH_HLEN, .end = partial ? f->l4 : end};
	__u16 seed = 0;

	bpf_loop(REJECT_QUOTE6 / REJECT_CHUNK + 1, quote_chunk, &q, 0);
	if (partial && !bpf_skb_load_bytes(ctx, partial, &seed, sizeof(seed)))
		q.sum += (__u16)~seed;
	return q.sum;
}

static __always_inline bool answer_unreachable(ctx_t *ctx, struct flow *f, struct answer *a,
					       __u8 code)
{
	const __u32 ip_len = f->family ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	const __u32 most = f->family ? REJECT_QUOTE6 : REJECT_QUOTE4;
	const __u32 room = ctx_len(ctx) - ETH_HLEN, all = f->bytes < room ? f->bytes : room;
	const __u32 quoted = all < most ? all : most;
	__u8 *icmp = f->family ? a->v6.icmp : a->v4.icmp;
	const __u32 partial = partial_checksum_at(ctx, f);
	__u8 tos = 0;
	__u64 sum;

	if (partial == CHECKSUM_ELSEWHERE || bpf_skb_change_tail(ctx, ETH_HLEN + quoted, 0))
		return false;
	__builtin_memset(icmp, 0, ICMP_ERROR);
	icmp[0] = f->family ? ICMP6_UNREACH : ICMP_DEST_UNREACH;
	icmp[1] = code;
	sum = quote_sum(ctx, f, a, partial, ETH_HLEN + quoted) + *(__u16 *)icmp;
	if (f->family)
		sum += pseudo_sum(f, IPPROTO_ICMPV6, quoted + ICMP_ERROR);
	*(__u16 *)(icmp + 2) = ~fold(sum);
	if (!f->family && bpf_skb_load_bytes(ctx, ETH_HLEN + 1, &tos, sizeof(tos)))
		return false;
	answer_ip(a, f, icmp_of(f->family), quoted + ICMP_ERROR,
		  (tos & REJECT_TOS_KEPT) | REJECT_TOS);
	if (bpf_skb_adjust_room(ctx, ip_len + ICMP_ERROR, BPF_ADJ_ROOM_MAC, 0))
		return false;
	if (f->family)
		return !bpf_skb_store_bytes(ctx, ETH_HLEN, &a->v6, ip_len + ICMP_ERROR, 0);
	return !bpf_skb_store_bytes(ctx, ETH_HLEN, &a->v4, ip_len + ICMP_ERROR, 0);
}

/* Nobody is answered who did not ask alone, nor errors with errors. */
static __always_inline bool may_answer(ctx_t *ctx, const struct flow *f)
{
	const __be32 src4 = *(const __u32 *)(f->rule.src + 12),
		     dst4 = *(const __u32 *)(f->rule.dst + 12);

	if (ctx_to_group(ctx) || f->kind == FLOW_FRAGMENT || f->kind == FLOW_RELATED ||
	    f->kind == FLOW_MALFORMED)
		return false;
	if (f->protocol == icmp_of(f->family) &&
	    (!f->has_ports || icmp_is_error(f->family, f->rule.dport[0]) ||
	     (!f->family && f->rule.dport[0] > ICMP_ADDRESS_REPLY)))
		return false;
	if (f->family)
		return f->rule.dst[0] != 0xff && f->rule.src[0] != 0xff &&
		       !ipv6_is_any((const struct in6_addr *)f->rule.src);
	return !ipv4_is_group(dst4) && !ipv4_is_group(src4) && src4;
}

static __always_inline bool swap_macs(ctx_t *ctx, struct answer *a)
{
	__u8 mac[ETH_ALEN];

	if (bpf_skb_load_bytes(ctx, 0, &a->eth, sizeof(a->eth)))
		return false;
	__builtin_memcpy(mac, a->eth.h_dest, ETH_ALEN);
	__builtin_memcpy(a->eth.h_dest, a->eth.h_source, ETH_ALEN);
	__builtin_memcpy(a->eth.h_source, mac, ETH_ALEN);
	return !bpf_skb_store_bytes(ctx, 0, &a->eth, sizeof(a->eth), 0);
}

/* True if the packet is an answer now. It may have been cut otherwise: it is lost anyway. */
static __always_inline bool reject(ctx_t *ctx, struct flow *f, __u8 how)
{
	__u32 zero = 0;
	struct answer *a = bpf_map_lookup_elem(&answer_scratch, &zero);

	if (!a || !may_answer(ctx, f))
		return false;
	if (a->tick != f->now) {
		a->tick = f->now;
		a->given = 0;
	}
	if (a->given++ >= REJECT_PER_TICK)
		return false;
	if (how == BV_REJECT_TCP_RESET ? !answer_reset(ctx, f, a)
				       : !answer_unreachable(ctx, f, a, how))
		return false;
	return swap_macs(ctx, a);
}

#endif
