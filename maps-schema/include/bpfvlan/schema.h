/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The one description of every map, read by the BPF programs and by the loader.
 *
 * Plain C with fixed sizes and no holes, so that C11 (BPF) and C++20 see the same bytes; the
 * assertions below hold in both. Byte order is the host's unless a field says "network order".
 * Change anything here and BV_SCHEMA_VERSION goes up: a loader refuses maps of another version.
 */
#ifndef BPFVLAN_SCHEMA_H
#define BPFVLAN_SCHEMA_H

#include <stddef.h>

#include <linux/types.h>

#ifdef __cplusplus
#define BV_STATIC_ASSERT static_assert
#else
#define BV_STATIC_ASSERT _Static_assert
#endif

#include <bpfvlan/schema_conntrack.h>
#include <bpfvlan/schema_rules.h>

#define BV_SCHEMA_VERSION 5

#define BV_NAME_LEN   64  /* endpoint name, terminating NUL included */
#define BV_IFNAME_LEN 16  /* IFNAMSIZ */
#define BV_NETNS_LEN  104 /* namespace as the user named it, terminating NUL included */

/* Default sizes; options of `attach` where they exist. */
#define BV_MAX_PARENTS	     64
#define BV_DEFAULT_ENDPOINTS 4096
#define BV_DEFAULT_ADDRESSES 65536 /* of each family */
#define BV_MAX_ENDPOINTS     65536 /* BV_GROUP_WORDS below */
#define BV_MAX_MEMBERS	     65536 /* of all groups together */
#define BV_MAX_LEARNED	     65536
#define BV_MAX_HOST_ADDRS    4096

/* One endpoint's share of what all share, so that none can take it from the others. */
#define BV_ENDPOINT_GROUPS  256
#define BV_ENDPOINT_LEARNED 64
#define BV_ENDPOINT_DHCP    8 /* requests that wait for an answer; the oldest goes first */

/* The numbers are IPVLAN_MODE_* of linux/if_link.h. */
enum bv_mode {
	BV_MODE_L2 = 0,
	BV_MODE_L3 = 1,
	BV_MODE_L3S = 2, /* l3, and filtered unless said otherwise */
};

/* In order of strictness: between two endpoints the larger one holds. */
enum bv_policy {
	BV_POLICY_BRIDGE = 0,
	BV_POLICY_VEPA = 1,
	BV_POLICY_PRIVATE = 2,
};

/* Kind of the device pair that carries an endpoint. */
enum bv_device {
	BV_DEVICE_VETH = 1,
	BV_DEVICE_NETKIT = 2,
};

enum bv_xdp_mode {
	BV_XDP_OFF = 0, /* the programs on TC do it all */
	BV_XDP_GENERIC = 1,
	BV_XDP_NATIVE = 2,
};

/* What a verdict does with the packet; design.md, "Words". */
enum bv_action {
	BV_PASS = 0, /* rx: not ours, on to the next program and the parent's stack, untouched */
	BV_DROP = 1,
	BV_DELIVER = 2, /* into an endpoint */
	BV_WIRE = 3,	/* routed with the parent as output interface */
	BV_HOST = 4,	/* to the stack of the parent's namespace */
	BV_FORWARD = 5, /* out of the parent, unchanged */
	BV_RECEIVE = 6, /* to the stack of the parent's namespace, as received on the parent */
	BV_ANSWER = 7,	/* rewritten as an answer, back to the endpoint that asked */
	BV_NOTE = 8,	/* no end of a packet: something counted beside it */
};

/*
 * Every packet ends with exactly one of these, but for the notes: X(identifier, action, text).
 * RX_*: seen by the rx program at the parent, or by XDP before it. TX_*: seen by the xmit program
 * at a host side.
 */
