/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The states of a TCP connection: nf_conntrack_tcp_packet() and tcp_in_window() of
 * net/netfilter/nf_conntrack_proto_tcp.c. Runs with the set locked: no helpers here.
 */
#ifndef BPFVLAN_CONN_TCP_H
#define BPFVLAN_CONN_TCP_H

#include "flow_tcp.h"

enum conn_fate {
	CONN_ACCEPT, /* the packet belongs to it; `timeout` says how it lives on */
	CONN_IGNORE, /* likewise, and nothing of it is counted or prolonged */
	CONN_KILL,   /* likewise, and it ends */
	CONN_REOPEN, /* it ends, and the packet starts another */
	CONN_DROP,
	CONN_INVALID,
};

/* Beside enum bv_tcp_state, in the table: TCP_CONNTRACK_MAX and TCP_CONNTRACK_IGNORE. */
#define TCP_INVALID BV_TCP_MAX
#define TCP_IGNORE  (BV_TCP_MAX + 1)

#define MAX_ACK_WINDOW 66000 /* MAXACKWINCONST */

#define NO BV_TCP_NONE
#define SS BV_TCP_SYN_SENT
#define SR BV_TCP_SYN_RECV
#define ES BV_TCP_ESTABLISHED
#define FW BV_TCP_FIN_WAIT
#define CW BV_TCP_CLOSE_WAIT
#define LA BV_TCP_LAST_ACK
#define TW BV_TCP_TIME_WAIT
#define CL BV_TCP_CLOSE
#define S2 BV_TCP_SYN_SENT2
#define IV TCP_INVALID
#define IG TCP_IGNORE

/* tcp_conntracks[]: by direction, enum tcp_index, and the state before. */
static const __u8 tcp_next_state[2][6][16] = {
	{
		/*            NO  SS  SR  ES  FW  CW  LA  TW  CL  S2 */
		/* SYN */ {SS, SS, IG, IG, IG, IG, IG, SS, SS, S2},
		/* SYNACK */ {IV, IV, SR, IV, IV, IV, IV, IV, IV, SR},
		/* FIN */ {IV, IV, FW, FW, LA, LA, LA, TW, CL, IV},
		/* ACK */ {ES, IV, ES, ES, CW, CW, TW, TW, CL, IV},
		/* RST */ {IV, CL, CL, CL, CL, CL, CL, CL, CL, CL},
		/* none */ {IV, IV, IV, IV, IV, IV, IV, IV, IV, IV},
	},
	{
		/*            NO  SS  SR  ES  FW  CW  LA  TW  CL  S2 */
		/* SYN */ {IV, S2, IV, IV, IV, IV, IV, SS, IV, S2},
		/* SYNACK */ {IV, SR, IG, IG, IG, IG, IG, IG, IG, SR},
		/* FIN */ {IV, IV, FW, FW, LA, LA, LA, TW, CL, IV},
		/* ACK */ {IV, IG, SR, ES, CW, CW, TW, TW, CL, IG},
		/* RST */ {IV, CL, CL, CL, CL, CL, CL, CL, CL, CL},
		/* none */ {IV, IV, IV, IV, IV, IV, IV, IV, IV, IV},
	},
};

#undef NO
#undef SS
#undef SR
#undef ES
#undef FW
#undef CW
#undef LA
#undef TW
#undef CL
#undef S2
#undef IV
#undef IG

/* Two things in a byte: bv_conn. */
static __always_inline __u8 low(__u8 byte)
{
	return byte & 15;
}

static __always_inline __u8 high(__u8 byte)
{
	return byte >> 4;
}

static __always_inline __u8 with_low(__u8 byte, __u8 value)
{
	return (byte & 0xf0) | value;
}

static __always_inline __u8 with_high(__u8 byte, __u8 value)
{
	return (byte & 15) | value << 4;
}

static __always_inline bool conn_has(const struct bv_conn *c, __u8 status)
{
	return c->status_state & status;
}

static __always_inline __u8 conn_scale(const struct bv_conn *c, __u32 dir)
{
	return dir ? high(c->tcp_scales) : low(c->tcp_scales);
}

