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

static __always_inline bool icmp6_is_neighbour(__u8 type)
{
	return (type >= ICMP6_MLD_QUERY && type <= ICMP6_REDIRECT) || type == ICMP6_MLD2_REPORT;
}

#endif
