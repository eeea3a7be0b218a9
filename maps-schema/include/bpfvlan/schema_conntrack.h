/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The connection table, part of schema.h: states and rules are those of net/netfilter/
 * nf_conntrack_*.c, whose names are used throughout.
 */
#ifndef BPFVLAN_SCHEMA_CONNTRACK_H
#define BPFVLAN_SCHEMA_CONNTRACK_H

#include <linux/bpf.h>

#define BV_DEFAULT_CONNECTIONS 262144
#define BV_MIN_CONNECTIONS     1024
#define BV_MAX_CONNECTIONS     (1 << 24)
#define BV_MAX_FRAGMENTS       16384

/* enum ip_conntrack_info, as rules see it; of a packet. */
enum bv_ctstate {
	BV_CTSTATE_NEW = 0,
	BV_CTSTATE_ESTABLISHED = 1,
	BV_CTSTATE_RELATED = 2,
	BV_CTSTATE_INVALID = 3,
};

/* enum tcp_conntrack of linux/netfilter/nf_conntrack_tcp.h: X(identifier), in its order. */
#define BV_TCP_STATES(X)                                                                           \
	X(NONE)                                                                                    \
	X(SYN_SENT)                                                                                \
	X(SYN_RECV)                                                                                \
	X(ESTABLISHED)                                                                             \
	X(FIN_WAIT)                                                                                \
	X(CLOSE_WAIT)                                                                              \
	X(LAST_ACK)                                                                                \
	X(TIME_WAIT)                                                                               \
	X(CLOSE)                                                                                   \
	X(SYN_SENT2)

enum bv_tcp_state {
#define X(id) BV_TCP_##id,
	BV_TCP_STATES(X)
#undef X
		BV_TCP_MAX
};

/*
 * Seconds after which an entry counts no more: X(identifier, name under net.netfilter, seconds).
 * The first ones are those of enum bv_tcp_state, in its order.
 */
#define BV_CT_TIMEOUTS(X)                                                                          \
	X(TCP_NONE, "nf_conntrack_tcp_timeout_none", 120)                                          \
	X(TCP_SYN_SENT, "nf_conntrack_tcp_timeout_syn_sent", 120)                                  \
	X(TCP_SYN_RECV, "nf_conntrack_tcp_timeout_syn_recv", 60)                                   \
	X(TCP_ESTABLISHED, "nf_conntrack_tcp_timeout_established", 432000)                         \
	X(TCP_FIN_WAIT, "nf_conntrack_tcp_timeout_fin_wait", 120)                                  \
	X(TCP_CLOSE_WAIT, "nf_conntrack_tcp_timeout_close_wait", 60)                               \
	X(TCP_LAST_ACK, "nf_conntrack_tcp_timeout_last_ack", 30)                                   \
	X(TCP_TIME_WAIT, "nf_conntrack_tcp_timeout_time_wait", 120)                                \
	X(TCP_CLOSE, "nf_conntrack_tcp_timeout_close", 10)                                         \
	X(TCP_SYN_SENT2, "nf_conntrack_tcp_timeout_syn_sent2", 120)                                \
	X(TCP_MAX_RETRANS, "nf_conntrack_tcp_timeout_max_retrans", 300)                            \
	X(TCP_UNACKNOWLEDGED, "nf_conntrack_tcp_timeout_unacknowledged", 300)                      \
	X(UDP, "nf_conntrack_udp_timeout", 30)                                                     \
	X(UDP_STREAM, "nf_conntrack_udp_timeout_stream", 120)                                      \
	X(ICMP, "nf_conntrack_icmp_timeout", 30)                                                   \
	X(ICMPV6, "nf_conntrack_icmpv6_timeout", 30)                                               \
	X(GENERIC, "nf_conntrack_generic_timeout", 600)

enum bv_ct_timeout {
#define X(id, name, seconds) BV_CT_TIMEOUT_##id,
	BV_CT_TIMEOUTS(X)
#undef X
		BV_CT_TIMEOUT_MAX
};

/*
 * Time in the table is counted in ticks: 16 jiffies (jiffies_64 >> 4), modulo 2^32. A tick lasts 16
 * to 160 ms; so a time-out may have at most half of 2^32 of them.
 */
#define BV_CT_TICK_SHIFT 4

