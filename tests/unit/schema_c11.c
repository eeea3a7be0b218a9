/* SPDX-License-Identifier: MIT */
/* The schema as C11 sees it; its assertions are checked by compiling this. */
#include <bpfvlan/schema.h>

unsigned long bv_c11_sizes[] = {
    sizeof(struct bv_meta),        sizeof(struct bv_parent),       sizeof(struct bv_endpoint),
    sizeof(struct bv_addr4_key),   sizeof(struct bv_addr6_key),    sizeof(struct bv_addr),
    sizeof(struct bv_ep_counters), sizeof(struct bv_reason_count), sizeof(struct bv_verdict),
};
