/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP and ICMPv6: queries have a connection of their own, errors belong to the one that they
 * quote. nf_conntrack_proto_icmp.c, nf_conntrack_proto_icmpv6.c.
 */
#ifndef BPFVLAN_FLOW_ICMP_H
#define BPFVLAN_FLOW_ICMP_H

#include "flow.h"

/* RFC 792 */
#define ICMP_ECHO_REPLY	     0
#define ICMP_DEST_UNREACH    3
#define ICMP_SOURCE_QUENCH   4
#define ICMP_REDIRECT	     5
#define ICMP_ECHO_REQUEST    8
#define ICMP_TIME_EXCEEDED   11
#define ICMP_PARAMETER	     12
#define ICMP_TIMESTAMP	     13
#define ICMP_TIMESTAMP_REPLY 14
#define ICMP_INFO_REQUEST    15
#define ICMP_INFO_REPLY	     16
#define ICMP_ADDRESS_REQUEST 17
#define ICMP_ADDRESS_REPLY   18
/* RFC 4443, RFC 2710, RFC 4861, RFC 4620, RFC 3810 */
#define ICMP6_ECHO_REQUEST  128
#define ICMP6_ECHO_REPLY    129
#define ICMP6_MLD_QUERY	    130
#define ICMP6_MLD_REDUCTION 132
#define ICMP6_REDIRECT	    137
#define ICMP6_NI_QUERY	    139
#define ICMP6_NI_REPLY	    140
#define ICMP6_MLD2_REPORT   143

/* The type that asks, of an asking or answering one; 0: neither (ICMP type 0 answers). */
static __always_inline __u8 icmp_query(__u8 family, __u8 type)
{
	if (family) {
		switch (type) {
		case ICMP6_ECHO_REQUEST:
		case ICMP6_ECHO_REPLY:
			return ICMP6_ECHO_REQUEST;
		case ICMP6_NI_QUERY:
		case ICMP6_NI_REPLY:
			return ICMP6_NI_QUERY;
		}
		return 0;
	}
	switch (type) {
	case ICMP_ECHO_REQUEST:
	case ICMP_ECHO_REPLY:
		return ICMP_ECHO_REQUEST;
	case ICMP_TIMESTAMP:
	case ICMP_TIMESTAMP_REPLY:
		return ICMP_TIMESTAMP;
	case ICMP_INFO_REQUEST:
	case ICMP_INFO_REPLY:
		return ICMP_INFO_REQUEST;
	case ICMP_ADDRESS_REQUEST:
	case ICMP_ADDRESS_REPLY:
		return ICMP_ADDRESS_REQUEST;
	}
	return 0;
}

static __always_inline bool icmp_is_error(__u8 family, __u8 type)
{
	if (family)
		return type < ICMP6_ECHO_REQUEST;
	return type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER;
}

static __always_inline bool ipv6_is_link_local(const __u8 *addr)
{
	return addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80;
}

/*
 * Neighbour and listener discovery, which never leaves the link (RFC 4861, 6.1, 7.1; RFC 2710, 3;
 * RFC 3810, 5). What claims to be it and is not could be a way past the rules: towards the outside
 * only the link's own addresses, groups, and the same subnet count.
 */
static __always_inline bool icmp6_is_neighbour(const struct flow *f, __u8 type, __u8 hops)
{
	const __u64 *src = (const __u64 *)f->rule.src, *dst = (const __u64 *)f->rule.dst;

	if ((type >= ICMP6_MLD_QUERY && type <= ICMP6_MLD_REDUCTION) || type == ICMP6_MLD2_REPORT)
		return hops == 1 && f->rule.dst[0] == 0xff;
	if (type <= ICMP6_MLD_REDUCTION || type >= ICMP6_REDIRECT || hops != 255)
		return false;
	return f->chain == BV_CHAIN_INPUT || f->rule.dst[0] == 0xff ||
	       ipv6_is_link_local(f->rule.dst) || src[0] == dst[0];
}

#endif