/* `ct_settings`, one element. The names of the switches are those under net.netfilter. */
struct bv_ct_settings {
	__u32 timeout[24];	      /* ticks; index enum bv_ct_timeout */
	__u32 ticks_per_1000_seconds; /* of this kernel */
	__u32 longest;	/* ticks that any entry may have left; what has more is of another age */
	__u8 tcp_loose; /* pick up connections whose beginning was not seen */
	__u8 tcp_be_liberal; /* only resets outside the window are invalid */
	__u8 tcp_ignore_invalid_rst;
	__u8 tcp_max_retrans; /* at most 15 */
	__u8 pad[4];
	__u64 hash_key[2]; /* of the table; the programs have it as a constant */
};
BV_STATIC_ASSERT(sizeof(struct bv_ct_settings) == 128, "map ABI changed");
BV_STATIC_ASSERT(BV_CT_TIMEOUT_MAX <= 24, "every time-out has its place");

/* bv_conn.status_state, the low four bits */
#define BV_CONN_LO_STARTED                                                                         \
	0x1 /* the first packet came from `lo`: that is the original direction                     \
	     */
#define BV_CONN_SEEN_REPLY 0x2
#define BV_CONN_ASSURED	   0x4

/* bv_conn.tcp_flags: IP_CT_TCP_FLAG_* of linux/netfilter/nf_conntrack_tcp.h, with its numbers. */
#define BV_TCP_WINDOW_SCALE	   0x01
#define BV_TCP_SACK_PERM	   0x02
#define BV_TCP_CLOSE_INIT	   0x04
#define BV_TCP_BE_LIBERAL	   0x08
#define BV_TCP_DATA_UNACKNOWLEDGED 0x10
#define BV_TCP_MAXACK_SET	   0x20
/* bv_conn.tcp_last_syn, the low four bits: the first two of these, and */
#define BV_TCP_LAST_CHALLENGE_ACK     0x4
#define BV_TCP_LAST_SIMULTANEOUS_OPEN 0x8

/*
 * Which connection a packet belongs to. A tuple and its reply have the same key: `lo` is the
 * smaller address, or for equal ones the end with the smaller port, compared as they lie in memory.
 * IPv4 addresses are ::ffff:0:0/96. Protocols without ports have 0; queries of ICMP (RFC 792; RFC
 * 4443) the identifier in port[0], and in port[1] the request's type and whether it came from `lo`,
 * as the same identifier from the other end is another query.
 */
struct bv_conn_key {
	__u8 lo[16], hi[16]; /* network order */
	__u8 port[2][2];     /* of lo and of hi, network order */
	__u8 protocol;
	__u8 parent; /* bv_parent.index */
	__u8 pad[2];
};
BV_STATIC_ASSERT(sizeof(struct bv_conn_key) == 40, "map ABI changed");

/*
 * One connection; struct nf_conn and struct ip_ct_tcp. Of two values, [0] is the original
 * direction's and [1] the reply's; of two things in a byte, the first is in the low four bits (bit
 * fields would keep the kernel from taking the type). Sequence numbers are in host order. Bytes
 * count from the IP header on. Narrow fields, since a million of these are to fit.
 */
#define BV_CONN_TARGET(number, chain) (((number) + 1) << 1 | (chain))
#define BV_CONN_TARGET_NUMBER(target) (((target) >> 1) - 1)
#define BV_CONN_TARGET_CHAIN(target)  ((target)&1)

