/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which rule a packet meets first, without walking the list: each field's look-up gives the set of
 * rules that allow its value, and the first rule in all of these sets is the one.
 * docs/architecture.md, "Rules".
 */
#ifndef BPFVLAN_RULES_H
#define BPFVLAN_RULES_H

#include "bits.h"
#include "flow.h"

/* Bytes of the widest field, an address, each with a node and a skip before it. */
#define RULE_STEPS 33
#define RULE_WORDS (BV_CHAIN_RULES / 64)

/* Without BTF, as those that the loader makes: 6.1 takes a map with it for another kind. */
struct rule_pages {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct bv_rule_page));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, BV_MAX_PARENTS);
	__type(key, __u32);
	__array(values, struct rule_pages);
} rules BV_MAP;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BV_CHAIN_MAX *BV_MAX_PARENTS + BV_MAX_RULES);
	__type(key, __u32);
	__type(value, struct bv_rule_count);
} rule_counts BV_MAP;

static __always_inline const struct bv_rule_page *rule_page(void *pages, __u32 number)
{
	return bpf_map_lookup_elem(pages, &number);
}

/* One step of a look-up: where it goes on. What is broken leads to no rule. */
static __always_inline __u32 rule_step(void *pages, const struct bv_rule_key *key, __u32 ref)
{
	const struct bv_rule_page *page;
	const struct bv_rule_skip *skip;
	const __u64 *words = (const __u64 *)key;
	__u32 at;

	if (BV_RULE_KIND(ref) == BV_RULE_NODE) {
		at = BV_RULE_NODE_BYTE(ref);
		page = rule_page(pages, BV_RULE_NODE_PAGE(ref));
		if (!page || at >= sizeof(*key))
			return BV_RULE_NONE;
		return page->cells[((const __u8 *)key)[at]];
	}
	at = BV_RULE_NUMBER(ref);
	page = rule_page(pages, at / BV_RULE_PAGE_SKIPS);
	if (!page)
		return BV_RULE_NONE;
	skip = &page->skips[at % BV_RULE_PAGE_SKIPS];
	at = skip->word;
	if (at > 4)
		return BV_RULE_NONE;
	return (words[at] & skip->mask[0]) == skip->value[0] &&
			       (words[at + 1] & skip->mask[1]) == skip->value[1]
		       ? skip->match
		       : skip->mismatch;
}

/* Every field's look-up to its end, a vector. */
static __always_inline void rule_fields(void *pages, struct flow *f)
{
	for (__u32 field = 0; field < FLOW_FIELDS; field++) {
		for (int i = 0; i < RULE_STEPS; i++) {
			const __u32 ref = FRESH(f->fields[field]);

			if (BV_RULE_KIND(ref) == BV_RULE_VECTOR)
				break;
			FRESH(f->fields[field]) = rule_step(pages, &f->rule, ref);
		}
	}
}

static __always_inline const struct bv_rule_vector *rule_vector(void *pages, const struct flow *f,
								__u32 field)
{
	const __u32 ref = FRESH(f->fields[field]);
	const struct bv_rule_page *page;

	if (BV_RULE_KIND(ref) != BV_RULE_VECTOR || ref == BV_RULE_NONE)
		return NULL;
	page = rule_page(pages, ref / BV_RULE_PAGE_VECTORS);
	return page ? &page->vectors[ref % BV_RULE_PAGE_VECTORS] : NULL;
}

static __always_inline void rule_start(const struct bv_rule_chain *chain, struct flow *f)
{
	f->fields[0] = chain->protocol;
	f->fields[1] = chain->state;
	f->fields[2] = chain->endpoint;
	f->fields[3] = f->family ? chain->src[1] : chain->src[0];
	f->fields[4] = f->family ? chain->dst[1] : chain->dst[0];
	f->fields[5] = f->has_ports ? chain->sport : chain->no_ports;
	f->fields[6] = f->has_ports ? chain->dport : chain->no_ports;
}

/* The first rule that is in all vectors; `none` if there is none. */
static __always_inline __u32 rule_first(void *pages, const struct flow *f, __u32 none)
{
	const struct bv_rule_vector *v0, *v1, *v2, *v3, *v4, *v5, *v6;
	__u64 any, rules;
	__u32 w;

	if (!(v0 = rule_vector(pages, f, 0)) || !(v1 = rule_vector(pages, f, 1)) ||
	    !(v2 = rule_vector(pages, f, 2)) || !(v3 = rule_vector(pages, f, 3)) ||
	    !(v4 = rule_vector(pages, f, 4)) || !(v5 = rule_vector(pages, f, 5)) ||
	    !(v6 = rule_vector(pages, f, 6)))
		return none;
	any = v0->any & v1->any & v2->any & v3->any & v4->any & v5->any & v6->any;
	for (int i = 0; i < RULE_WORDS && any; i++) {
		w = lowest_bit(any) & (RULE_WORDS - 1);
		rules = v0->words[w] & v1->words[w] & v2->words[w] & v3->words[w] & v4->words[w] &
			v5->words[w] & v6->words[w];
		if (rules)
			return w * 64 + lowest_bit(rules);
		any &= any - 1;
	}
	return none;
}

static __always_inline __u32 rules_generation(__u32 parent)
{
	void *pages = bpf_map_lookup_elem(&rules, &parent);
	const struct bv_rule_page *page = pages ? rule_page(pages, 0) : NULL;

	return page ? page->rules.generation : 0;
}

static __always_inline void count_rule(__u32 counter, __u32 bytes)
{
	struct bv_rule_count *count = bpf_map_lookup_elem(&rule_counts, &counter);

	if (count) {
		count->packets++;
		count->bytes += bytes;
	}
}

/*
 * What the rules of a chain say of a packet. Without rules all is accepted; what is broken accepts
 * nothing. f->cached is what they have said before, if it is known, and afterwards what may be
 * remembered for the connection's next packets; both hold for f->rules_generation.
 */
static __always_inline struct bv_rule_target rules_target(struct flow *f, __u32 parent,
							  enum bv_chain which)
{
	struct bv_rule_target without = {.target = BV_TARGET_ACCEPT,
					 .counter = BV_CHAIN_MAX * parent + which};
	void *pages = bpf_map_lookup_elem(&rules, &parent);
	const struct bv_rule_page *page;
	const struct bv_rule_chain *chain;
	__u32 number;

	page = pages ? rule_page(pages, 0) : NULL;
	if (!page) {
		f->cached = 0;
		return without;
	}
	chain = &page->rules.chain[which & (BV_CHAIN_MAX - 1)];
	if (page->rules.generation != f->rules_generation) {
		f->rules_generation = page->rules.generation; /* replaced meanwhile */
		f->cached = 0;
	}
	if (f->cached) {
		number = BV_CONN_TARGET_NUMBER(f->cached);
	} else if (chain->policy_alone) {
		number = 0;
	} else {
		rule_start(chain, f);
		rule_fields(pages, f);
		number = rule_first(pages, f, chain->rules);
	}
	f->cached = chain->per_packet ? 0 : BV_CONN_TARGET(number, which);
	page = rule_page(pages, chain->targets + number / BV_RULE_PAGE_TARGETS);
	if (!page || number > chain->rules) {
		without.target = BV_TARGET_DROP;
		return without;
	}
	return page->targets[number % BV_RULE_PAGE_TARGETS];
}

/* The same, and counts it. */
static __always_inline struct bv_rule_target rules_verdict(struct flow *f, __u32 parent,
							   enum bv_chain which)
{
	const struct bv_rule_target target = rules_target(f, parent, which);

	count_rule(target.counter, f->bytes);
	return target;
}

#endif
