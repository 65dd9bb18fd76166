/* SPDX-License-Identifier: Apache-2.0 */
#include <rte_prefetch.h>

#include "nic/port.h"
#include "wire/packet.h"

#define AHEAD 4 /* frames whose headers are fetched before they are read */

/* What a burst adds up to; written to the counters at its end, totals last. */
struct tally {
	unsigned datagrams, frames, reassembled;
	unsigned released; /* fragments that are no longer held */
	uint64_t bytes;
};

static struct port_queue *queue_of(struct source_queue *queue)
{
	return (struct port_queue *)queue;
}

/* Where packet.h's refusals are counted. */
static counter *refusal_counter(struct source_counters *counters, enum packet_kind kind)
{
	switch (kind) {
#define X(name)                                                                                                       \
	case PACKET_REFUSED_##name:                                                                                   \
		return &counters->dropped_##name;
		PACKET_REFUSALS(X)
#undef X
	default:
		return &counters->dropped_not_ip;
	}
}

static void take_address(struct address *address, const struct packet *packet)
{
	*address = (struct address){.family = packet->family};
	if (packet->family == ADDRESS_IPV4)
		memcpy(address->bytes, packet->source, 4);
	else
		memcpy(address->bytes, packet->source, 16);
}

/* Fills `out` from a parsed datagram that is for us; 0 when it is dropped, which is counted with weight `frames`. */
static unsigned deliver(
	struct port_queue *q, const struct packet *packet, int verified, unsigned frames, struct datagram *out)
{
	if (UNLIKELY(!filter_has_port(q->filter, packet->destination_port) ||
		     !filter_has_address(q->filter, packet->family, packet->destination))) {
		counter_add(&q->counters.dropped_not_for_us, frames);
		return 0;
	}
	if (UNLIKELY(packet->payload_len > q->max_datagram)) {
		counter_add(&q->counters.dropped_oversize, frames);
		return 0;
	}
	if (UNLIKELY(!verified && !packet_udp_checksum_ok(packet))) {
		counter_add(&q->counters.dropped_l4_checksum, frames);
		return 0;
	}
	out->data = packet->payload;
	out->len = packet->payload_len;
	out->source_port = packet->source_port;
	out->destination_port = packet->destination_port;
	take_address(&out->source, packet);
	return 1;
}

static int on_our_vlan(const struct port_queue *q, const struct rte_mbuf *m, const struct packet *packet)
{
	uint16_t vlan[PACKET_TAGS + 1];
	unsigned count = 0;

	if (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED)
		vlan[count++] = m->vlan_tci & 0xfff;
	for (unsigned i = 0; i < packet->vlan_count; i++)
		vlan[count++] = packet->vlan[i];
	if (LIKELY(count == 0))
		return q->filter->vlan_count == 0;
	return filter_has_vlan(q->filter, vlan, count);
}

/* A fragment that came to nothing, with those of its datagram that were held. */
static void drop_fragment(struct port_queue *q, const struct fragment_outcome *outcome, struct tally *tally)
{
	struct source_counters *c = &q->counters;

	if (outcome->result == FRAGMENT_NO_ROOM)
		counter_add(&c->dropped_fragment_memory, 1);
	else if (outcome->result == FRAGMENT_OVERSIZE)
		counter_add(&c->dropped_oversize, outcome->freed + 1);
	else
		counter_add(&c->dropped_fragment_bad, outcome->freed + 1);
	tally->released += outcome->freed;
}

static void expire_fragments(struct port_queue *q, uint64_t tsc)
{
	unsigned frames = fragments_expire(q->fragments, tsc);

	if (frames == 0)
		return;
	counter_add(&q->counters.dropped_fragment_timeout, frames);
	counter_sub(&q->counters.fragments_held, frames);
}

/* A reassembled datagram: `outcome` says how many frames were held for it, beside the one that completed it. */
static void take_whole(struct port_queue *q, struct packet *packet, const struct fragment_outcome *outcome,
	struct tally *tally, struct datagram *out)
{
	unsigned frames = outcome->freed + 1;
	enum packet_kind kind;

	tally->released += outcome->freed;
	packet->protocol = outcome->protocol;
	kind = packet_parse_whole(packet, outcome->data, outcome->len);
	if (kind != PACKET_UDP) {
		counter_add(refusal_counter(&q->counters, kind), frames);
		return;
	}
	if (deliver(q, packet, 0, frames, out + tally->datagrams)) {
		tally->datagrams++;
		tally->reassembled++;
		tally->frames += frames;
	}
}

