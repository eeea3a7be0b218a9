/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IEEE 802.1Qbg's reflective relay: a frame whose destination is behind the port it came in by goes
 * back. The same decision for both programs of a port; the entry file has chosen the context.
 */
#ifndef BPFVLAN_REFLECT_H
#define BPFVLAN_REFLECT_H

#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpfvlan/schema_hairpin.h>

#include "clock.h"
#include "mac.h"
#include "map.h"
#include "siphash.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bv_hairpin_port);
} hairpin_port BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BV_HAIRPIN_END_MAX);
	__type(key, __u32);
	__type(value, struct bv_hairpin_count);
} hairpin_counts BV_MAP;

/* Hash of a frame to when it was sent back, in nanoseconds. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, BV_HAIRPIN_ECHOES);
	__type(key, __u64);
	__type(value, __u64);
} hairpin_echoes BV_MAP;

/* The second of the latest frame from there. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, BV_HAIRPIN_STATIONS);
	__type(key, struct bv_hairpin_station);
	__type(value, __u32);
} hairpin_stations BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, BV_HAIRPIN_PREFIXES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct bv_hairpin_prefix);
	__type(value, __u32);
} hairpin_prefixes BV_MAP;

#define HASHED_WORDS 16

static __always_inline const struct bv_hairpin_port *the_port(void)
{
	const __u32 zero = 0;

	return bpf_map_lookup_elem(&hairpin_port, &zero);
}

static __always_inline struct bv_hairpin_count *counter_of(enum bv_hairpin_end end)
{
	const __u32 key = end;

	return bpf_map_lookup_elem(&hairpin_counts, &key);
}

/* A missing counter never changes what happens to the frame. */
static __always_inline void count(const ctx_t *ctx, enum bv_hairpin_end end)
{
	struct bv_hairpin_count *c = counter_of(end);

	if (c) {
		c->packets++;
		c->bytes += ctx_len(ctx);
	}
}

static __always_inline bool is_group(const __u8 *mac)
{
	return mac[0] & 1;
}

/* Of the first bytes, the length and the tag; 0 if the frame has no Ethernet header. */
static __always_inline __u64 frame_hash(ctx_t *ctx, const struct bv_hairpin_port *port)
{
	__u64 words[HASHED_WORDS] = {};
	__u64 len = ctx_len(ctx);
	bool tagged = false;
	__be16 ethertype = 0;
	__u16 vlan = 0;
	struct siphash hash;

	ctx_vlan(ctx, &tagged, &vlan, &ethertype); /* it may be beside the frame */
	hash = siphash_start(port->hash_key[0], port->hash_key[1] ^ (len | (__u64)vlan << 32));
	if (len > sizeof(words))
		len = sizeof(words);
	/* One bound after the other, on the register itself: 6.1's verifier sees no others. */
	asm volatile("" : "+r"(len));
	if (len > sizeof(words))
		return 0;
	asm volatile("" : "+r"(len));
	if (len < ETH_HLEN || !ctx_load(ctx, 0, words, len))
		return 0;
#pragma clang loop unroll(disable)
	for (int i = 0; i < HASHED_WORDS; i++)
		siphash_word(&hash, words[i]);
	return siphash_end(&hash);
}

/* If not, this is the moment that counts from here on. */
static __always_inline bool came_within(__u64 hash, __u64 ns)
{
	const __u64 *seen = bpf_map_lookup_elem(&hairpin_echoes, &hash);
	const __u64 now = bpf_ktime_get_ns();

	if (seen && now - *seen < ns)
		return true;
	bpf_map_update_elem(&hairpin_echoes, &hash, &now, BPF_ANY);
	return false;
}

static __always_inline struct bv_hairpin_station station_at(const __u8 *mac, __u16 vlan)
{
	struct bv_hairpin_station s = {.vlan = vlan};

	__builtin_memcpy(s.mac, mac, ETH_ALEN);
	return s;
}

/* Written once a second at most: what all CPUs read stays in their caches. */
static __always_inline void learn(const __u8 *mac, __u16 vlan, __u32 now)
{
	const struct bv_hairpin_station s = station_at(mac, vlan);
	__u32 *seen;

	if (is_group(mac))
		return;
	seen = bpf_map_lookup_elem(&hairpin_stations, &s);
	if (!seen)
		bpf_map_update_elem(&hairpin_stations, &s, &now, BPF_ANY);
	else if (*seen != now)
		*seen = now;
}

static __always_inline bool is_station(const __u8 *mac, __u16 vlan, __u32 now)
{
	const struct bv_hairpin_station s = station_at(mac, vlan);
	const __u32 *seen = bpf_map_lookup_elem(&hairpin_stations, &s);

	/* Signed: another CPU's second may be later. */
	return seen && (__s32)(now - *seen) <= BV_HAIRPIN_AGE;
}

