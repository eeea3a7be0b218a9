/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps (maps-schema/README.md) and the few ways to look into them. */
#ifndef BPFVLAN_TABLES_H
#define BPFVLAN_TABLES_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <bpfvlan/schema.h>

#include "clock.h"
#include "map.h"

#define BV_AF_INET  2
#define BV_AF_INET6 10

/* Written by the loader before the programs are: --max-endpoints / 64, rounded up. */
const volatile __u32 bv_chunks __weak = BV_DEFAULT_ENDPOINTS / 64;

#define BV_HASH(key_type, value_type, entries)                                                     \
	__uint(type, BPF_MAP_TYPE_HASH);                                                           \
	__uint(max_entries, entries);                                                              \
	__uint(map_flags, BPF_F_NO_PREALLOC);                                                      \
	__type(key, key_type);                                                                     \
	__type(value, value_type)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bv_meta);
} meta BV_MAP;

struct {
	BV_HASH(__u32, struct bv_parent, BV_MAX_PARENTS);
} parents BV_MAP;

struct {
	BV_HASH(__u32, struct bv_endpoint, BV_DEFAULT_ENDPOINTS);
} endpoints BV_MAP;

struct {
	BV_HASH(struct bv_addr4_key, struct bv_addr, BV_DEFAULT_ADDRESSES);
} addr4 BV_MAP;

struct {
	BV_HASH(struct bv_addr6_key, struct bv_addr, BV_DEFAULT_ADDRESSES);
} addr6 BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << BV_ADDR4_BUCKET_BITS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct bv_addr4_bucket);
} addr4_index BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << BV_ADDR6_BUCKET_BITS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct bv_addr6_bucket);
} addr6_index BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BV_HOST_SIDES);
	__type(key, __u32);
	__type(value, __u32);
} host_sides BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BV_DEFAULT_ENDPOINTS);
	__type(key, __u32);
	__type(value, struct bv_port);
} ports BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BV_DEFAULT_ENDPOINTS);
	__type(key, __u32);
	__type(value, struct bv_ep_state);
} ep_state BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BV_GROUP_BUCKETS + BV_MAX_PARENTS);
	__type(key, __u32);
	__type(value, struct bv_group_chunks);
} group_chunks BV_MAP;

/* As many as there are buckets, times bv_chunks. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, (BV_GROUP_BUCKETS + BV_MAX_PARENTS) * BV_DEFAULT_ENDPOINTS / 64);
	__type(key, __u32);
	__type(value, __u64);
} group_hints BV_MAP;

struct {
	BV_HASH(struct bv_member_key, __u64, BV_MAX_MEMBERS);
} members BV_MAP;

struct {
	BV_HASH(struct bv_learned_key, struct bv_learned, BV_MAX_LEARNED);
} learned BV_MAP;

struct {
	BV_HASH(struct bv_host_addr, __u8, BV_MAX_HOST_ADDRS);
} host_addrs BV_MAP;

struct {
	BV_HASH(struct bv_dhcp_key, __u32, BV_ENDPOINT_DHCP *BV_DEFAULT_ENDPOINTS);
} dhcp BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BV_ENDPOINT_DHCP *BV_DEFAULT_ENDPOINTS);
	__type(key, __u32);
	__type(value, struct bv_dhcp_key);
} dhcp_slots BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} flood_copies BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BV_DEFAULT_ENDPOINTS);
	__type(key, __u32);
	__type(value, struct bv_ep_counters);
} ep_counters BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BV_REASON_MAX);
	__type(key, __u32);
	__type(value, struct bv_reason_count);
} reasons BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bv_verdict);
} last_verdict BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bv_pending);
} pending BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} filters BV_MAP;

static __always_inline const struct bv_port *port_of(const __u32 *id)
{
	return bpf_map_lookup_elem(&ports, id);
}

/* Several host sides fall on one place of `host_sides`: not worth its instructions elsewhere. */
static __noinline const struct bv_port *sender_by_hash(__u32 host_side)
{
	const struct bv_endpoint *endpoint = bpf_map_lookup_elem(&endpoints, &host_side);
	const struct bv_port *port = endpoint ? port_of(&endpoint->id) : NULL;

	return port && port->host_side == host_side ? port : NULL;
}

/* The endpoint whose host side this is. */
static __always_inline const struct bv_port *sender_by(__u32 host_side)
{
	const __u32 at = host_side % BV_HOST_SIDES;
	const __u32 *id = bpf_map_lookup_elem(&host_sides, &at);
	const struct bv_port *port = id ? port_of(id) : NULL;

	if (port && port->host_side == host_side)
		return port;
	return sender_by_hash(host_side);
}