#define BV_REASONS(X)                                                                              \
	X(RX_DELIVERED, BV_DELIVER, "delivered to the endpoint")                                   \
	X(RX_DHCP, BV_DELIVER, "DHCP answer for the endpoint that asked")                          \
	X(RX_FLOODED, BV_PASS, "broadcast or multicast, copied to the endpoints that joined")      \
	X(RX_SOLICITED, BV_PASS, "neighbour request, copied to the endpoint asked for")            \
	X(RX_REFLECTED, BV_PASS, "an endpoint's own broadcast or multicast come back")             \
	X(RX_RULE, BV_DROP, "dropped by an input rule")                                            \
	X(RX_CHAIN_POLICY, BV_DROP, "dropped by the policy of the input chain")                    \
	X(RX_REJECTED, BV_FORWARD, "rejected by an input rule: its sender is told")                \
	X(RX_UNREADABLE, BV_DROP, "headers that rules could not look behind")                      \
	X(RX_NO_FILTER, BV_DROP, "to be filtered, and the filter is not there")                    \
	X(RX_CT_FULL, BV_DROP, "new, and no room in the connection table")                         \
	X(RX_NO_ENDPOINT, BV_PASS, "address of no endpoint")                                       \
	X(RX_OTHER_HOST, BV_PASS, "for another host's MAC address")                                \
	X(RX_VLAN, BV_PASS, "VLAN-tagged")                                                         \
	X(RX_NOT_IP, BV_PASS, "neither IPv4, IPv6 nor ARP")                                        \
	X(RX_MALFORMED, BV_PASS, "malformed header")                                               \
	X(RX_BAD_HEADER, BV_DROP, "malformed header, dropped before the stack would")              \
	X(RX_SPOOFED, BV_DROP, "for an endpoint, from an address that no sender has")              \
	X(TX_SIBLING, BV_DELIVER, "delivered to a sibling")                                        \
	X(TX_ROUTED, BV_WIRE, "routed out of the parent")                                          \
	X(TX_MALFORMED, BV_WIRE, "malformed header, routed by its destination")                    \
	X(TX_HOST, BV_HOST, "to the parent's own stack")                                           \
	X(TX_RULE, BV_DROP, "dropped by an output rule")                                           \
	X(TX_CHAIN_POLICY, BV_DROP, "dropped by the policy of the output chain")                   \
	X(TX_REJECTED, BV_ANSWER, "rejected by an output rule: the endpoint is told")              \
	X(TX_UNREADABLE, BV_DROP, "headers that rules could not look behind")                      \
	X(TX_NO_FILTER, BV_DROP, "to be filtered, and the filter is not there")                    \
	X(TX_CT_FULL, BV_DROP, "new, and no room in the connection table")                         \
	X(TX_PRIVATE, BV_DROP, "sibling blocked by policy private")                                \
	X(TX_MULTICAST, BV_DROP, "broadcast or multicast")                                         \
	X(TX_NOT_IP, BV_DROP, "neither IPv4 nor IPv6")                                             \
	X(TX_VLAN, BV_DROP, "VLAN-tagged")                                                         \
	X(TX_TRUNCATED, BV_DROP, "shorter than an IP header")                                      \
	X(TX_FORWARDED, BV_FORWARD, "to another MAC address, out of the parent")                   \
	X(TX_VEPA, BV_FORWARD, "for a sibling, left to the switch outside by policy vepa")         \
	X(TX_FLOODED, BV_FORWARD, "broadcast or multicast, out and to the siblings that joined")   \
	X(TX_OWN_MAC, BV_RECEIVE, "to the shared MAC address, for no sibling")                     \
	X(TX_ANSWERED, BV_ANSWER, "neighbour request answered for a sibling in mode l3")           \
	X(TX_PAUSE, BV_DROP, "PAUSE frame")                                                        \
	X(TX_NO_ENDPOINT, BV_DROP, "device is not an endpoint's")                                  \
	X(COPY_LOST, BV_NOTE, "copy of a broadcast or multicast not made, or not taken")           \
	X(GROUP_REFUSED, BV_NOTE, "group not joined: the table or the endpoint's share is full")   \
	X(ADDRESS_REFUSED, BV_NOTE, "address not learned: a sibling's or the host's own")          \
	X(ADDRESS_FULL, BV_NOTE, "address not learned: the table or the endpoint's share is full")

