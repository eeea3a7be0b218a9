/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What leaves an l3 endpoint for anything but a sibling: ipvlan_process_outbound() in
 * drivers/net/ipvlan/ipvlan_core.c. The kernel's own output routing decides between wire and host,
 * with the parent as output interface; docs/architecture.md, "Routing", has the why.
 */
#ifndef BPFVLAN_ROUTE_H
#define BPFVLAN_ROUTE_H

#include "parse.h"
#include "verdict.h"

/*
 * rt6_need_strict() of net/ipv6: link-local and loopback addresses mean something on one interface
 * only. (Multicast is not asked about here.)
 */
static __always_inline bool ipv6_is_strict(const struct in6_addr *a)
{
	return (a->s6_addr32[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000) ||
	       ipv6_is_loopback(a);
}

static __always_inline struct verdict to_wire(bool malformed, __u32 parent)
{
	return malformed ? by_device(BV_REASON_TX_MALFORMED, parent)
			 : by_device(BV_REASON_TX_ROUTED, parent);
}

/* Host-local IPv4 destinations are caught behind the route look-up: bv_local. */
static __always_inline struct verdict route_ipv4(const struct iphdr *ip, bool malformed,
						 __u32 parent)
{
	if (ipv4_is_group(ip->daddr))
		return verdict(BV_REASON_TX_MULTICAST);
	return to_wire(malformed, parent);
}

/* The neighbour of the packet at hand: the stack has no room for it. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_redir_neigh);
} hop_scratch BV_MAP;

static __always_inline struct bpf_redir_neigh *the_hop(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&hop_scratch, &zero);
}

enum ipv6_way {
	IPV6_WAY_UNKNOWN, /* by the parent's routes alone */
	IPV6_WAY_HOST,
	IPV6_WAY_HOP, /* by the parent, to the_hop() */
};

/*
 * The neighbour table would be asked for a host-local IPv6 address, so those are told apart first.
 * The look-up runs as if from the host side, where forwarding is ours to switch on; NOT_FWDED means
 * local or no route at all, and routing towards the loopback then tells these two apart. A route by
 * the parent is the one that its own routes would give, so it need not be looked for again. A
 * function of its own, as its stack would be missing elsewhere.
 */
static __noinline int ipv6_way(ctx_t *ctx, __u32 parent)
{
	struct bpf_fib_lookup fib = {.family = BV_AF_INET6, .ifindex = ctx_device(ctx)};
	const struct ipv6hdr *ip6 = ipv6_header(ctx);
	struct bpf_redir_neigh *hop;

	if (!ip6)
		return IPV6_WAY_UNKNOWN;
	fib.l4_protocol = ip6->nexthdr;
	/* From such a source, or a group, the look-up would find nothing at all. */
	if (!ipv6_is_strict(&ip6->saddr) && ip6->saddr.s6_addr[0] != 0xff)
		__builtin_memcpy(fib.ipv6_src, &ip6->saddr, sizeof(fib.ipv6_src));
	__builtin_memcpy(fib.ipv6_dst, &ip6->daddr, sizeof(fib.ipv6_dst));
	switch (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0)) {
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		return IPV6_WAY_HOST;
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		hop = the_hop();
		if (fib.ifindex != parent || !hop)
			break;
		hop->nh_family = BV_AF_INET6;
		__builtin_memcpy(hop->ipv6_nh, fib.ipv6_dst, sizeof(hop->ipv6_nh));
		return IPV6_WAY_HOP;
	}
	return IPV6_WAY_UNKNOWN;
}

static __always_inline struct verdict route_ipv6(ctx_t *ctx, const struct ipv6hdr *ip6,
						 bool malformed, __u32 parent)
{
	struct verdict v;

	if (ip6->daddr.s6_addr[0] == 0xff)
		return verdict(BV_REASON_TX_MULTICAST);
	v = to_wire(malformed, parent);
	/* From `::` the kernel looks at the parent's routes alone. */
	if (ipv6_is_strict(&ip6->daddr) || ipv6_is_any(&ip6->saddr))
		return v;
	switch (ipv6_way(ctx, parent)) {
	case IPV6_WAY_HOST:
		return verdict(BV_REASON_TX_HOST);
	case IPV6_WAY_HOP:
		v.hop = the_hop();
	}
	return v;
}

static __always_inline struct verdict route(ctx_t *ctx, const struct l3 *l3, __u32 parent)
{
	const bool malformed = l3->status == L3_MALFORMED;
	const struct ethhdr *eth = ctx_header(ctx, ETH_HLEN);
	const struct ipv6hdr *ip6;
	const struct iphdr *ip;

	if (eth && (eth->h_dest[0] & 1))
		return verdict(BV_REASON_TX_MULTICAST);

	switch (ctx_ethertype(ctx)) {
	case bpf_htons(ETH_P_IP):
		ip = ipv4_header(ctx);
		return ip ? route_ipv4(ip, malformed, parent) : verdict(BV_REASON_TX_TRUNCATED);
	case bpf_htons(ETH_P_IPV6):
		ip6 = ipv6_header(ctx);
		return ip6 ? route_ipv6(ctx, ip6, malformed, parent)
			   : verdict(BV_REASON_TX_TRUNCATED);
	default:
		return verdict(BV_REASON_TX_NOT_IP);
	}
}

#endif