static __always_inline void set_conn_scale(struct bv_conn *c, __u32 dir, __u8 scale)
{
	c->tcp_scales = dir ? with_high(c->tcp_scales, scale) : with_low(c->tcp_scales, scale);
}

static __always_inline __u8 tcp_state(const struct bv_conn *c)
{
	return high(c->status_state);
}

/* Direction and kind of the last segment that counted. */
static __always_inline __u8 last_dir(const struct bv_conn *c)
{
	return c->tcp_last_other & 1;
}

static __always_inline __u8 last_index(const struct bv_conn *c)
{
	return c->tcp_last_other >> 1 & 7;
}

static __always_inline void set_last(struct bv_conn *c, __u8 index, __u32 dir)
{
	c->tcp_last_other = with_low(c->tcp_last_other, index << 1 | (dir & 1));
}

/* tcp_new(): what is known from the first packet, whose direction is the original one. */
static __always_inline void tcp_start(struct bv_conn *c, const struct flow *f)
{
	c->tcp_end[0] = c->tcp_maxend[0] = f->tcp.end;
	c->tcp_maxwin[0] = f->tcp.win ?: 1;
	if (f->tcp.index == TCP_INDEX_SYN) {
		c->tcp_flags[0] = f->tcp.options;
		c->tcp_scales = f->tcp.scale;
	} else {
		/* In the middle of it, with windows whose scale nobody knows. */
		c->tcp_maxend[0] += c->tcp_maxwin[0];
		c->tcp_flags[0] = c->tcp_flags[1] = BV_TCP_SACK_PERM | BV_TCP_BE_LIBERAL;
	}
	set_last(c, TCP_INDEX_NONE, 0);
}

/* tcp_init_sender() */
static __always_inline void tcp_init_sender(struct bv_conn *c, const struct flow *f, __u32 dir)
{
	c->tcp_end[dir] = c->tcp_maxend[dir] = f->tcp.end;
	c->tcp_maxwin[dir] = f->tcp.win ?: 1;
	if (FRESH(f->tcp.has_options)) {
		c->tcp_flags[dir] = (c->tcp_flags[dir] & BV_TCP_BE_LIBERAL) | f->tcp.options;
		set_conn_scale(c, dir, f->tcp.scale);
	}
	if (dir && !(c->tcp_flags[0] & c->tcp_flags[1] & BV_TCP_WINDOW_SCALE))
		c->tcp_scales = 0;
}

static __always_inline bool tcp_has(const struct flow *f, __u8 flags)
{
	return FRESH(f->tcp.flags) & flags;
}

static __always_inline void tcp_outside(const struct bv_conn *c, struct flow *f, __u32 dir,
					const struct bv_ct_settings *settings, enum conn_fate fate)
{
	f->fate = fate;
	if (settings->tcp_be_liberal || (c->tcp_flags[dir] & BV_TCP_BE_LIBERAL))
		f->fate = CONN_ACCEPT;
}

/* The first segment of this direction, or one that begins it anew. True: there is no more to it. */
static __always_inline bool tcp_learn_sender(struct bv_conn *c, struct flow *f, __u32 dir,
					     __u32 sack)
{
	const __u32 to = dir ^ 1;
	__u32 win;

	if (c->tcp_maxwin[dir]) {
		if (!tcp_has(f, TCP_SYN) || !seq_after(f->tcp.end, c->tcp_end[dir]) ||
		    (tcp_state(c) != BV_TCP_SYN_SENT && tcp_state(c) != BV_TCP_SYN_RECV))
			return false;
		tcp_init_sender(c, f, dir);
		return dir && !tcp_has(f, TCP_ACK);
	}
	if (tcp_has(f, TCP_SYN)) {
		tcp_init_sender(c, f, dir);
		return !tcp_has(f, TCP_ACK);
	}
	win = (__u32)f->tcp.win << conn_scale(c, dir);
	c->tcp_end[dir] = f->tcp.end;
	c->tcp_maxwin[dir] = win ?: 1;
	c->tcp_maxend[dir] = f->tcp.end + c->tcp_maxwin[dir];
	if (!c->tcp_maxwin[to])
		c->tcp_end[to] = c->tcp_maxend[to] = sack;
	else if (sack == c->tcp_end[to] + 1)
		c->tcp_end[to]++; /* answers a keep-alive */
	return false;
}