enum bv_reason {
#define X(id, action, text) BV_REASON_##id,
	BV_REASONS(X)
#undef X
		BV_REASON_MAX
};

/* `meta`, one element. schema_version stays the first field for ever. */
struct bv_meta {
	__u32 schema_version; /* BV_SCHEMA_VERSION of the program that made the maps */
	__u32 max_endpoints;
	__u32 max_addresses; /* of each family */
	__u32 max_connections;
};
BV_STATIC_ASSERT(sizeof(struct bv_meta) == 16, "map ABI changed");
BV_STATIC_ASSERT(offsetof(struct bv_meta, schema_version) == 0, "map ABI changed");

/* `parents`: key ifindex of the parent. Defaults for endpoints that set nothing themselves. */
struct bv_parent {
	enum bv_mode mode;
	enum bv_policy policy;
	__u32 mtu;	    /* as last copied to the endpoints */
	__u8 mac[6];	    /* as last copied to the endpoints */
	__u8 owns_clsact;   /* 1: the clsact qdisc is ours to remove (kernels before 6.6) */
	__u8 owns_allmulti; /* 1: receiving all multicast is ours to switch off */
	__u32 index;	    /* of its bucket; below BV_MAX_PARENTS */
	__u32 l2_endpoints; /* how many it has */
	__u8 detached;	    /* 1: connections and rules wait until it is attached again */
	__u8 xdp;	    /* enum bv_xdp_mode: what `attach --xdp` asked for */
	__u8 xdp_shared;    /* 1: its program is one of those of libxdp's dispatcher */
	__u8 pad;
	char ifname[BV_IFNAME_LEN];
};
BV_STATIC_ASSERT(sizeof(struct bv_parent) == 48, "map ABI changed");
BV_STATIC_ASSERT(offsetof(struct bv_parent, ifname) == 32, "map ABI changed");

/*
 * `endpoints`: key ifindex of the host side. The programs read the id; the rest is what the control
 * plane must remember. What else they need of it is in `ports`.
 */
struct bv_endpoint {
	__u32 id;     /* index into `ep_counters`, `ep_state`, `ports` */
	__u32 parent; /* ifindex */
	enum bv_mode mode;
	enum bv_policy policy;
	__u32 learn_age;   /* seconds after which an unused learned address counts no more; 0: none
			      is learned */
	__u8 filter;	   /* 1: what it exchanges with the outside passes the rules */
	__u8 parent_index; /* bv_parent.index */
	__u8 in_parent_netns; /* 1: stays in the parent's namespace */
	__u8 takes_xdp; /* 1: XDP at the parent hands it its frames, past its stack's offloads */
	enum bv_device device;
	__u32 inner_ifindex; /* in the endpoint's namespace */
	__u32 own_mtu;	     /* set for this endpoint, which the parent's may lower; 0: follows the
				parent's */
	__u32 mtu;
	__u64 netns_cookie; /* of the endpoint's namespace */
	__u64 netns_inode;  /* likewise; to find it under /run/netns and /proc */
	__u8 own_mode;	    /* 1: set for this endpoint; 0: follows the parent's */
	__u8 own_policy;    /* likewise */
	__u8 own_filter;    /* 1: set for this endpoint; 0: follows its mode */
	__u8 unfinished;    /* 1: being made or deleted; of a killed process if the lock is free */
	char name[BV_NAME_LEN];
	char inner_ifname[BV_IFNAME_LEN];
	char netns[BV_NETNS_LEN]; /* NAME, PATH or PID as given; empty: the parent's */
	__u8 owns_gro;		  /* 1: GRO of the inner side is ours to switch off */
	__u8 pad2[3];
};
BV_STATIC_ASSERT(sizeof(struct bv_endpoint) == 248, "map ABI changed");
BV_STATIC_ASSERT(offsetof(struct bv_endpoint, netns_cookie) == 40, "map ABI changed");
BV_STATIC_ASSERT(offsetof(struct bv_endpoint, name) == 60, "map ABI changed");

