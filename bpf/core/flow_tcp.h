/* SPDX-License-Identifier: GPL-2.0-only */
/* What connection tracking reads of a TCP header: tcp_error(), tcp_options(), tcp_sack(). */
#ifndef BPFVLAN_FLOW_TCP_H
#define BPFVLAN_FLOW_TCP_H

#include "flow.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_URG 0x20

/* RFC 9293, 3.2; RFC 7323; RFC 2018 */
#define TCPOPT_EOL	 0
#define TCPOPT_NOP	 1
#define TCPOPT_WINDOW	 3
#define TCPOPT_SACK_PERM 4
#define TCPOPT_SACK	 5
#define TCPOPT_MAX_LEN	 40
#define TCP_MAX_SCALE	 14
/* Two NOPs and a timestamp, which almost every segment has and nothing else. */
#define TCPOPT_TIMESTAMP_ALIGNED 0x0101080a

static __always_inline bool seq_before(__u32 a, __u32 b)
{
	return (__s32)(a - b) < 0;
}

static __always_inline bool seq_after(__u32 a, __u32 b)
{
	return seq_before(b, a);
}

/* tcp_valid_flags[]: PSH, ECE and CWR are always valid. */
static __always_inline bool tcp_flags_valid(__u8 flags)
{
	const __u64 valid = 1ULL << TCP_SYN | 1ULL << (TCP_SYN | TCP_URG) |
			    1ULL << (TCP_SYN | TCP_ACK) | 1ULL << TCP_RST |
			    1ULL << (TCP_RST | TCP_ACK) | 1ULL << (TCP_FIN | TCP_ACK) |
			    1ULL << (TCP_FIN | TCP_ACK | TCP_URG) | 1ULL << TCP_ACK |
			    1ULL << (TCP_ACK | TCP_URG);

	return valid >> (flags & (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK | TCP_URG)) & 1;
}

static __always_inline enum tcp_index tcp_index_of(__u8 flags)
{
	if (flags & TCP_RST)
		return TCP_INDEX_RST;
	if (flags & TCP_SYN)
		return flags & TCP_ACK ? TCP_INDEX_SYNACK : TCP_INDEX_SYN;
	if (flags & TCP_FIN)
		return TCP_INDEX_FIN;
	return flags & TCP_ACK ? TCP_INDEX_ACK : TCP_INDEX_NONE;
}

static __always_inline __u8 option_byte(const struct flow *f, __u32 at)
{
	return f->options[at & (sizeof(f->options) - 1)];
}

static __always_inline void flow_tcp_sack(struct flow *f, __u32 size)
{
	const __u32 at = FRESH(f->tcp.option) + 2 + 4; /* the right edge of the first block */

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < 4; i++) {
		const __u32 edge = at + 8 * i;
		const __u32 right = (__u32)option_byte(f, edge) << 24 |
				    (__u32)option_byte(f, edge + 1) << 16 |
				    (__u32)option_byte(f, edge + 2) << 8 | option_byte(f, edge + 3);

		if (8 * i + 10 <= size && seq_after(right, f->tcp.sack))
			f->tcp.sack = right;
	}
}

/* Offset of the next one, or of their end. */
static __always_inline __u8 flow_tcp_option(struct flow *f)
{
	const __u8 at = FRESH(f->tcp.option), end = FRESH(f->tcp.options_end);
	const __u8 kind = option_byte(f, at), size = option_byte(f, at + 1);

	if (kind == TCPOPT_NOP)
		return at + 1;
	if (kind == TCPOPT_EOL || at + 1 >= end || size < 2 || at + size > end)
		return end;
	if (kind == TCPOPT_SACK_PERM && size == 2) {
		f->tcp.options |= BV_TCP_SACK_PERM;
	} else if (kind == TCPOPT_WINDOW && size == 3) {
		const __u8 scale = option_byte(f, at + 2);

		f->tcp.options |= BV_TCP_WINDOW_SCALE;
		f->tcp.scale = scale > TCP_MAX_SCALE ? TCP_MAX_SCALE : scale;
	} else if (kind == TCPOPT_SACK && size >= 10 && size % 8 == 2) {
		flow_tcp_sack(f, size);
	}
	return at + size;
}

static __always_inline void flow_tcp_options(ctx_t *ctx, struct flow *f, __u32 len)
{
	if (len > TCPOPT_MAX_LEN)
		return;
	asm volatile("" : "+r"(len)); /* two comparisons, as the verifier needs them */
	if (len < 4 || !ctx_load(ctx, f->l4 + sizeof(struct tcphdr), f->options, len))
		return;
	if (len == 12 && *(__u32 *)f->options == bpf_htonl(TCPOPT_TIMESTAMP_ALIGNED))
		return;
	f->tcp.option = 0;
	f->tcp.options_end = len;
#pragma clang loop unroll(disable)
	for (int i = 0; i < TCPOPT_MAX_LEN; i++) {
		if (FRESH(f->tcp.option) >= FRESH(f->tcp.options_end))
			return;
		FRESH(f->tcp.option) = flow_tcp_option(f);
	}
}

/* False if it is none that a connection could have. */
static __always_inline bool flow_tcp(ctx_t *ctx, struct flow *f, __u32 len)
{
	struct tcphdr *tcp = &f->header.tcph;
	__u32 header;
	__u8 flags;

	if (len < sizeof(*tcp) || !ctx_load(ctx, f->l4, tcp, sizeof(*tcp)))
		return false;
	header = tcp->doff * 4;
	flags = f->header.bytes64[13];
	f->rule.state |= flags & 0x3f;
	f->tcp.index = tcp_index_of(flags);
	f->tcp.flags = flags;
	f->tcp.seq = bpf_ntohl(tcp->seq);
	f->tcp.ack = bpf_ntohl(tcp->ack_seq);
	f->tcp.sack = f->tcp.ack;
	f->tcp.end = f->tcp.seq + len - header + !!(flags & TCP_SYN) + (flags & TCP_FIN);
	f->tcp.win = bpf_ntohs(tcp->window);
	f->tcp.options = f->tcp.scale = f->tcp.has_options = 0;
	if (header < sizeof(*tcp) || header > len)
		return false;
	f->tcp.is_read = 1;
	if (!tcp_flags_valid(flags))
		return false;
	f->tcp.has_options = header > sizeof(*tcp);
	flow_tcp_options(ctx, f, header - sizeof(*tcp));
	f->starts = f->tcp.index == TCP_INDEX_SYN || f->tcp.index == TCP_INDEX_ACK;
	return true;
}

#endif