static __always_inline void tcp_advance(struct bv_conn *c, struct flow *f, __u32 dir, __u32 seq,
					__u32 end, __u32 ack, __u32 sack)
{
	const __u32 to = dir ^ 1;
	__u32 win = f->tcp.win, swin;

	if (!tcp_has(f, TCP_SYN))
		win <<= conn_scale(c, dir);
	swin = win + (sack - ack);
	if (c->tcp_maxwin[dir] < swin)
		c->tcp_maxwin[dir] = swin;
	if (seq_after(end, c->tcp_end[dir])) {
		c->tcp_end[dir] = end;
		c->tcp_flags[dir] |= BV_TCP_DATA_UNACKNOWLEDGED;
	}
	if (tcp_has(f, TCP_ACK) &&
	    (!(c->tcp_flags[dir] & BV_TCP_MAXACK_SET) || seq_after(ack, c->tcp_maxack[dir]))) {
		c->tcp_maxack[dir] = ack;
		c->tcp_flags[dir] |= BV_TCP_MAXACK_SET;
	}
	if (c->tcp_maxwin[to] && seq_after(end, c->tcp_maxend[dir]))
		c->tcp_maxwin[to] += end - c->tcp_maxend[dir];
	if (seq_after(sack + win, c->tcp_maxend[to] - 1))
		c->tcp_maxend[to] = sack + win + !win;
	if (ack == c->tcp_end[to])
		c->tcp_flags[to] &= ~BV_TCP_DATA_UNACKNOWLEDGED;

	if (FRESH(f->tcp.index) != TCP_INDEX_ACK)
		return;
	if (last_dir(c) == dir && c->tcp_last_seq == seq && c->tcp_last_ack == ack &&
	    c->tcp_last_end == end && c->tcp_last_win == f->tcp.win) {
		if (high(c->tcp_last_other) < 15)
			c->tcp_last_other += 1 << 4; /* a retransmission */
	} else {
		c->tcp_last_seq = seq;
		c->tcp_last_ack = ack;
		c->tcp_last_end = end;
		c->tcp_last_win = f->tcp.win;
		c->tcp_last_other = (c->tcp_last_other & 0x0e) | (dir & 1);
	}
}

/* tcp_in_window(): f->fate is CONN_ACCEPT, or CONN_IGNORE or CONN_INVALID for what is outside. */
static __always_inline void tcp_window(struct bv_conn *c, struct flow *f, __u32 dir,
				       const struct bv_ct_settings *settings)
{
	const __u32 to = dir ^ 1;
	__u32 seq = f->tcp.seq, end = f->tcp.end, ack = f->tcp.ack, sack = ack;
	__u32 ack_window, overshot;

	if (c->tcp_flags[to] & BV_TCP_SACK_PERM)
		sack = f->tcp.sack;
	f->fate = CONN_ACCEPT;
	if (tcp_learn_sender(c, f, dir, sack))
		return;
	if (!tcp_has(f, TCP_ACK) || (tcp_has(f, TCP_RST) && !ack))
		ack = sack = c->tcp_end[to];
	if (tcp_has(f, TCP_RST) && !seq && tcp_state(c) == BV_TCP_SYN_SENT)
		seq = end = c->tcp_end[dir]; /* answers a SYN */

	ack_window = c->tcp_maxwin[dir] > MAX_ACK_WINDOW ? c->tcp_maxwin[dir] : MAX_ACK_WINDOW;
	f->tcp.in_window = 1;
	if (c->tcp_maxwin[to] && !seq_after(end, c->tcp_end[dir] - c->tcp_maxwin[to] - 1))
		f->tcp.in_window = 0;
	if (!seq_before(sack, c->tcp_end[to] + 1)) {
		tcp_outside(c, f, dir, settings, CONN_INVALID);
		return;
	}
	if (!seq_before(seq, c->tcp_maxend[dir] + 1)) {
		overshot = end - c->tcp_maxend[dir] + 1;
		if (!c->tcp_maxwin[to] || !FRESH(f->tcp.in_window) ||
		    !seq_after(sack, c->tcp_end[to] - ack_window - 1) ||
		    overshot > c->tcp_maxwin[to]) {
			tcp_outside(c, f, dir, settings, CONN_INVALID);
			return;
		}
		/* More than the receiver allowed: its acknowledgement must be valid. */
		c->tcp_end[dir] = end;
		c->tcp_flags[dir] |= BV_TCP_DATA_UNACKNOWLEDGED;
		tcp_outside(c, f, dir, settings, CONN_IGNORE);
		return;
	}
	if (!FRESH(f->tcp.in_window) || !seq_after(sack, c->tcp_end[to] - ack_window - 1)) {
		tcp_outside(c, f, dir, settings, CONN_IGNORE);
		return;
	}
	tcp_advance(c, f, dir, seq, end, ack, sack);
}

