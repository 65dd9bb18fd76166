/* SPDX-License-Identifier: Apache-2.0 */
#include <rte_prefetch.h>

#include "nic/port.h"
#include "wire/packet.h"

#define AHEAD 4 /* frames whose headers are fetched before they are read */

/* What a burst adds up to; written to the counters at its end, totals last. */
struct tally {
	unsigned datagrams;
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

/* Everything that is not a plain datagram for a worker. */
static void other_frame(
	struct port_queue *q, const struct packet *packet, const uint8_t *frame, enum packet_kind kind, uint64_t tsc)
{
	if (kind == PACKET_FRAGMENT)
		counter_add(&q->counters.dropped_fragment_memory, 1);
	else if (kind < PACKET_REFUSED_truncated)
		port_host_frame(q, packet, frame, kind, tsc);
	else
		counter_add(refusal_counter(&q->counters, kind), 1);
}

/* One frame; returns the number of datagrams it yields. */
static inline unsigned take_frame(
	struct port_queue *q, struct rte_mbuf *m, struct packet *packet, struct datagram *out, uint64_t tsc)
{
	uint64_t flags = m->ol_flags;
	enum packet_kind kind;

	if (UNLIKELY(m->nb_segs > 1 && rte_pktmbuf_linearize(m) != 0)) {
		counter_add(&q->counters.dropped_oversize, 1);
		return 0;
	}
	kind = packet_parse(packet, rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m),
		(flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD);
	if (UNLIKELY(kind < PACKET_REFUSED_truncated && !on_our_vlan(q, m, packet))) {
		counter_add(&q->counters.dropped_vlan, 1);
		return 0;
	}
	if (LIKELY(kind == PACKET_UDP))
		return deliver(
			q, packet, (flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD, 1, out);
	other_frame(q, packet, rte_pktmbuf_mtod(m, const uint8_t *), kind, tsc);
	return 0;
}

static void store(struct port_queue *q, const struct tally *tally, unsigned frames)
{
	counter_add(&q->counters.datagram_frames, tally->datagrams);
	counter_add(&q->counters.datagrams, tally->datagrams);
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
		tally.datagrams += take_frame(q, q->frames[i], &packet, out + tally.datagrams, tsc);
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
}

void port_tick(struct source_queue *queue, uint64_t tsc)
{
	struct port_queue *q = queue_of(queue);

	if (atomic_load_explicit(&q->gate.state, memory_order_acquire) == GATE_OPEN)
		port_host_tick(q, tsc);
}