/*
 * All that programs need of a sender or a receiver: copies of the endpoint's settings. `ports`:
 * index bv_endpoint.id.
 */
struct bv_port {
	__u32 host_side; /* ifindex; 0: no endpoint */
	__u32 id;	 /* index into `ep_counters` */
	__u32 parent;	 /* ifindex */
	enum bv_mode mode;
	enum bv_policy policy;
	__u8 in_parent_netns;
	__u8 filter;	   /* as bv_endpoint.filter */
	__u8 parent_index; /* bv_parent.index */
	__u8 takes_xdp;	   /* as bv_endpoint.takes_xdp */
	__u32 learn_age;   /* as bv_endpoint.learn_age; in `ports` alone */
	__u32 mtu;	   /* as bv_endpoint.mtu; in `ports` alone */
};
BV_STATIC_ASSERT(sizeof(struct bv_port) == 32, "map ABI changed");
BV_STATIC_ASSERT(offsetof(struct bv_port, in_parent_netns) == 20, "map ABI changed");

/*
 * `host_sides`: index ifindex of a host side, modulo its size; the value is the bv_endpoint.id of
 * one that falls there. It is the one looked for if its bv_port.host_side says so; if not, or if
 * several fall there, `endpoints` knows.
 */
#define BV_HOST_SIDES 65536

/* `addr4`, `addr6`: keys. The address is in network order. */
struct bv_addr4_key {
	__u32 parent; /* ifindex */
	__u8 addr[4];
};
BV_STATIC_ASSERT(sizeof(struct bv_addr4_key) == 8, "map ABI changed");

struct bv_addr6_key {
	__u32 parent; /* ifindex */
	__u8 addr[16];
};
BV_STATIC_ASSERT(sizeof(struct bv_addr6_key) == 20, "map ABI changed");

/*
 * `addr4`, `addr6`: value. A learned address counts while seconds(now) - seen <= age; seconds are
 * those of the kernel's monotonic clock.
 */
struct bv_addr {
	struct bv_port to;
	__u8 prefix_len; /* of a learned address: that of the address alone, 32 or 128 */
	__u8 pad[3];
	__u32 age;  /* 0: given by the administrator, for good; else learned */
	__u32 seen; /* when the endpoint last sent from it */
};
BV_STATIC_ASSERT(sizeof(struct bv_addr) == 44, "map ABI changed");
BV_STATIC_ASSERT(offsetof(struct bv_addr, prefix_len) == 32, "map ABI changed");

/*
 * `addr4_index`, `addr6_index`: what `addr4` and `addr6` say of the addresses that administrators
 * have given, without the price of a hash map. A bucket has room for a few; if `more` is not 0,
 * `addr4` or `addr6` has to be asked about what is not found in it. The loader, which maps them
 * into its memory, writes a word at a time and `who` last, so that a program sees an entry whole or
 * not at all.
 */
#define BV_ADDR4_BUCKET_BITS 14
#define BV_ADDR6_BUCKET_BITS 13
#define BV_ADDR4_WAYS	     3
#define BV_ADDR6_WAYS	     2
#define BV_INDEX_FACTOR	     0x9e3779b97f4a7c15ULL
#define BV_INDEX_FACTOR_2    0xff51afd7ed558ccdULL

/* Bits of `more`, set and cleared atomically. */
enum bv_index_more {
	BV_INDEX_LEARNED = 1,  /* the programs have learned an address that belongs here */
	BV_INDEX_CHANGING = 2, /* the loader is at work here, or was killed at it */
	BV_INDEX_OVERFLOWED = 4,
};