/* nf_tcp_handle_invalid(): do not let a connection that both ends have left live for days. */
static __always_inline void tcp_invalid(struct bv_conn *c, const struct flow *f, __u32 dir,
					const struct bv_ct_settings *settings)
{
	const __u8 last = last_index(c);
	const __u32 limit = settings->timeout[BV_CT_TIMEOUT_TCP_UNACKNOWLEDGED];
	const __u32 left = c->expires - f->now;

	if (!conn_has(c, BV_CONN_ASSURED) ||
	    (f->tcp.index != TCP_INDEX_RST && f->tcp.index != TCP_INDEX_FIN))
		return;
	if (last_dir(c) != dir && (last == TCP_INDEX_FIN || last == TCP_INDEX_RST)) {
		if (left >= settings->ticks_per_1000_seconds * 120 / 1000 && left > limit)
			c->expires = f->now + limit;
	} else {
		set_last(c, f->tcp.index, dir);
	}
}

static __always_inline bool tcp_closing(__u8 state)
{
	return state == BV_TCP_FIN_WAIT || state == BV_TCP_LAST_ACK || state == BV_TCP_TIME_WAIT ||
	       state == BV_TCP_CLOSE || state == BV_TCP_CLOSE_WAIT;
}

/* The connection and its ends may be in step though we are not: take note, and let it pass. */
static __always_inline void tcp_note_ignored(struct bv_conn *c, const struct flow *f, __u32 dir)
{
	set_last(c, f->tcp.index, dir);
	c->tcp_last_seq = f->tcp.seq;
	c->tcp_last_end = f->tcp.end;
	c->tcp_last_win = f->tcp.win;
	if (f->tcp.index == TCP_INDEX_SYN && !dir) {
		c->tcp_last_syn = f->tcp.options | f->tcp.scale << 4;
		if (tcp_state(c) == BV_TCP_LAST_ACK)
			c->tcp_last_syn |= BV_TCP_LAST_CHALLENGE_ACK;
	}
	if (tcp_state(c) == BV_TCP_SYN_SENT && f->tcp.index == TCP_INDEX_ACK && dir)
		c->tcp_last_ack = f->tcp.ack;
}

/* A SYN that was ignored has got its answer: both ends are in step, and so are we now. */
static __always_inline void tcp_resync(struct bv_conn *c, __u32 dir)
{
	const __u32 syn_dir = last_dir(c);

	c->tcp_end[syn_dir & 1] = c->tcp_maxend[syn_dir & 1] = c->tcp_last_end;
	c->tcp_maxwin[syn_dir & 1] = c->tcp_last_win ?: 1;
	set_conn_scale(c, syn_dir, high(c->tcp_last_syn));
	c->tcp_last_syn &= ~BV_TCP_LAST_CHALLENGE_ACK;
	c->tcp_flags[syn_dir & 1] = c->tcp_last_syn & (BV_TCP_WINDOW_SCALE | BV_TCP_SACK_PERM);
	c->tcp_end[dir] = c->tcp_maxend[dir] = c->tcp_maxwin[dir] = c->tcp_maxack[dir] = 0;
	set_conn_scale(c, dir, 0);
	c->tcp_flags[dir] &= BV_TCP_BE_LIBERAL;
}

