/* SPDX-License-Identifier: MIT */
/* The schema as C11 sees it; its assertions are checked by compiling this. */
#include <bpfvlan/schema.h>

unsigned long bv_c11_sizes[] = {
    sizeof(struct bv_meta),         sizeof(struct bv_parent),       sizeof(struct bv_endpoint),
    sizeof(struct bv_addr4_key),    sizeof(struct bv_addr6_key),    sizeof(struct bv_addr),
    sizeof(struct bv_ep_counters),  sizeof(struct bv_reason_count), sizeof(struct bv_verdict),
    sizeof(struct bv_port),         sizeof(struct bv_learned_key),  sizeof(struct bv_learned),
    sizeof(struct bv_host_addr),    sizeof(struct bv_group_chunks), sizeof(struct bv_member_key),
    sizeof(struct bv_dhcp_key),     sizeof(struct bv_ep_state),     sizeof(struct bv_pending),
    sizeof(struct bv_ct_settings),  sizeof(struct bv_conn_key),     sizeof(struct bv_conn),
    sizeof(struct bv_conn_set),     sizeof(struct bv_ct_forget),    sizeof(struct bv_ct_clock),
    sizeof(struct bv_fragment_key), sizeof(struct bv_fragment),     sizeof(struct bv_rule_key),
    sizeof(struct bv_rule_vector),  sizeof(struct bv_rule_page),
};