/*
 * An entry: the address, as its bytes lie in memory, in the high half, then the low half of the
 * parent's ifindex, then bv_endpoint.id: 32, 16 and 16 bits. 0: none. Whose it is, `ports` tells
 * for certain.
 */
struct bv_addr4_bucket {
	__u64 who[BV_ADDR4_WAYS];
	__u64 more;
};
BV_STATIC_ASSERT(sizeof(struct bv_addr4_bucket) == 32, "map ABI changed");

/* `who`: the parent's ifindex in the high half, and bv_endpoint.id. 0: none. */
struct bv_addr6_bucket {
	__u64 addr[BV_ADDR6_WAYS][2]; /* as its bytes lie in memory */
	__u64 who[BV_ADDR6_WAYS];
	__u64 more;
	__u64 pad;
};
BV_STATIC_ASSERT(sizeof(struct bv_addr6_bucket) == 64, "map ABI changed");

/* What an entry says, but for its last 16 bits. */
static inline __u64 bv_addr4_word(__u32 parent, __u32 addr)
{
	return (__u64)addr << 32 | (parent & 0xffff) << 16;
}

static inline __u32 bv_addr4_bucket_of(__u32 parent, __u32 addr)
{
	const __u64 both = (__u64)parent << 32 | addr;

	return (__u32)(both * BV_INDEX_FACTOR >> (64 - BV_ADDR4_BUCKET_BITS));
}

static inline __u32 bv_addr6_bucket_of(__u32 parent, __u64 high, __u64 low)
{
	const __u64 all = low + (high ^ parent) * BV_INDEX_FACTOR_2;

	return (__u32)(all * BV_INDEX_FACTOR >> (64 - BV_ADDR6_BUCKET_BITS));
}

/* `learned`: key; the addresses that one endpoint has learned, in no order. */
struct bv_learned_key {
	__u32 id;   /* of the endpoint */
	__u32 slot; /* 0 to BV_ENDPOINT_LEARNED - 1 */
};
BV_STATIC_ASSERT(sizeof(struct bv_learned_key) == 8, "map ABI changed");

/* `learned`: value. It is the endpoint's only while `addr4` or `addr6` says so too. */
struct bv_learned {
	__u8 addr[16]; /* network order; of IPv4 the first four bytes */
	__u32 family;  /* AF_INET or AF_INET6 */
};
BV_STATIC_ASSERT(sizeof(struct bv_learned) == 20, "map ABI changed");

/* `host_addrs`: key, addresses of the host itself that no endpoint can learn; IPv4 as ::ffff:0:0/96
 * has it. The value is 1.
 */
struct bv_host_addr {
	__u8 addr[16]; /* network order */
};
BV_STATIC_ASSERT(sizeof(struct bv_host_addr) == 16, "map ABI changed");

/*
 * Who gets a group's frames. A group's MAC address has a bucket, which tells who may be a member:
 * bit c % 64 of group_chunks[bucket].words[c / 64], that some of the endpoints 64 * c to
 * 64 * c + 63 may be, and bit n of group_hints[bucket * chunks + c], that endpoint 64 * c + n may
 * be; `chunks` is a constant of the programs, bv_chunks. The programs set these bits and never
 * clear them. `members` says who is.
 *
 * The bucket BV_GROUP_BUCKETS + bv_parent.index is that of all l2 endpoints of a parent: of
 * broadcast and of the groups of all hosts and all nodes. The loader alone writes it.
 */
#define BV_GROUP_BUCKETS 1024
#define BV_GROUP_WORDS	 16
struct bv_group_chunks {
	__u64 words[BV_GROUP_WORDS];
};
BV_STATIC_ASSERT(sizeof(struct bv_group_chunks) == 128, "map ABI changed");
BV_STATIC_ASSERT(BV_GROUP_WORDS * 64 * 64 == BV_MAX_ENDPOINTS, "every endpoint has its bit");

