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

#define BV_SCHEMA_VERSION 1

#define BV_NAME_LEN   64  /* endpoint name, terminating NUL included */
#define BV_IFNAME_LEN 16  /* IFNAMSIZ */
#define BV_NETNS_LEN  104 /* namespace as the user named it, terminating NUL included */

/* Default sizes; options of `attach` where they exist. */
#define BV_MAX_PARENTS	     64
#define BV_DEFAULT_ENDPOINTS 4096
#define BV_DEFAULT_ADDRESSES 65536 /* of each family */

/* The numbers are IPVLAN_MODE_* of linux/if_link.h. */
enum bv_mode {
	BV_MODE_L3 = 1,
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
};

/* What a verdict does with the packet; design.md, "Words". */
enum bv_action {
	BV_PASS = 0, /* rx: not ours, on to the next program and the parent's stack, untouched */
	BV_DROP = 1,
	BV_DELIVER = 2, /* into an endpoint */
	BV_WIRE = 3,	/* routed with the parent as output interface */
	BV_HOST = 4,	/* to the stack of the parent's namespace */
};

/*
 * Every packet ends with exactly one of these: X(identifier, action, text).
 * RX_*: seen by the rx program at the parent. TX_*: seen by the xmit program at a host side.
 */
#define BV_REASONS(X)                                                                              \
	X(RX_DELIVERED, BV_DELIVER, "delivered to the endpoint")                                   \
	X(RX_NO_ENDPOINT, BV_PASS, "address of no endpoint")                                       \
	X(RX_OTHER_HOST, BV_PASS, "for another host's MAC address")                                \
	X(RX_VLAN, BV_PASS, "VLAN-tagged")                                                         \
	X(RX_NOT_IP, BV_PASS, "neither IPv4, IPv6 nor ARP")                                        \
	X(RX_MALFORMED, BV_PASS, "malformed header")                                               \
	X(TX_SIBLING, BV_DELIVER, "delivered to a sibling")                                        \
	X(TX_ROUTED, BV_WIRE, "routed out of the parent")                                          \
	X(TX_MALFORMED, BV_WIRE, "malformed header, routed by its destination")                    \
	X(TX_HOST, BV_HOST, "to the parent's own stack")                                           \
	X(TX_PRIVATE, BV_DROP, "sibling blocked by policy private")                                \
	X(TX_MULTICAST, BV_DROP, "broadcast or multicast")                                         \
	X(TX_NOT_IP, BV_DROP, "neither IPv4 nor IPv6")                                             \
	X(TX_VLAN, BV_DROP, "VLAN-tagged")                                                         \
	X(TX_TRUNCATED, BV_DROP, "shorter than an IP header")                                      \
	X(TX_NO_ENDPOINT, BV_DROP, "device is not an endpoint's")

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
	__u32 pad;
};
BV_STATIC_ASSERT(sizeof(struct bv_meta) == 16, "map ABI changed");
BV_STATIC_ASSERT(offsetof(struct bv_meta, schema_version) == 0, "map ABI changed");

/* `parents`: key ifindex of the parent. Defaults for endpoints that set nothing themselves. */
struct bv_parent {
	enum bv_mode mode;
	enum bv_policy policy;
	__u32 mtu;	  /* as last copied to the endpoints */
	__u8 mac[6];	  /* as last copied to the endpoints */
	__u8 owns_clsact; /* 1: the clsact qdisc is ours to remove (kernels before 6.6) */
	__u8 pad;
	char ifname[BV_IFNAME_LEN];
};
BV_STATIC_ASSERT(sizeof(struct bv_parent) == 36, "map ABI changed");
BV_STATIC_ASSERT(offsetof(struct bv_parent, ifname) == 20, "map ABI changed");

/*
 * `endpoints`: key ifindex of the host side. The xmit program reads the first 16 bytes; the rest
 * is what the control plane must remember.
 */
struct bv_endpoint {
	__u32 id;     /* index into `ep_counters` */
	__u32 parent; /* ifindex */
	enum bv_mode mode;
	enum bv_policy policy;
	enum bv_device device;
	__u32 inner_ifindex; /* in the endpoint's namespace */
	__u64 netns_cookie;  /* of the endpoint's namespace */
	__u64 netns_inode;   /* likewise; to find it under /run/netns and /proc */
	__u8 own_mode;	     /* 1: set for this endpoint; 0: follows the parent's */
	__u8 own_policy;     /* likewise */
	__u8 unfinished;     /* 1: being made or deleted; of a killed process if the lock is free */
	__u8 in_parent_netns; /* 1: stays in the parent's namespace */
	__u32 mtu;
	char name[BV_NAME_LEN];
	char inner_ifname[BV_IFNAME_LEN];
	char netns[BV_NETNS_LEN]; /* NAME, PATH or PID as given; empty: the parent's */
	__u32 own_mtu; /* set for this endpoint, which the parent's may lower; 0: follows the
			  parent's */
	__u32 pad;
};
BV_STATIC_ASSERT(sizeof(struct bv_endpoint) == 240, "map ABI changed");
BV_STATIC_ASSERT(offsetof(struct bv_endpoint, netns_cookie) == 24, "map ABI changed");
BV_STATIC_ASSERT(offsetof(struct bv_endpoint, name) == 48, "map ABI changed");

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

/* `addr4`, `addr6`: value, all that delivery needs; copies of the endpoint's settings. */
struct bv_addr {
	__u32 host_side; /* ifindex */
	__u32 id;	 /* index into `ep_counters` */
	enum bv_mode mode;
	enum bv_policy policy;
	__u8 in_parent_netns;
	__u8 prefix_len;
	__u8 pad[2];
};
BV_STATIC_ASSERT(sizeof(struct bv_addr) == 20, "map ABI changed");
BV_STATIC_ASSERT(offsetof(struct bv_addr, in_parent_netns) == 16, "map ABI changed");

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

/* `last_verdict`, one element per CPU: written only when a test sets bv_record_verdict. */
struct bv_verdict {
	enum bv_action action;
	enum bv_reason reason;
	__u32 ifindex; /* where it went; 0: nowhere */
	__u32 to;      /* delivered: id of the endpoint that got it */
};
BV_STATIC_ASSERT(sizeof(struct bv_verdict) == 16, "map ABI changed");

#endif