struct bv_conn {
	__u8 lo[16], hi[16]; /* as in bv_conn_key */
	__u8 port[2][2];
	__u8 protocol;
	__u8 parent;
	__u8 status_state; /* BV_CONN_*; enum bv_tcp_state */
	__u8 tcp_scales;   /* of the original direction; of the reply's */
	__u32 expires;	   /* tick from which it counts no more */
	/* What the rules said of its packets while it is established, as long as these rules hold:
	 * their bv_rules.generation, and by direction BV_CONN_TARGET(); 0: not known. */
	__u32 rules_generation;
	__u16 rules_target[2];
	__u32 packets[2], bytes[2]; /* the low 32 bits */
	__u8 packets_high[2];	    /* the next 8 bits */
	__u16 bytes_high[2];	    /* the next 16 bits */
	__u8 tcp_last_syn;	    /* flags; window scale */
	__u8 tcp_last_other; /* direction, in bit 0, and kind of segment, 1 to 3; retransmissions */
	union {
		__u32 tcp_end[2];
		__u32 stream_from; /* UDP: tick from which it is a stream, if replies come */
	};
	__u32 tcp_maxend[2], tcp_maxwin[2], tcp_maxack[2];
	__u32 tcp_last_seq, tcp_last_ack, tcp_last_end;
	__u16 tcp_last_win;
	__u8 tcp_flags[2];
};
BV_STATIC_ASSERT(sizeof(struct bv_conn) == 124, "map ABI changed");
BV_STATIC_ASSERT(offsetof(struct bv_conn, expires) == 40, "map ABI changed");
BV_STATIC_ASSERT(offsetof(struct bv_conn, tcp_end) == 76, "map ABI changed");

/*
 * `conntrack`: array; value, a set of connections with the same hash. A connection is in the set
 * that the low half of its hash says, or if that one is full in the one that the high half says.
 * Its place is free if its tag is 0, or its time is over.
 */
#define BV_CONN_WAYS 8
struct bv_conn_set {
	struct bpf_spin_lock lock;
	__u8 overflowed; /* 1: what belongs here may be in its other set */
	__u8 pad[3];
	__u16 tag[BV_CONN_WAYS]; /* 16 bits more of the hash, never 0; 0: free */
	__u8 pad2[8];
	struct bv_conn conn[BV_CONN_WAYS];
};
BV_STATIC_ASSERT(sizeof(struct bv_conn_set) == 128 * BV_CONN_WAYS, "128 bytes a connection");

/* What the loader has `bv_ct_forget` do, run with BPF_PROG_TEST_RUN: behind 14 bytes of Ethernet
 * header, as neither a program nor the kernel lets the loader take the locks. It returns how many
 * connections went.
 */
#define BV_CT_ANY_PARENT (~0U)
enum bv_ct_forget_what {
	BV_CT_FORGET_ALL = 0, /* of the parent */
	BV_CT_FORGET_ONE = 1, /* the one with `key` */
};

struct bv_ct_forget {
	__u32 parent_index;	     /* bv_parent.index, or BV_CT_ANY_PARENT */
	enum bv_ct_forget_what what; /* 32 bits */
	struct bv_conn_key key;
};
BV_STATIC_ASSERT(sizeof(struct bv_ct_forget) == 48, "map ABI changed");

/* What `bv_clock`, run likewise, leaves behind the Ethernet header. */
struct bv_ct_clock {
	__u64 jiffies;
	__u64 coarse_ns; /* bpf_ktime_get_coarse_ns() */
};
BV_STATIC_ASSERT(sizeof(struct bv_ct_clock) == 16, "map ABI changed");

/* `ct_fragments`: key, what the fragments of one packet have in common. */
struct bv_fragment_key {
	__u8 src[16], dst[16]; /* network order, as in bv_conn_key */
	__u32 id;	       /* network order */
	__u8 protocol;	       /* IPv4; 0 with IPv6 */
	__u8 parent;	       /* bv_parent.index */
	__u8 chain;	       /* enum bv_chain */
	__u8 pad;
};
BV_STATIC_ASSERT(sizeof(struct bv_fragment_key) == 40, "map ABI changed");

/* `ct_fragments`: value. The first one was accepted, and so are those that follow. */
struct bv_fragment {
	__u32 expires; /* tick */
};
BV_STATIC_ASSERT(sizeof(struct bv_fragment) == 4, "map ABI changed");

/* `ct_stats`: index of a per-CPU array of 64 bit counters: X(identifier, name). */
#define BV_CT_STATS(X)                                                                             \
	X(FOUND, "found")		  /* packets of a connection that is there */              \
	X(NEW, "new")			  /* connections entered */                                \
	X(INVALID, "invalid")		  /* packets of no connection, that start none */          \
	X(FULL, "full")			  /* packets that no connection was entered for */         \
	X(EARLY_DROPPED, "early_dropped") /* connections that made room, none of them assured */

enum bv_ct_stat {
#define X(id, name) BV_CT_STAT_##id,
	BV_CT_STATS(X)
#undef X
		BV_CT_STAT_MAX
};

#endif
