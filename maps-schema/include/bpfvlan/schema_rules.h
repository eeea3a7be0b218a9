/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The rules of a parent as the loader compiles them, part of schema.h. How a match works:
 * docs/architecture.md, "Rules".
 */
#ifndef BPFVLAN_SCHEMA_RULES_H
#define BPFVLAN_SCHEMA_RULES_H

#include <linux/types.h>

#define BV_CHAIN_RULES 4096  /* rules of one chain, at most */
#define BV_MAX_RULES   16384 /* of all parents together */

enum bv_chain {
	BV_CHAIN_INPUT = 0,  /* towards endpoints */
	BV_CHAIN_OUTPUT = 1, /* from endpoints */
	BV_CHAIN_MAX
};

enum bv_target {
	BV_TARGET_ACCEPT = 0,
	BV_TARGET_DROP = 1,
	BV_TARGET_REJECT = 2, /* dropped, and its sender is told */
};

#define BV_REJECT_TCP_RESET 255

/*
 * All that rules look at, of one packet. Offsets are those of BV_RULE_NODE; fields that a packet
 * does not have are 0.
 */
struct bv_rule_key {
	__u8 src[16], dst[16]; /* network order; IPv4 as ::ffff:0:0/96 */
	__u8 sport[2];	       /* network order */
	__u8 dport[2];	       /* likewise; of ICMP and ICMPv6: type and code */
	__u8 protocol;
	__u8 state;	  /* enum bv_ctstate << 6, and TCP's FIN SYN RST PSH ACK URG as they are */
	__u8 endpoint[2]; /* bv_endpoint.id, big endian */
	__u64 zero;	  /* so that two words can be read at each */
};
BV_STATIC_ASSERT(sizeof(struct bv_rule_key) == 48, "map ABI changed");

/*
 * Where a look-up of a field goes on: kind in bits 30 and 31.
 *   vector: bits 0-29: its number; it ends here.
 *   node:   bits 24-29: byte of the key, which indexes the cells of the page in bits 0-23.
 *   skip:   bits 0-29: its number.
 */
#define BV_RULE_KIND(ref)      ((ref) >> 30)
#define BV_RULE_VECTOR	       0U
#define BV_RULE_NODE	       1U
#define BV_RULE_SKIP	       2U
#define BV_RULE_NODE_BYTE(ref) ((ref) >> 24 & 63)
#define BV_RULE_NODE_PAGE(ref) ((ref)&0xffffff)
#define BV_RULE_NUMBER(ref)    ((ref)&0x3fffffff)

/* No rule; and the second half of page 0, where all bits are set. */
#define BV_RULE_NONE 0U
#define BV_RULE_ALL  1U

/* Bit r % 64 of words[r / 64]: rule r allows this value. Bit w of `any`: words[w] has a bit. */
struct bv_rule_vector {
	__u64 any;
	__u64 words[BV_CHAIN_RULES / 64];
};
BV_STATIC_ASSERT(sizeof(struct bv_rule_vector) == 520, "map ABI changed");

/* Many bytes of the key at once: two words of it from `word` on, as they lie in memory. */
struct bv_rule_skip {
	__u64 mask[2], value[2];
	__u32 word;	/* 0 to 4: 8 bytes each */
	__u32 match;	/* goes on here if (key & mask) == value, */
	__u32 mismatch; /* else here */
	__u32 pad[5];
};
BV_STATIC_ASSERT(sizeof(struct bv_rule_skip) == 64, "map ABI changed");

/* What becomes of a packet that a rule matches. */
struct bv_rule_target {
	__u32 counter; /* index into `rule_counts` */
	__u8 target;   /* enum bv_target */
	__u8 reject4;  /* code of ICMP destination unreachable; BV_REJECT_TCP_RESET */
	__u8 reject6;  /* likewise of ICMPv6 */
	__u8 pad;
};
BV_STATIC_ASSERT(sizeof(struct bv_rule_target) == 8, "map ABI changed");

/* The look-ups of one chain; BV_RULE_ALL for those that none of its rules needs. */
struct bv_rule_chain {
	__u32 src[2], dst[2]; /* of IPv4 and of IPv6; what the family alone excludes is in here */
	__u32 sport, dport;
	__u32 no_ports; /* instead of these two for packets whose transport header is not there */
	__u32 protocol, state, endpoint;
	__u32 rules;	   /* how many */
	__u32 targets;	   /* page of the first one's; the policy's is number `rules` */
	__u8 policy_alone; /* 1: no rules; the look-ups are not needed */
	__u8 per_packet; /* 1: a rule looks at TCP flags or endpoints: it may match some packets of
			    a connection and not others */
	__u8 pad[2];
};
BV_STATIC_ASSERT(sizeof(struct bv_rule_chain) == 52, "map ABI changed");

/* The first half of page 0. */
struct bv_rules {
	__u32 generation; /* another one with each change; never 0 */
	struct bv_rule_chain chain[BV_CHAIN_MAX];
	__u32 text;	  /* first page of the rules as they were given: */
	__u32 text_bytes; /* iptables-save's format with a counter's index for each */
};
BV_STATIC_ASSERT(sizeof(struct bv_rules) == 116, "map ABI changed");

/*
 * `rules`: array of maps, index bv_parent.index; nothing there: no rules. Value: array of pages,
 * never changed; new rules are a new array.
 */
#define BV_RULE_PAGE_VECTORS 2
#define BV_RULE_PAGE_SKIPS   16
#define BV_RULE_PAGE_TARGETS 128
struct bv_rule_page {
	union {
		struct bv_rules rules;
		__u32 cells[256]; /* of a node */
		struct bv_rule_vector vectors[BV_RULE_PAGE_VECTORS];
		struct bv_rule_skip skips[BV_RULE_PAGE_SKIPS];
		struct bv_rule_target targets[BV_RULE_PAGE_TARGETS];
		char text[1040];
	};
};
BV_STATIC_ASSERT(sizeof(struct bv_rule_page) == 1040, "map ABI changed");

/*
 * `rule_counts`: index bv_rule_target.counter, one value per CPU: the first
 * BV_CHAIN_MAX * BV_MAX_PARENTS are the policies', BV_CHAIN_MAX * bv_parent.index + enum bv_chain.
 * Bytes count from the IP header on.
 */
struct bv_rule_count {
	__u64 packets;
	__u64 bytes;
};
BV_STATIC_ASSERT(sizeof(struct bv_rule_count) == 16, "map ABI changed");

#endif
