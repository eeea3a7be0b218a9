/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The maps of a hairpin port: a set for each, beside those of schema.h and with a version of its
 * own. The same rules hold: fixed sizes, no holes.
 */
#ifndef BPFVLAN_SCHEMA_HAIRPIN_H
#define BPFVLAN_SCHEMA_HAIRPIN_H

#include <bpfvlan/schema.h>

#define BV_HAIRPIN_VERSION 1

#define BV_HAIRPIN_STATIONS 8192
#define BV_HAIRPIN_AGE	    300 /* seconds without a frame; IEEE 802.1D, 7.9.2 */
#define BV_HAIRPIN_PREFIXES 1024
#define BV_HAIRPIN_ECHOES   1024

/* A group frame that comes again within this time is the copy, sent back once more. */
#define BV_HAIRPIN_ECHO_NS 1000000ULL
/* Of so many frames sent back one is looked at: if it has been before, lately, it goes round. */
#define BV_HAIRPIN_SAMPLE  1024
#define BV_HAIRPIN_LOOP_NS 1000000000ULL

/* How a frame that arrives ends, each by exactly one: X(identifier, text). */
#define BV_HAIRPIN_ENDS(X)                                                                         \
	X(STATION, "sent back: for a station behind the port")                                     \
	X(ADDRESS, "sent back: for an address behind the port, by way of its MAC address")         \
	X(GROUP, "broadcast or multicast: a copy sent back")                                       \
	X(PASSED, "for nobody known behind the port")                                              \
	X(OWN, "from the port's own MAC address")                                                  \
	X(CONTROL, "link-local control")                                                           \
	X(ECHO, "broadcast or multicast of which a copy was sent back just now")                   \
	X(LOOPED, "sent back before, again and again: dropped")                                    \
	X(LOST, "broadcast or multicast of which no copy could be sent back")                      \
	X(CUT, "shorter than its headers")

enum bv_hairpin_end {
#define X(id, text) BV_HAIRPIN_##id,
	BV_HAIRPIN_ENDS(X)
#undef X
		BV_HAIRPIN_END_MAX
};

/* `hairpin_port`, one element. version stays the first field for ever. */
struct bv_hairpin_port {
	__u32 version; /* BV_HAIRPIN_VERSION of the program that made the maps */
	__u32 ifindex;
	enum bv_xdp_mode mode;
	__u8 mac[6];	  /* as of the last `hairpin attach` */
	__u8 owns_clsact; /* 1: the clsact qdisc is ours to remove (kernels before 6.6) */
	__u8 pad[5];
	char ifname[BV_IFNAME_LEN];
	__u64 hash_key[2]; /* random: nobody can have another's frame taken for an echo */
};
BV_STATIC_ASSERT(sizeof(struct bv_hairpin_port) == 56, "map ABI changed");
BV_STATIC_ASSERT(offsetof(struct bv_hairpin_port, version) == 0, "map ABI changed");
BV_STATIC_ASSERT(offsetof(struct bv_hairpin_port, hash_key) == 40, "map ABI changed");

/* `hairpin_stations`: key; the value is the second, as in bv_addr.seen, of its latest frame. */
struct bv_hairpin_station {
	__u8 mac[6];
	__u16 vlan; /* id; 0: untagged */
};
BV_STATIC_ASSERT(sizeof(struct bv_hairpin_station) == 8, "map ABI changed");

/* `hairpin_prefixes`: key, as longest-prefix match needs it. */
struct bv_hairpin_prefix {
	__u32 length;  /* in bits, family included: 32 + the prefix's */
	__u32 family;  /* 4 or 6 */
	__u8 addr[16]; /* network order; IPv4 in the first four */
};
BV_STATIC_ASSERT(sizeof(struct bv_hairpin_prefix) == 24, "map ABI changed");

/* `hairpin_counts`: index enum bv_hairpin_end, one value per CPU. */
struct bv_hairpin_count {
	__u64 packets;
	__u64 bytes;
};
BV_STATIC_ASSERT(sizeof(struct bv_hairpin_count) == 16, "map ABI changed");

#endif
