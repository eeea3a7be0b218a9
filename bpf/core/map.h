/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BPFVLAN_MAP_H
#define BPFVLAN_MAP_H

#include <bpf/bpf_helpers.h>

/* Weak: every entry file defines the same maps and bpftool links them into one object. */
#define BV_MAP __weak SEC(".maps")

#endif