/*
 * What a reset does, in f->fate: CONN_INVALID, it is none; CONN_IGNORE, look at the window;
 * CONN_ACCEPT, do not.
 */
static __always_inline void tcp_reset(const struct bv_conn *c, struct flow *f, __u32 dir,
				      const struct bv_ct_settings *settings)
{
	const __u32 to = dir ^ 1;

	if (tcp_closing(tcp_state(c))) {
		f->fate = CONN_ACCEPT;
		return;
	}
	if ((c->tcp_flags[to] & BV_TCP_MAXACK_SET) && last_index(c) != TCP_INDEX_SYN) {
		const bool established =
			tcp_state(c) == BV_TCP_ESTABLISHED && conn_has(c, BV_CONN_ASSURED);

		if (!f->tcp.seq && !established)
			return;
		if (seq_before(f->tcp.seq, c->tcp_maxack[to]) &&
		    !settings->tcp_ignore_invalid_rst) {
			f->fate = CONN_INVALID;
			return;
		}
		if (!established || f->tcp.seq == c->tcp_maxack[to])
			return;
		if (last_index(c) == TCP_INDEX_ACK && last_dir(c) == dir &&
		    f->tcp.seq == c->tcp_last_end)
			return;
		f->tcp.new_state = tcp_state(c); /* its receiver may challenge it */
	}
	if (((conn_has(c, BV_CONN_SEEN_REPLY) && last_index(c) == TCP_INDEX_SYN) ||
	     (!conn_has(c, BV_CONN_ASSURED) && last_index(c) == TCP_INDEX_ACK)) &&
	    f->tcp.ack == c->tcp_last_end)
		f->fate = CONN_ACCEPT;
	else if (tcp_state(c) == BV_TCP_SYN_SENT && last_index(c) == TCP_INDEX_ACK && last_dir(c) &&
		 f->tcp.seq == c->tcp_last_ack)
		f->fate = CONN_ACCEPT;
}

static __always_inline __u32 tcp_timeout(const struct bv_conn *c, const struct flow *f, __u8 old,
					 __u8 new_state, const struct bv_ct_settings *settings)
{
	const __u32 usual = settings->timeout[new_state & 15];
	const __u32 retrans = settings->timeout[BV_CT_TIMEOUT_TCP_MAX_RETRANS];
	const __u32 unacknowledged = settings->timeout[BV_CT_TIMEOUT_TCP_UNACKNOWLEDGED];

	if (high(c->tcp_last_other) >= settings->tcp_max_retrans && usual > retrans)
		return retrans;
	/* One that its receiver may challenge does not end the connection in seconds (Linux 6.11).
	 */
	if (f->tcp.index == TCP_INDEX_RST && old != new_state)
		return settings->timeout[BV_CT_TIMEOUT_TCP_CLOSE];
	if (((c->tcp_flags[0] | c->tcp_flags[1]) & BV_TCP_DATA_UNACKNOWLEDGED) &&
	    usual > unacknowledged)
		return unacknowledged;
	if (!c->tcp_last_win && usual > retrans)
		return retrans;
	return usual;
}

