/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps (maps-schema/README.md) and the few ways to look into them. */
#ifndef BPFVLAN_TABLES_H
#define BPFVLAN_TABLES_H

#include <bpfvlan/schema.h>

/* Weak: every entry file defines the same maps and bpftool links them into one object. */
#define BV_MAP __weak SEC(".maps")

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bv_meta);
} meta BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BV_MAX_PARENTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct bv_parent);
} parents BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BV_DEFAULT_ENDPOINTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct bv_endpoint);
} endpoints BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BV_DEFAULT_ADDRESSES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct bv_addr4_key);
	__type(value, struct bv_addr);
} addr4 BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BV_DEFAULT_ADDRESSES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct bv_addr6_key);
	__type(value, struct bv_addr);
} addr6 BV_MAP;

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

static __always_inline const struct bv_endpoint *endpoint_of(__u32 host_side)
{
	return bpf_map_lookup_elem(&endpoints, &host_side);
}

/* Addresses in headers lie on 4 bytes (NET_IP_ALIGN), which the compiler cannot know. */
static __always_inline const struct bv_addr *addr4_owner(__u32 parent, const void *addr)
{
	struct bv_addr4_key key = {.parent = parent};

	__builtin_memcpy(key.addr, __builtin_assume_aligned(addr, 4), sizeof(key.addr));
	return bpf_map_lookup_elem(&addr4, &key);
}

static __always_inline const struct bv_addr *addr6_owner(__u32 parent, const void *addr)
{
	struct bv_addr6_key key = {.parent = parent};

	__builtin_memcpy(key.addr, __builtin_assume_aligned(addr, 4), sizeof(key.addr));
	return bpf_map_lookup_elem(&addr6, &key);
}

#endif