static void take_fragment(
	struct port_queue *q, struct packet *packet, struct tally *tally, struct datagram *out, uint64_t tsc)
{
	struct fragment_outcome outcome;

	if (!filter_has_address(q->filter, packet->family, packet->destination)) {
		counter_add(&q->counters.dropped_not_for_us, 1);
		return;
	}
	if (q->fragments == NULL) {
		counter_add(&q->counters.dropped_fragment_memory, 1);
		return;
	}
	expire_fragments(q, tsc);
	fragments_add(q->fragments, packet, tsc, &outcome);
	if (outcome.result == FRAGMENT_HELD)
		counter_add(&q->counters.fragments_held, 1);
	else if (outcome.result == FRAGMENT_WHOLE)
		take_whole(q, packet, &outcome, tally, out);
	else
		drop_fragment(q, &outcome, tally);
}

/* One frame; what it yields goes to the end of `out`. */
static inline void take_frame(struct port_queue *q, struct rte_mbuf *m, struct packet *packet, struct tally *tally,
	struct datagram *out, uint64_t tsc)
{
	uint64_t flags = m->ol_flags;
	enum packet_kind kind;

	if (UNLIKELY(m->nb_segs > 1 && rte_pktmbuf_linearize(m) != 0)) {
		counter_add(&q->counters.dropped_oversize, 1);
		return;
	}
	kind = packet_parse(packet, rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m),
		(flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD);
	if (UNLIKELY(kind < PACKET_REFUSED_truncated && !on_our_vlan(q, m, packet))) {
		counter_add(&q->counters.dropped_vlan, 1);
	} else if (LIKELY(kind == PACKET_UDP)) {
		int verified = (flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
		unsigned n = deliver(q, packet, verified, 1, out + tally->datagrams);

		tally->datagrams += n;
		tally->frames += n;
	} else if (kind == PACKET_FRAGMENT) {
		take_fragment(q, packet, tally, out, tsc);
	} else if (kind < PACKET_REFUSED_truncated) {
		port_host_frame(q, packet, rte_pktmbuf_mtod(m, const uint8_t *), kind, tsc);
	} else {
		counter_add(refusal_counter(&q->counters, kind), 1);
	}
}

/* Outcomes first, the total last; what leaves the table is taken from its gauge after it stands elsewhere. */
static void store(struct port_queue *q, const struct tally *tally, unsigned frames)
{
	counter_add(&q->counters.datagram_frames, tally->frames);
	counter_add(&q->counters.datagrams, tally->datagrams);
	if (UNLIKELY((tally->released | tally->reassembled) != 0)) {
		counter_add(&q->counters.reassembled, tally->reassembled);
		counter_sub(&q->counters.fragments_held, tally->released);
	}
	counter_add(&q->counters.bytes, tally->bytes);
	counter_add(&q->counters.frames, frames);
}

unsigned port_receive(struct source_queue *queue, struct datagram *out, uint64_t tsc)
{
	struct port_queue *q = queue_of(queue);
	struct tally tally = {0};
	struct packet packet;
	unsigned n;

	if (UNLIKELY(!gate_pass(&q->gate)))
		return 0;
	n = rte_eth_rx_burst(q->port_id, q->index, q->frames, SOURCE_BURST);
	if (n == 0)
		return 0;
	q->held = n;
	for (unsigned i = 0; i < AHEAD && i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(q->frames[i], const void *));
	for (unsigned i = 0; i < n; i++) {
		if (i + AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(q->frames[i + AHEAD], const void *));
		tally.bytes += rte_pktmbuf_pkt_len(q->frames[i]);
		take_frame(q, q->frames[i], &packet, &tally, out, tsc);
	}
	port_host_flush(q);
	store(q, &tally, n);
	return tally.datagrams;
}

void port_release(struct source_queue *queue)
{
	struct port_queue *q = queue_of(queue);

	if (q->held == 0)
		return;
	rte_pktmbuf_free_bulk(q->frames, q->held);
	q->held = 0;
	if (q->fragments != NULL)
		fragments_release(q->fragments);
}

void port_tick(struct source_queue *queue, uint64_t tsc)
{
	struct port_queue *q = queue_of(queue);

	if (atomic_load_explicit(&q->gate.state, memory_order_acquire) != GATE_OPEN)
		return;
	port_host_tick(q, tsc);
	if (q->fragments != NULL)
		expire_fragments(q, tsc);
}