/* To the port's own MAC address: is the IP destination of somebody behind the port? */
static __always_inline enum bv_hairpin_end by_address(ctx_t *ctx, __be16 ethertype)
{
	struct bv_hairpin_prefix p = {};
	const struct ipv6hdr *ip6;
	const struct iphdr *ip;

	if (ethertype == bpf_htons(ETH_P_IP)) {
		ip = ctx_header(ctx, ETH_HLEN + sizeof(*ip));
		if (!ip)
			return BV_HAIRPIN_CUT;
		ip = (const void *)ip + ETH_HLEN;
		if (ip->version != 4)
			return BV_HAIRPIN_PASSED;
		p.length = 32 + 32;
		p.family = 4;
		__builtin_memcpy(p.addr, &ip->daddr, sizeof(ip->daddr));
	} else if (ethertype == bpf_htons(ETH_P_IPV6)) {
		ip6 = ctx_header(ctx, ETH_HLEN + sizeof(*ip6));
		if (!ip6)
			return BV_HAIRPIN_CUT;
		ip6 = (const void *)ip6 + ETH_HLEN;
		if (ip6->version != 6)
			return BV_HAIRPIN_PASSED;
		p.length = 32 + 128;
		p.family = 6;
		__builtin_memcpy(p.addr, &ip6->daddr, sizeof(ip6->daddr));
	} else {
		return BV_HAIRPIN_PASSED;
	}
	return bpf_map_lookup_elem(&hairpin_prefixes, &p) ? BV_HAIRPIN_ADDRESS : BV_HAIRPIN_PASSED;
}

/* A group frame is for whoever can copy. */
static __always_inline enum bv_hairpin_end decide(ctx_t *ctx, const struct bv_hairpin_port *port)
{
	const struct ethhdr *eth = ctx_header(ctx, ETH_HLEN);
	const __u32 now = now_seconds();
	bool tagged = false;
	__be16 ethertype = 0;
	__u16 vlan = 0;

	if (!eth)
		return BV_HAIRPIN_CUT;
	if (mac_equal(eth->h_source, port->mac))
		return BV_HAIRPIN_OWN;
	if (!ctx_vlan(ctx, &tagged, &vlan, &ethertype))
		return BV_HAIRPIN_CUT;
	learn(eth->h_source, vlan, now);
	if (is_group(eth->h_dest))
		return BV_HAIRPIN_GROUP;
	if (!mac_equal(eth->h_dest, port->mac))
		return is_station(eth->h_dest, vlan, now) ? BV_HAIRPIN_STATION : BV_HAIRPIN_PASSED;
	return tagged ? BV_HAIRPIN_PASSED : by_address(ctx, ethertype);
}

/*
 * Two such ports at one wire would send a frame to and fro for ever, and nothing in it tells. So
 * one of many that go back is looked at more closely, and remembered; who is remembered ends here.
 */
static __always_inline bool goes_round(ctx_t *ctx, const struct bv_hairpin_port *port,
				       enum bv_hairpin_end end)
{
	const struct bv_hairpin_count *c = counter_of(end);
	__u64 hash;

	if (!c || (c->packets + 1) % BV_HAIRPIN_SAMPLE)
		return false;
	hash = ~frame_hash(ctx, port); /* apart from the group frames' */
	if (!came_within(hash, BV_HAIRPIN_LOOP_NS))
		return false;
	bpf_map_delete_elem(&hairpin_echoes, &hash);
	return true;
}

/* From the port to the station that had sent it. TTL and checksums stay, as on ipvlan's own way. */
static __always_inline int turn_round(ctx_t *ctx, const struct bv_hairpin_port *port)
{
	const struct ethhdr *eth = ctx_header(ctx, ETH_HLEN);
	__u8 sender[ETH_ALEN];

	if (!eth)
		return ctx_pass();
	__builtin_memcpy(sender, eth->h_source, ETH_ALEN);
	if (!ctx_set_macs(ctx, sender, port->mac))
		return ctx_drop();
	return ctx_send_back(ctx);
}

static __always_inline bool goes_back(enum bv_hairpin_end end)
{
	return end == BV_HAIRPIN_STATION || end == BV_HAIRPIN_ADDRESS;
}

static __always_inline int send_back(ctx_t *ctx, const struct bv_hairpin_port *port,
				     enum bv_hairpin_end end)
{
	if (goes_round(ctx, port, end)) {
		count(ctx, BV_HAIRPIN_LOOPED);
		return ctx_drop();
	}
	count(ctx, end);
	return end == BV_HAIRPIN_ADDRESS ? turn_round(ctx, port) : ctx_send_back(ctx);
}

#endif
