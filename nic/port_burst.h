/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One receive of a port's queue: takes a burst from the driver, has each frame looked at and counts. What is done with
 * a frame is a parameter that the compiler sees: port_queue.c makes the product's instance of it, tests/bench one that
 * looks at no frame, to measure what the loop itself costs. Private to nic/.
 */

#include <rte_prefetch.h>

#include "base/fault.h"
#include "nic/port.h"

#if defined(__SANITIZE_ADDRESS__)
#define PORT_EXACT_COPIES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PORT_EXACT_COPIES 1
#endif
#endif

#define PORT_AHEAD 4 /* frames whose headers are fetched before they are read */

/* What a burst adds up to; written to the counters at its end, totals last. */
struct port_tally {
	unsigned frames, reassembled; /* of datagrams */
	unsigned released;            /* fragments that are no longer held */
	unsigned untagged;            /* no VLAN is configured; constant for the burst */
};

/* What becomes of one frame; returns 1 when it yields a datagram, which is then in `out`. Worker. */
typedef unsigned (*port_frame)(struct port_queue *q, const struct rte_mbuf *m, const uint8_t *frame,
	struct port_tally *tally, struct datagram *out, uint64_t tsc);

/*
 * The bytes of frame `index` of this burst. An overrun inside a packet buffer is invisible to a sanitizer, so in its
 * builds each frame is copied to a heap block of exact size, which lives until release.
 */
#ifdef PORT_EXACT_COPIES
const uint8_t *port_exact_copy(struct port_queue *q, unsigned index);
#endif

ALWAYS_INLINE const uint8_t *port_frame_bytes(struct port_queue *q, unsigned index)
{
#ifdef PORT_EXACT_COPIES
	return port_exact_copy(q, index);
#else
	return rte_pktmbuf_mtod(q->frames[index], const uint8_t *);
#endif
}

/* Outcomes first, the total last; what leaves the table is taken from its gauge after it stands elsewhere. */
ALWAYS_INLINE void port_count(
	struct port_queue *q, const struct port_tally *tally, unsigned datagrams, uint64_t bytes, unsigned frames)
{
	counter_add(&q->counters.datagram_frames, tally->frames);
	counter_add(&q->counters.datagrams, datagrams);
	if (UNLIKELY((tally->released | tally->reassembled) != 0)) {
		counter_add(&q->counters.reassembled, tally->reassembled);
		counter_sub(&q->counters.fragments_held, tally->released);
	}
	counter_add(&q->counters.bytes, bytes);
	counter_add(&q->counters.frames, frames);
}

/* A whole frame of the queue's own pool that nobody else refers to: of one segment, so that no other follows, which its second
 * line would tell. Asked where its first line is read anyhow; nothing that looks at a frame takes a reference to it. */
ALWAYS_INLINE int port_is_own(const struct port_queue *q, const struct rte_mbuf *m)
{
	return (m->pool == q->pool) & (rte_mbuf_refcnt_read(m) == 1) & (m->nb_segs == 1) & RTE_MBUF_DIRECT(m);
}

ALWAYS_INLINE unsigned port_burst(struct port_queue *q, struct datagram *out, uint64_t tsc, port_frame take)
{
	struct port_tally tally = {.untagged = q->filter->vlan_count == 0};
	unsigned n, datagrams = 0;
	uint64_t bytes = 0;
	int own = 1;

	if (UNLIKELY(!gate_pass(&q->gate)))
		return 0;
	n = rte_eth_rx_burst(q->port_id, q->index, q->frames, PORT_BURST);
	if (n == 0)
		return 0;
	q->held = n;
	for (unsigned i = 0; i < PORT_AHEAD && i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(q->frames[i], const void *));
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *frame = port_frame_bytes(q, i);
		const struct rte_mbuf *m = q->frames[i];

		if (i + PORT_AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(q->frames[i + PORT_AHEAD], const void *));
		bytes += rte_pktmbuf_pkt_len(m);
		own &= port_is_own(q, m);
		if (FAULT("nic_frame"))
			continue;
		datagrams += take(q, m, frame, &tally, out + datagrams, tsc);
	}
	q->own = own;
	port_host_flush(q);
	port_count(q, &tally, datagrams, bytes, n);
	return datagrams;
}
