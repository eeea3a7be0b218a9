/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be said of a frame before the stack has made a packet of it: that it would be dropped in
 * any case, further on. What a receiver drops whatever its settings are is in net/ipv4/ip_input.c,
 * ip_rcv_core(), net/ipv4/route.c, ip_route_input_slow(), and net/ipv6/ip6_input.c, ip6_rcv_core().
 */
#ifndef BPFVLAN_EARLY_H
#define BPFVLAN_EARLY_H

#include "mac.h"
#include "parse.h"
#include "verdict.h"

/* Host sides whose endpoints take frames from XDP. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, BV_DEFAULT_ENDPOINTS);
	__type(key, __u32);
	__type(value, __u32);
} xdp_devices BV_MAP;

/* XDP knows no packet type: this is what makes it PACKET_HOST. */
static __always_inline bool is_to_parent(ctx_t *ctx)
{
	__u32 ifindex = ctx_device(ctx);
	const struct bv_parent *parent = bpf_map_lookup_elem(&parents, &ifindex);
	const struct ethhdr *eth = ctx_header(ctx, ETH_HLEN);

	return parent && eth && mac_equal(eth->h_dest, parent->mac);
}

/*
 * Of a frame that parse_l3() calls malformed. What is cut is cut in this buffer only, perhaps; and
 * of IPv6, parse_l3() looks at more than the header.
 */
static __always_inline bool header_is_bad(ctx_t *ctx)
{
	const struct ipv6hdr *ip6;

	switch (ctx_ethertype(ctx)) {
	case bpf_htons(ETH_P_IP):
		return ipv4_header(ctx) || ctx_len(ctx) < ETH_HLEN + sizeof(struct iphdr);
	case bpf_htons(ETH_P_IPV6):
		ip6 = ipv6_header(ctx);
		return ip6 ? ip6->version != 6 : ctx_len(ctx) < ETH_HLEN + sizeof(*ip6);
	default:
		return false;
	}
}

static __always_inline bool ipv4_is_loopback(__be32 addr)
{
	return (addr & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000);
}

/* From where no host sends to another: a group, nowhere, itself. */
static __always_inline bool source_is_nobodys(ctx_t *ctx)
{
	const struct ipv6hdr *ip6;
	const struct iphdr *ip;

	if (ctx_ethertype(ctx) == bpf_htons(ETH_P_IP)) {
		ip = ipv4_header(ctx);
		return ip &&
		       (!ip->saddr || ipv4_is_group(ip->saddr) || ipv4_is_loopback(ip->saddr));
	}
	ip6 = ipv6_header(ctx);
	return ip6 && (ip6->saddr.s6_addr[0] == 0xff || ipv6_is_loopback(&ip6->saddr));
}

/*
 * From the receiver itself, by an address that was given to it: one that it has learned may be that
 * of a host behind it. Stacks do not mind with IPv6.
 */
static __always_inline bool source_is_own(ctx_t *ctx, const struct bv_port *to)
{
	const struct iphdr *ip = ipv4_header(ctx);
	const struct bv_addr *owner;
	struct l3 source = {.status = L3_OK, .family = L3_IPV4};

	if (!ip || ctx_ethertype(ctx) != bpf_htons(ETH_P_IP))
		return false;
	source.target = &ip->saddr;
	owner = l3_owner(ctx_device(ctx), &source);
	return owner && owner->to.id == to->id && !owner->age;
}

/* IPv4 says no length; in what came from the same machine it may be too much to say. */
static __always_inline bool says_no_length(ctx_t *ctx)
{
	const struct iphdr *ip = ipv4_header(ctx);

	return ctx_ethertype(ctx) == bpf_htons(ETH_P_IP) && (!ip || !ip->tot_len);
}

/* The endpoint that bv_rx would deliver an IP packet to, by its destination. */
static __always_inline const struct bv_port *early_port(ctx_t *ctx, const struct l3 *l3)
{
	const struct bv_addr *owner;

	if (l3->by_target || ctx_ethertype(ctx) == bpf_htons(ETH_P_ARP))
		return NULL;
	owner = l3_owner(ctx_device(ctx), l3);
	return owner ? &owner->to : NULL;
}

/* A frame that its endpoint's device takes as it is. (6.1 sends none of several buffers.) */
static __always_inline bool takes_frame(ctx_t *ctx, const struct bv_port *to)
{
	__u32 id = to->id;
	const struct bv_port *port;

	if (!to->takes_xdp || to->filter || !ctx_in_one_buffer(ctx))
		return false;
	port = bpf_map_lookup_elem(&ports, &id);
	return port && port->takes_xdp && ctx_len(ctx) <= ETH_HLEN + port->mtu;
}

#endif
