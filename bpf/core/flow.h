/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What connection tracking and rules look at of one packet: nf_ct_get_tuple() and the l4proto's
 * pkt_to_tuple() and error() of net/netfilter/nf_conntrack_*.c. Checksums are not verified: who
 * gets the packet does that.
 */
#ifndef BPFVLAN_FLOW_H
#define BPFVLAN_FLOW_H

#include <linux/tcp.h>
#include <linux/udp.h>

#include "parse.h"

/*
 * Read from memory again. The verifier follows each value that a register may have, on every path
 * that it may have come by, and connection tracking has too many; what comes from memory is unknown
 * and one.
 */
#define FRESH(place) (*(volatile __typeof__(place) *)&(place))

enum flow_kind {
	FLOW_TRACKED,	 /* has a key */
	FLOW_RELATED,	 /* an ICMP error: has the key of the packet that it quotes */
	FLOW_INVALID,	 /* belongs to no connection and starts none */
	FLOW_NEIGHBOUR,	 /* neighbour discovery and the like, which is never filtered */
	FLOW_FRAGMENT,	 /* not its packet's first one: only the addresses are known */
	FLOW_UNREADABLE, /* has headers that rules could not look behind */
	FLOW_MALFORMED,	 /* no IP packet, or its lengths lie */
};

/* enum tcp_bit_set of nf_conntrack_proto_tcp.c */
enum tcp_index {
	TCP_INDEX_SYN,
	TCP_INDEX_SYNACK,
	TCP_INDEX_FIN,
	TCP_INDEX_ACK,
	TCP_INDEX_RST,
	TCP_INDEX_NONE,
};

/* linux/icmp.h would include libc's headers. */
struct icmp_msg {
	__u8 type, code;
	__u16 checksum;
	__u16 id; /* of a query; network order */
	__u16 sequence;
};

struct flow_tcp {
	__u32 seq, ack, end;
	__u32 sack; /* the highest right edge of what is acknowledged */
	__u16 win;
	__u8 index;   /* enum tcp_index */
	__u8 flags;   /* as in the header */
	__u8 options; /* BV_TCP_WINDOW_SCALE, BV_TCP_SACK_PERM */
	__u8 scale;
	__u8 in_window; /* its end is in the receiver's window */
	__u8 new_state;
	__u8 option;	  /* offset of the option at hand */
	__u8 options_end; /* offset of their end */
	__u8 has_options;
	__u8 is_read; /* all of the above is this packet's */
};

/* Where the look behind extension headers has come to. */
struct ext_walk {
	__u32 at;
	__u32 id;
	__u16 fragment; /* offset and flag, as in a fragment header */
	__u8 next;	/* kind of the header at `at` */
};

/* Fields that rules look at: one look-up each. */
#define FLOW_FIELDS 7

struct flow {
	struct bv_conn_key key;
	struct bv_rule_key rule;
	struct bv_fragment_key fragment;
	__u8 quoted[2][16]; /* addresses of the packet that an ICMP error is about */
	__u64 hash;
	struct ext_walk walk;
	__u32 now;   /* ticks */
	__u32 bytes; /* of the packet, from the IP header on */
	__u32 l4;    /* offset of the transport header */
	__u32 way;   /* in its set; BV_CONN_WAYS and more: nowhere */
	__u32 rules_generation;
	__u32 timeout; /* ticks that the packet lets its connection live */
	struct bv_rule_target target;
	__u32 fields[FLOW_FIELDS]; /* look-ups of the rules: where they are, then their vectors */
	struct flow_tcp tcp;
	__u8 kind;   /* enum flow_kind */
	__u8 family; /* 0: IPv4, 1: IPv6 */
	__u8 protocol;
	__u8 has_ports;	    /* the transport header is there: rules may look at it */
	__u8 from_lo;	    /* sent by key.lo */
	__u8 starts;	    /* may be the first packet of a connection */
	__u8 first_of_many; /* fragments follow, which are to fare as it does */
	__u8 state;	    /* enum bv_ctstate */
	__u16 cached;	    /* what rules have said before; see bv_conn.rules_target */
	__u8 other;	    /* found in the second of the sets where it can be */
	__u8 fate;	    /* enum conn_fate */
	__u8 chain;	    /* enum bv_chain */
	__u8 entered;	    /* its connection is new in the table */
	__u8 pad[2];
	union {
		__u8 bytes64[64];
		struct tcphdr tcph;
		struct udphdr udph;
		struct icmp_msg icmp;
	} header;
	__u8 options[64]; /* 40, and room for a bound that is a power of two */
};

/* One packet at a time is worked on by a CPU; the stack has no room for it. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow);
} flow_scratch BV_MAP;

#endif
