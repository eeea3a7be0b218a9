/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DHCPv4 behind one MAC address: an answer goes to the shared MAC address and to an IP address that
 * is nobody's yet. Its client is who asked with that transaction id and client identifier, which a
 * server returns (RFC 2131; RFC 6842).
 */
#ifndef BPFVLAN_DHCP_H
#define BPFVLAN_DHCP_H

#include <linux/udp.h>

#include "parse.h"
#include "verdict.h"

#define IP_OFFSET	 0x1fff /* later fragments have no UDP header */
#define DHCP_SERVER_PORT 67
#define DHCP_CLIENT_PORT 68
#define BOOTREQUEST	 1
#define BOOTREPLY	 2
#define DHCP_XID_AT	 4   /* in the message */
#define DHCP_OPTIONS_AT	 240 /* behind the magic cookie */
#define DHCP_OPT_PAD	 0
#define DHCP_OPT_CLIENT	 61
#define DHCP_OPT_END	 255
#define DHCP_MAX_OPTIONS 128

#define FNV_BASIS 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull

struct dhcp_options {
	ctx_t *ctx;
	__u32 at;
	__u32 left; /* of the client identifier */
	__u64 client;
};

static long next_id_byte(__u32 step __attribute__((unused)), struct dhcp_options *o)
{
	__u8 byte;

	if (!o->left || bpf_skb_load_bytes(o->ctx, o->at, &byte, sizeof(byte)))
		return 1;
	o->left--;
	o->at++;
	o->client = (o->client ^ byte) * FNV_PRIME;
	return 0;
}

static long next_option(__u32 step __attribute__((unused)), struct dhcp_options *o)
{
	__u8 head[2];

	if (bpf_skb_load_bytes(o->ctx, o->at, head, 1) || head[0] == DHCP_OPT_END)
		return 1;
	if (head[0] == DHCP_OPT_PAD) {
		o->at++;
		return 0;
	}
	if (bpf_skb_load_bytes(o->ctx, o->at, head, sizeof(head)))
		return 1;
	o->at += sizeof(head);
	if (head[0] != DHCP_OPT_CLIENT) {
		o->at += head[1];
		return 0;
	}
	o->client = FNV_BASIS;
	o->left = head[1];
	return 1;
}

static __always_inline __u64 dhcp_client(ctx_t *ctx, __u32 message_at)
{
	struct dhcp_options o = {.ctx = ctx, .at = message_at + DHCP_OPTIONS_AT};

	bpf_loop(DHCP_MAX_OPTIONS, next_option, &o, 0);
	if (o.left)
		bpf_loop(256, next_id_byte, &o, 0);
	return o.client;
}

/* Where the message begins, if it goes to this port with this operation; else 0. */
static __always_inline __u32 dhcp_message_at(ctx_t *ctx, __u16 port, __u8 operation)
{
	const struct iphdr *ip;
	struct udphdr udp;
	__u8 op;
	__u32 at;

	if (ctx_in_vlan(ctx) || ctx_ethertype(ctx) != bpf_htons(ETH_P_IP))
		return 0;
	ip = ipv4_header(ctx);
	if (!ip || ip->protocol != IPPROTO_UDP || ip->frag_off & bpf_htons(IP_OFFSET))
		return 0;
	at = ETH_HLEN + ip->ihl * 4;
	if (bpf_skb_load_bytes(ctx, at, &udp, sizeof(udp)) || udp.dest != bpf_htons(port))
		return 0;
	at += sizeof(udp);
	if (bpf_skb_load_bytes(ctx, at, &op, sizeof(op)) || op != operation)
		return 0;
	return at;
}

static __always_inline bool dhcp_key(ctx_t *ctx, __u32 parent, __u32 at, struct bv_dhcp_key *key)
{
	*key = (struct bv_dhcp_key){.parent = parent};
	if (bpf_skb_load_bytes(ctx, at + DHCP_XID_AT, &key->xid, sizeof(key->xid)))
		return false;
	key->client = dhcp_client(ctx, at);
	return true;
}

/*
 * In the place of the endpoint's own oldest: none can push out another's, nor take over what
 * another has asked.
 */
static __always_inline void remember(__u32 id, const struct bv_dhcp_key *key)
{
	struct bv_ep_state *state = bpf_map_lookup_elem(&ep_state, &id);
	struct bv_dhcp_key *slot;
	__u32 *holder, at;

	if (!state || bpf_map_lookup_elem(&dhcp, key))
		return;
	at = id * BV_ENDPOINT_DHCP + __sync_fetch_and_add(&state->dhcp_hand, 1) % BV_ENDPOINT_DHCP;
	slot = bpf_map_lookup_elem(&dhcp_slots, &at);
	if (!slot)
		return;
	holder = bpf_map_lookup_elem(&dhcp, slot);
	if (holder && *holder == id)
		bpf_map_delete_elem(&dhcp, slot);
	*slot = *key;
	bpf_map_update_elem(&dhcp, key, &id, BPF_NOEXIST);
}

/* Remembered with the client's identifier, and without for servers that do not return it. */
static __always_inline void note_dhcp_request(ctx_t *ctx, const struct bv_port *from)
{
	__u32 at = dhcp_message_at(ctx, DHCP_SERVER_PORT, BOOTREQUEST);
	struct bv_dhcp_key key;

	if (!at || !dhcp_key(ctx, from->parent, at, &key))
		return;
	remember(from->id, &key);
	if (key.client) {
		key.client = 0;
		remember(from->id, &key);
	}
}

/* The endpoint that asked with the key of this message, answer or question. Seldom: not inline. */
static __noinline const struct bv_port *dhcp_port(ctx_t *ctx, __u32 parent, __u32 at)
{
	const struct bv_port *port;
	struct bv_dhcp_key key;
	__u32 *id;

	if (!dhcp_key(ctx, parent, at, &key))
		return NULL;
	id = bpf_map_lookup_elem(&dhcp, &key);
	if (!id && key.client) {
		key.client = 0;
		id = bpf_map_lookup_elem(&dhcp, &key);
	}
	if (!id)
		return NULL;
	port = port_of(id);
	return port && port->parent == parent && port->mode == BV_MODE_L2 ? port : NULL;
}

static __always_inline const struct bv_port *dhcp_answer_for(ctx_t *ctx, __u32 parent)
{
	__u32 at = dhcp_message_at(ctx, DHCP_CLIENT_PORT, BOOTREPLY);

	return at ? dhcp_port(ctx, parent, at) : NULL;
}

/* Who sent a request that the wire brings back. */
static __always_inline const struct bv_port *dhcp_asker(ctx_t *ctx, __u32 parent)
{
	__u32 at = dhcp_message_at(ctx, DHCP_SERVER_PORT, BOOTREQUEST);

	return at ? dhcp_port(ctx, parent, at) : NULL;
}

#endif
