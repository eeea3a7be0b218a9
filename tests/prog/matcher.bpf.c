// SPDX-License-Identifier: GPL-2.0-only
/* The rules alone, asked about any packet: of every state and endpoint. */
#include "core/ctx_skb.h"
#include "core/rules.h"

#define FAILED -1

/* Behind an Ethernet header: the question. The return value is counter * 4 + target. */
struct question {
  struct bv_rule_key key;
  __u32 ipv6, has_ports, bytes, parent;
};

SEC("tc")
int match(ctx_t* ctx) {
  __u32 zero = 0;
  struct flow* f = bpf_map_lookup_elem(&flow_scratch, &zero);
  struct bv_rule_target target;
  struct question q;

  if (!f || bpf_skb_load_bytes(ctx, ETH_HLEN, &q, sizeof(q))) return FAILED;
  f->rule = q.key;
  f->family = q.ipv6;
  f->has_ports = q.has_ports;
  f->bytes = q.bytes;
  f->cached = 0;
  target = rules_verdict(f, q.parent, BV_CHAIN_INPUT);
  return target.counter * 4 + target.target;
}

char _license[] SEC("license") = "GPL";
