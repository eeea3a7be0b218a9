/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which groups an endpoint has joined, from the reports that it sends: IGMPv1 to v3 (RFC 1112,
 * 2236, 3376) and MLDv1 and v2 (RFC 2710, 3810). Sources are not looked at: who wants some wants
 * the group. Whatever its mode: an endpoint that is switched to l2 does not join anew.
 */
#ifndef BPFVLAN_MEMBERSHIP_H
#define BPFVLAN_MEMBERSHIP_H

#include "group.h"
#include "parse.h"

#define IGMP_V1_REPORT 0x12
#define IGMP_V2_REPORT 0x16
#define IGMP_V2_LEAVE  0x17
#define IGMP_V3_REPORT 0x22
#define MLD_V1_REPORT  131
#define MLD_V1_DONE    132
#define MLD_V2_REPORT  143

#define MAX_RECORDS 1200 /* what a jumbo frame has room for */

enum record_type { /* RFC 3376, 4.2.12 */
		   RECORD_IS_INCLUDE = 1,
		   RECORD_IS_EXCLUDE = 2,
		   RECORD_TO_INCLUDE = 3,
		   RECORD_TO_EXCLUDE = 4,
		   RECORD_ALLOW = 5,
		   RECORD_BLOCK = 6,
};

struct report { /* the two have the same layout, with addresses of 4 and of 16 bytes */
	__u8 type;
	__u8 code;
	__be16 checksum;
	union {
		__be32 group; /* of IGMP's older reports */
		struct {
			__be16 reserved;
			__be16 records;
		};
	};
};

struct group_record {
	__u8 type;
	__u8 aux_words;
	__be16 sources;
	__be32 group[4]; /* the last, or for IPv4 the first and only one */
};

/* A group of IP, as frames and `members` have it. */
struct ip_group {
	__u8 mac[6];
	__u64 bit; /* which of the groups with this MAC address */
};

static __always_inline struct ip_group ipv4_group(__be32 group)
{
	__u32 g = bpf_ntohl(group);

	/* 28 bits make the group, 23 the MAC address (RFC 1112, 6.4). */
	return (struct ip_group){.mac = {0x01, 0x00, 0x5e, g >> 16 & 0x7f, g >> 8, g},
				 .bit = 1ull << (g >> 23 & 0x1f)};
}

static __always_inline struct ip_group ipv6_group(const __be32 *group)
{
	__u32 g = bpf_ntohl(group[3]);
	__u32 rest = (group[0] ^ group[1] ^ group[2]) * 0x9e3779b1u;

	return (struct ip_group){.mac = {0x33, 0x33, g >> 24, g >> 16, g >> 8, g},
				 .bit = 1ull << (rest >> 26)};
}

static __always_inline void refuse_group(const ctx_t *ctx, struct bv_ep_state *state)
{
	__sync_fetch_and_add(&state->groups_refused, 1);
	note(ctx, BV_REASON_GROUP_REFUSED);
}

/* What tells the flood where to look. Before the entry in `members`: that one decides. */
static __always_inline void hint(__u32 parent, __u32 id, const __u8 *mac)
{
	__u32 bucket = group_bucket(parent, mac);
	__u32 chunk = id / 64, at = bucket * bv_chunks + chunk, word = chunk / 64;
	struct bv_group_chunks *chunks = bpf_map_lookup_elem(&group_chunks, &bucket);
	__u64 *hints = bpf_map_lookup_elem(&group_hints, &at);

	if (!chunks || !hints || word >= BV_GROUP_WORDS)
		return;
	__sync_fetch_and_or(hints, 1ull << id % 64);
	__sync_fetch_and_or(&chunks->words[word], 1ull << chunk % 64);
}

static __always_inline void join(const ctx_t *ctx, const struct bv_port *from,
				 const struct ip_group *group)
{
	struct bv_member_key key = {.id = from->id};
	__u32 id = from->id;
	struct bv_ep_state *state = bpf_map_lookup_elem(&ep_state, &id);
	__u64 *bits;

	if (!state || mac_is_everybody(group->mac))
		return;
	__builtin_memcpy(key.mac, group->mac, sizeof(key.mac));
	bits = bpf_map_lookup_elem(&members, &key);
	if (bits) {
		__sync_fetch_and_or(bits, group->bit);
		return;
	}
	hint(from->parent, id, group->mac);
	if (__sync_fetch_and_add(&state->groups, 1) < BV_ENDPOINT_GROUPS &&
	    !bpf_map_update_elem(&members, &key, &group->bit, BPF_NOEXIST))
		return;
	__sync_fetch_and_add(&state->groups, -1);
	bits = bpf_map_lookup_elem(&members, &key); /* by another CPU meanwhile? */
	if (bits)
		__sync_fetch_and_or(bits, group->bit);
	else
		refuse_group(ctx, state);
}

/*
 * Reports of one endpoint for groups with one MAC address, on two CPUs at the same moment, might
 * lose a group here until it is reported again: they come one after another from a stack.
 */