/* Another CPU may have written a later time meanwhile. */
static __always_inline bool addr_expired(const struct bv_addr *addr)
{
	__s32 idle;

	if (!addr->age)
		return false;
	idle = now_seconds() - addr->seen;
	return idle > 0 && (__u32)idle > addr->age;
}

/* Addresses in headers lie on 4 bytes (NET_IP_ALIGN), which the compiler cannot know. */
static __always_inline __u32 addr4_load(const void *addr)
{
	return *(const __u32 *)__builtin_assume_aligned(addr, 4);
}

static __always_inline __u64 addr6_load(const void *addr, int half)
{
	const __u32 *words = __builtin_assume_aligned(addr, 4);

	return words[2 * half] | (__u64)words[2 * half + 1] << 32;
}

static __always_inline struct bv_addr4_key addr4_key(__u32 parent, const void *addr)
{
	struct bv_addr4_key key = {.parent = parent};

	__builtin_memcpy(key.addr, __builtin_assume_aligned(addr, 4), sizeof(key.addr));
	return key;
}

static __always_inline struct bv_addr6_key addr6_key(__u32 parent, const void *addr)
{
	struct bv_addr6_key key = {.parent = parent};

	__builtin_memcpy(key.addr, __builtin_assume_aligned(addr, 4), sizeof(key.addr));
	return key;
}

static __always_inline const struct bv_addr *addr4_owner(__u32 parent, const void *addr)
{
	struct bv_addr4_key key = addr4_key(parent, addr);
	const struct bv_addr *owner = bpf_map_lookup_elem(&addr4, &key);

	return owner && !addr_expired(owner) ? owner : NULL;
}

static __always_inline const struct bv_addr *addr6_owner(__u32 parent, const void *addr)
{
	struct bv_addr6_key key = addr6_key(parent, addr);
	const struct bv_addr *owner = bpf_map_lookup_elem(&addr6, &key);

	return owner && !addr_expired(owner) ? owner : NULL;
}

/* The place of an address; nothing is sure there without a look at `more`. */
static __always_inline struct bv_addr4_bucket *addr4_bucket(__u32 parent, const void *addr)
{
	const __u32 at = bv_addr4_bucket_of(parent, addr4_load(addr));

	return bpf_map_lookup_elem(&addr4_index, &at);
}

static __always_inline struct bv_addr6_bucket *addr6_bucket(__u32 parent, const void *addr)
{
	const __u32 at = bv_addr6_bucket_of(parent, addr6_load(addr, 0), addr6_load(addr, 1));

	return bpf_map_lookup_elem(&addr6_index, &at);
}

/* The receiver of an address: its owner's port, by the index where that knows. */
static __always_inline const struct bv_port *port4(__u32 parent, const void *addr)
{
	const __u64 want = bv_addr4_word(parent, addr4_load(addr)) >> 16;
	const struct bv_addr4_bucket *b = addr4_bucket(parent, addr);
	const struct bv_addr *owner;
	const struct bv_port *port;
	__u64 who = 0;
	__u32 id;

	if (b) {
		for (int i = 0; i < BV_ADDR4_WAYS; i++) {
			who = b->who[i];
			if (who >> 16 == want)
				break;
			who = 0;
		}
		if (who) {
			id = who & 0xffff;
			port = port_of(&id);
			if (port && port->parent == parent)
				return port;
		} else if (!b->more) {
			return NULL;
		}
	}
	owner = addr4_owner(parent, addr);
	return owner ? &owner->to : NULL;
}

static __always_inline const struct bv_port *port6(__u32 parent, const void *addr)
{
	const __u64 high = addr6_load(addr, 0), low = addr6_load(addr, 1);
	const struct bv_addr6_bucket *b = addr6_bucket(parent, addr);
	const struct bv_addr *owner;
	const struct bv_port *port;
	__u64 who = 0;
	__u32 id;

	if (b) {
		for (int i = 0; i < BV_ADDR6_WAYS; i++) {
			who = *(const volatile __u64 *)&b->who[i];
			if (b->addr[i][1] == low && b->addr[i][0] == high && who >> 32 == parent &&
			    who == *(const volatile __u64 *)&b->who[i]) /* not changed meanwhile */
				break;
			who = 0;
		}
		if (who) {
			id = who;
			port = port_of(&id);
			if (port && port->parent == parent)
				return port;
		} else if (!b->more) {
			return NULL;
		}
	}
	owner = addr6_owner(parent, addr);
	return owner ? &owner->to : NULL;
}

#endif
