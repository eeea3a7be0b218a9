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

static __always_inline const struct bv_endpoint *endpoint_of(__u32 host_side)
{
	return bpf_map_lookup_elem(&endpoints, &host_side);
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

#endif