/* `members`: key. An entry for each group that an endpoint has joined. */
struct bv_member_key {
	__u32 id; /* of the endpoint */
	__u8 mac[6];
	__u8 pad[2];
};
BV_STATIC_ASSERT(sizeof(struct bv_member_key) == 12, "map ABI changed");
/* `members`: value, 64 bits: one for each of the IP groups behind that MAC address. */

/* `dhcp`: key, what an answer to the shared MAC address tells of the client that asked. */
struct bv_dhcp_key {
	__u32 parent; /* ifindex */
	__u32 xid;    /* network order */
	__u64 client; /* hash of the client identifier, option 61; 0: without */
};
BV_STATIC_ASSERT(sizeof(struct bv_dhcp_key) == 16, "map ABI changed");
/*
 * `dhcp`: value is the endpoint's id, 32 bits. `dhcp_slots`: index
 * BV_ENDPOINT_DHCP * bv_endpoint.id + slot; value bv_dhcp_key, what the endpoint has in `dhcp`.
 */

/* `ep_state`: index bv_endpoint.id. Written by the programs on all CPUs, atomically. */
struct bv_ep_state {
	__u32 groups;		 /* joined; at most BV_ENDPOINT_GROUPS */
	__u32 learned_hand;	 /* slot of `learned` that is tried next, modulo their number */
	__u64 learned_busy;	 /* a bit for each slot that a CPU is writing */
	__u64 addresses_refused; /* packets from addresses that it could not have */
	__u64 groups_refused;
	__u32 dhcp_hand; /* slot of `dhcp_slots` that is next, modulo their number */
	__u32 pad;
};
BV_STATIC_ASSERT(sizeof(struct bv_ep_state) == 40, "map ABI changed");

/* `ep_counters`: index bv_endpoint.id, one value per CPU. Bytes count the Ethernet header. */
struct bv_ep_counters {
	__u64 rx_packets; /* delivered to the endpoint */
	__u64 rx_bytes;
	__u64 tx_packets; /* sent by the endpoint, whatever became of them */
	__u64 tx_bytes;
	__u64 tx_dropped; /* packets of tx_packets that a TX_* reason dropped */
	__u64 pad[3];	  /* one cache line each */
};
BV_STATIC_ASSERT(sizeof(struct bv_ep_counters) == 64, "map ABI changed");

/* `reasons`: index enum bv_reason, one value per CPU. */
struct bv_reason_count {
	__u64 packets;
	__u64 bytes;
};
BV_STATIC_ASSERT(sizeof(struct bv_reason_count) == 16, "map ABI changed");

/*
 * `pending`, one element per CPU: a packet on its way to the filter, a program of its own that only
 * those with filtered endpoints need; it is called by `filters`, index 0.
 */
struct bv_pending {
	struct bv_port to;     /* DELIVER: who gets it */
	enum bv_reason reason; /* if the filter has nothing against it */
	__u32 ifindex;	       /* likewise */
	__u32 from;	       /* bv_endpoint.id of the sender; BV_NO_ENDPOINT at rx */
	__u32 chain;	       /* enum bv_chain */
	__u32 endpoint;	       /* bv_endpoint.id of the endpoint whose packet it is */
	__u32 parent_index;    /* bv_parent.index */
	__u32 answer_by;       /* ifindex: where the answer to a rejected packet goes */
	__u32 pad;
};
#define BV_NO_ENDPOINT (~0U)
BV_STATIC_ASSERT(sizeof(struct bv_pending) == 64, "map ABI changed");

/* `last_verdict`, one element per CPU: written only when a test sets bv_record_verdict. */
struct bv_verdict {
	enum bv_action action;
	enum bv_reason reason;
	__u32 ifindex; /* where it went; 0: nowhere */
	__u32 to;      /* delivered: id of the endpoint that got it */
};
BV_STATIC_ASSERT(sizeof(struct bv_verdict) == 16, "map ABI changed");

#endif