/* From `old` to the state that the table says and the exceptions to it. False: that was all. */
static __always_inline bool tcp_transition(struct bv_conn *c, struct flow *f, __u32 dir, __u8 *old,
					   const struct bv_ct_settings *settings)
{
	const __u8 index = FRESH(f->tcp.index);

	f->fate = CONN_IGNORE;
	switch (FRESH(f->tcp.new_state)) {
	case TCP_INVALID:
		f->fate = CONN_INVALID;
		return false;
	case TCP_IGNORE:
		if (index != TCP_INDEX_SYNACK || last_index(c) != TCP_INDEX_SYN ||
		    last_dir(c) == dir || f->tcp.ack != c->tcp_last_end) {
			tcp_note_ignored(c, f, dir);
			return false;
		}
		*old = BV_TCP_SYN_SENT;
		f->tcp.new_state = BV_TCP_SYN_RECV;
		tcp_resync(c, dir);
		return true;
	case BV_TCP_TIME_WAIT:
		if (*old == BV_TCP_LAST_ACK && index == TCP_INDEX_ACK && last_dir(c) != dir &&
		    last_index(c) == TCP_INDEX_SYN &&
		    (c->tcp_last_syn & BV_TCP_LAST_CHALLENGE_ACK)) {
			c->tcp_last_syn &= ~BV_TCP_LAST_CHALLENGE_ACK;
			return false;
		}
		return true;
	case BV_TCP_SYN_SENT2:
		c->tcp_last_syn |= BV_TCP_LAST_SIMULTANEOUS_OPEN;
		return true;
	case BV_TCP_SYN_RECV:
		if (dir && index == TCP_INDEX_ACK &&
		    (c->tcp_last_syn & BV_TCP_LAST_SIMULTANEOUS_OPEN))
			f->tcp.new_state = BV_TCP_ESTABLISHED;
		return true;
	case BV_TCP_CLOSE:
		if (index == TCP_INDEX_RST)
			tcp_reset(c, f, dir, settings);
		return FRESH(f->fate) != CONN_INVALID;
	}
	return true;
}

/* It is in the window: the new state holds. */
static __always_inline void tcp_enter_state(struct bv_conn *c, struct flow *f, __u32 dir, __u8 old,
					    const struct bv_ct_settings *settings)
{
	const __u32 unacknowledged = settings->timeout[BV_CT_TIMEOUT_TCP_UNACKNOWLEDGED];
	const __u8 now = FRESH(f->tcp.new_state);

	set_last(c, f->tcp.index, dir);
	c->status_state = with_high(c->status_state, now);
	if (old != now && now == BV_TCP_FIN_WAIT)
		c->tcp_flags[dir] |= BV_TCP_CLOSE_INIT;
	f->timeout = tcp_timeout(c, f, old, now, settings);
	f->fate = CONN_ACCEPT;
	if (conn_has(c, BV_CONN_SEEN_REPLY)) {
		if ((old == BV_TCP_SYN_RECV || old == BV_TCP_ESTABLISHED) &&
		    now == BV_TCP_ESTABLISHED)
			c->status_state |= BV_CONN_ASSURED;
		return;
	}
	if (FRESH(f->tcp.index) == TCP_INDEX_RST)
		f->fate = CONN_KILL;
	else if (FRESH(f->tcp.index) == TCP_INDEX_SYN && old == BV_TCP_SYN_SENT)
		f->fate = CONN_IGNORE; /* or the same SYN again and again kept it for ever */
	else if (now == BV_TCP_ESTABLISHED && f->timeout > unacknowledged)
		f->timeout = unacknowledged;
}

/* nf_conntrack_tcp_packet(): f->fate, and with CONN_ACCEPT f->timeout. */
static __always_inline void tcp_packet(struct bv_conn *c, struct flow *f, __u32 dir,
				       const struct bv_ct_settings *settings)
{
	const __u8 index = f->tcp.index & 7;
	__u8 old = tcp_state(c);

	f->tcp.new_state = TCP_INVALID;
	if (index <= TCP_INDEX_NONE)
		f->tcp.new_state = tcp_next_state[dir & 1][index][old];
	if (FRESH(f->tcp.new_state) == BV_TCP_SYN_SENT && old >= BV_TCP_TIME_WAIT) {
		if (((c->tcp_flags[0] | c->tcp_flags[1]) & BV_TCP_CLOSE_INIT) ||
		    (last_dir(c) == dir && last_index(c) == TCP_INDEX_RST)) {
			f->fate = CONN_REOPEN;
			return;
		}
		f->tcp.new_state = TCP_IGNORE;
	}
	if (!tcp_transition(c, f, dir, &old, settings))
		return;
	if (FRESH(f->fate) != CONN_ACCEPT)
		tcp_window(c, f, dir, settings);
	if (FRESH(f->fate) == CONN_INVALID)
		tcp_invalid(c, f, dir, settings);
	if (FRESH(f->fate) == CONN_ACCEPT)
		tcp_enter_state(c, f, dir, old, settings);
}

#endif