static __always_inline void leave(const struct bv_port *from, const struct ip_group *group)
{
	struct bv_member_key key = {.id = from->id};
	__u32 id = from->id;
	struct bv_ep_state *state = bpf_map_lookup_elem(&ep_state, &id);
	__u64 *bits;

	__builtin_memcpy(key.mac, group->mac, sizeof(key.mac));
	bits = bpf_map_lookup_elem(&members, &key);
	if (!state || !bits || __sync_fetch_and_and(bits, ~group->bit) & ~group->bit)
		return;
	if (!bpf_map_delete_elem(&members, &key))
		__sync_fetch_and_add(&state->groups, -1);
}

struct records {
	ctx_t *ctx;
	const struct bv_port *from;
	__u32 at; /* the next record */
	__u32 left;
	__u32 address_len;
};

static long next_record(__u32 step __attribute__((unused)), struct records *r)
{
	const __u32 head = offsetof(struct group_record, group);
	struct group_record record = {};
	struct ip_group group;
	__u32 sources;

	if (!r->left)
		return 1;
	r->left--;
	if (bpf_skb_load_bytes(r->ctx, r->at, &record, head + sizeof(record.group[0])))
		return 1;
	if (r->address_len == sizeof(record.group) &&
	    bpf_skb_load_bytes(r->ctx, r->at + head, record.group, sizeof(record.group)))
		return 1;
	group = r->address_len == sizeof(record.group) ? ipv6_group(record.group)
						       : ipv4_group(record.group[0]);
	sources = bpf_ntohs(record.sources);
	r->at += head + r->address_len * (1 + sources) + 4u * record.aux_words;

	switch (record.type) {
	case RECORD_IS_EXCLUDE:
	case RECORD_TO_EXCLUDE:
		join(r->ctx, r->from, &group);
		break;
	case RECORD_IS_INCLUDE:
	case RECORD_ALLOW:
		if (sources)
			join(r->ctx, r->from, &group);
		break;
	case RECORD_TO_INCLUDE:
		if (sources)
			join(r->ctx, r->from, &group);
		else
			leave(r->from, &group);
		break;
	default:
		break;
	}
	return 0;
}

static __always_inline void read_records(ctx_t *ctx, const struct bv_port *from, __u32 at,
					 __u16 records, __u32 address_len)
{
	struct records r = {.ctx = ctx,
			    .from = from,
			    .at = at + sizeof(struct report),
			    .left = bpf_ntohs(records),
			    .address_len = address_len};

	bpf_loop(MAX_RECORDS, next_record, &r, 0);
}

static __always_inline void read_igmp(ctx_t *ctx, const struct bv_port *from)
{
	const struct iphdr *ip = ipv4_header(ctx);
	struct ip_group group;
	struct report report;
	__u32 at;

	if (!ip || ip->protocol != IPPROTO_IGMP)
		return;
	at = ETH_HLEN + ip->ihl * 4;
	if (bpf_skb_load_bytes(ctx, at, &report, sizeof(report)))
		return;
	if (report.type == IGMP_V3_REPORT) {
		read_records(ctx, from, at, report.records, sizeof(__be32));
		return;
	}
	group = ipv4_group(report.group);
	if (report.type == IGMP_V1_REPORT || report.type == IGMP_V2_REPORT)
		join(ctx, from, &group);
	else if (report.type == IGMP_V2_LEAVE)
		leave(from, &group);
}

/* Behind the router alert option, without which no report is valid (RFC 3810, 5). */
static __always_inline void read_mld(ctx_t *ctx, const struct bv_port *from)
{
	const struct ipv6hdr *ip6 = ipv6_header(ctx);
	struct ip_group group;
	struct report report;
	__be32 address[4];
	__u8 options[2]; /* next header, length in units of 8 bytes behind the first 8 */
	__u32 at = ETH_HLEN + sizeof(*ip6);

	if (!ip6 || ip6->nexthdr != IPPROTO_HOPOPTS ||
	    bpf_skb_load_bytes(ctx, at, options, sizeof(options)) || options[0] != IPPROTO_ICMPV6)
		return;
	at += 8 * (options[1] + 1);
	if (bpf_skb_load_bytes(ctx, at, &report, sizeof(report)))
		return;
	if (report.type == MLD_V2_REPORT) {
		read_records(ctx, from, at, report.records, sizeof(address));
		return;
	}
	if (bpf_skb_load_bytes(ctx, at + sizeof(report), address, sizeof(address)))
		return;
	group = ipv6_group(address);
	if (report.type == MLD_V1_REPORT)
		join(ctx, from, &group);
	else if (report.type == MLD_V1_DONE)
		leave(from, &group);
}

static __always_inline void note_membership(ctx_t *ctx, const struct bv_port *from)
{
	if (ctx_in_vlan(ctx))
		return;
	if (ctx_ethertype(ctx) == bpf_htons(ETH_P_IP))
		read_igmp(ctx, from);
	else if (ctx_ethertype(ctx) == bpf_htons(ETH_P_IPV6))
		read_mld(ctx, from);
}

#endif
