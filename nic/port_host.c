/* SPDX-License-Identifier: Apache-2.0 */
#include "nic/port.h"

#include "base/clock.h"
#include "wire/packet.h"

static void queue_reply(struct port_queue *q, struct rte_mbuf *m, uint32_t len)
{
	rte_pktmbuf_data_len(m) = (uint16_t)len;
	rte_pktmbuf_pkt_len(m) = len;
	q->replies[q->reply_count++] = m;
	if (q->reply_count == PORT_REPLIES)
		port_host_flush(q);
}

void port_host_flush(struct port_queue *q)
{
	unsigned sent;

	if (q->reply_count == 0)
		return;
	sent = rte_eth_tx_burst(q->port_id, q->index, q->replies, (uint16_t)q->reply_count);
	counter_add(&q->counters.transmitted, sent);
	if (sent < q->reply_count) {
		counter_add(&q->counters.transmit_dropped, q->reply_count - sent);
		rte_pktmbuf_free_bulk(q->replies + sent, q->reply_count - sent);
	}
	q->reply_count = 0;
}

static counter *kind_counter(struct source_counters *c, enum packet_kind kind)
{
	switch (kind) {
	case PACKET_ARP:
		return &c->host_arp;
	case PACKET_ND:
		return &c->host_nd;
	case PACKET_ECHO:
		return &c->host_echo;
	default:
		return &c->host_multicast;
	}
}

static counter *result_counter(struct source_counters *c, enum packet_kind kind, enum responder_result result)
{
	switch (result) {
	case RESPONDER_LIMITED:
		return kind == PACKET_ECHO ? &c->dropped_echo_limited : &c->dropped_neighbour_limited;
	case RESPONDER_STRANGER:
		return &c->dropped_not_for_us;
	case RESPONDER_DAMAGED:
		return &c->dropped_l4_checksum;
	default:
		return kind_counter(c, kind);
	}
}

void port_host_frame(
	struct port_queue *q, const struct packet *packet, const uint8_t *frame, enum packet_kind kind, uint64_t tsc)
{
	uint64_t conflicts = q->responder.duplicates;
	enum responder_result result;
	struct rte_mbuf *m = NULL;
	uint32_t len;

	if (!q->answers || kind == PACKET_MULTICAST) {
		counter_add(kind_counter(&q->counters, kind), 1);
		return;
	}
	m = rte_pktmbuf_alloc(q->pool);
	if (m == NULL) {
		counter_add(&q->counters.transmit_dropped, 1);
		counter_add(kind_counter(&q->counters, kind), 1);
		return;
	}
	len = responder_answer(&q->responder, packet, frame, kind, tsc, rte_pktmbuf_mtod(m, uint8_t *),
		rte_pktmbuf_tailroom(m), &result);
	counter_add(&q->counters.duplicate_addresses, q->responder.duplicates - conflicts);
	counter_add(result_counter(&q->counters, kind, result), 1);
	if (len != 0)
		queue_reply(q, m, len);
	else
		rte_pktmbuf_free(m);
}

/* Returns 0 when there was no mbuf for all of it. */
static int announce(struct port_queue *q, int probe)
{
	struct rte_mbuf *m;

	for (unsigned i = 0; (m = rte_pktmbuf_alloc(q->pool)) != NULL; i++) {
		uint32_t len = responder_announce(&q->responder, i, probe, rte_pktmbuf_mtod(m, uint8_t *));

		if (len == 0)
			break;
		queue_reply(q, m, len);
	}
	rte_pktmbuf_free(m);
	port_host_flush(q);
	if (m == NULL)
		counter_add(&q->counters.transmit_dropped, 1);
	return m != NULL;
}

/* Probes, announces one second later and again after two, then once a minute; anew whenever control says so, and after a second
 * what could not be sent for want of memory. */
void port_host_tick(struct port_queue *q, uint64_t tsc)
{
	unsigned epoch = atomic_load_explicit(&q->port->announce_epoch, memory_order_acquire);
	uint64_t seconds;

	if (!q->answers || q->index != 0)
		return;
	if (epoch != q->announce_epoch) {
		q->announce_epoch = epoch;
		q->announce_round = 0;
	} else if ((int64_t)(tsc - q->next_announce) < 0) {
		return;
	}
	if (!announce(q, q->announce_round == 0)) {
		q->next_announce = tsc + clock_hz();
		return;
	}
	seconds = q->announce_round == 0 ? 1 : q->announce_round == 1 ? 2 : RESPONDER_PERIOD_S;
	q->next_announce = tsc + seconds * clock_hz();
	if (q->announce_round < 2)
		q->announce_round++;
}
