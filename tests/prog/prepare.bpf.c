// SPDX-License-Identifier: GPL-2.0-only
/*
 * What BPF_PROG_TEST_RUN cannot hand over (a tag, tc_index), or newer kernels refuse to (a frame
 * shorter than its IP header), is made here on the way to the program under test.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define FAILED -100 /* no TC_ACT_* */

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} next SEC(".maps");

__u32 number; /* of the run */

/*
 * cb[0]: length to cut the frame to; cb[1], cb[2]: protocol and TCI of a tag, none if 0; cb[3]:
 * where the number of the run goes, nowhere if 0; cb[4]: what tc_index says.
 */
SEC("tc")
int prepare(struct __sk_buff* ctx) {
  __u32 len = ctx->cb[0];
  __u32 protocol = ctx->cb[1];
  __u32 tci = ctx->cb[2];
  __u32 number_at = ctx->cb[3];
  __u32 state = ctx->cb[4];

  if (len != ctx->len && bpf_skb_change_tail(ctx, len, 0)) return FAILED;
  /* Beside the frame, as a device with VLAN offload does. */
  if (protocol && bpf_skb_vlan_push(ctx, bpf_htons(protocol), tci)) return FAILED;
  if (number_at) {
    number++;
    if (bpf_skb_store_bytes(ctx, number_at, &number, sizeof(number), 0)) return FAILED;
  }
  ctx->tc_index = state;
  bpf_tail_call(ctx, &next, 0);
  return FAILED;
}

char _license[] SEC("license") = "GPL";
