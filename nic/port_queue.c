/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "nic/port_burst.h"
#include "wire/packet.h"
#include "wire/packet_plain.h"

static struct port_queue *queue_of(struct source_queue *queue)
{
	return (struct port_queue *)queue;
}

#ifdef PORT_EXACT_COPIES
static const uint8_t *make_copy(struct port_queue *q, unsigned index)
{
	const struct rte_mbuf *m = q->frames[index];
	uint32_t len = rte_pktmbuf_data_len(m);

	q->copies[index] = malloc(len != 0 ? len : 1);
	if (q->copies[index] == NULL)
		abort();
	memcpy(q->copies[index], rte_pktmbuf_mtod(m, const void *), len);
	return q->copies[index];
}

const uint8_t *port_exact_copy(struct port_queue *q, unsigned index)
{
	return make_copy(q, index);
}

static void free_copies(struct port_queue *q)
{
	for (unsigned i = 0; i < q->held; i++)
		free(q->copies[i]);
}
#else
ALWAYS_INLINE void free_copies(struct port_queue *q)
{
	(void)q;
}
#endif

static inline int ip_verified(const struct port_queue *q, const struct rte_mbuf *m)
{
	return (m->ol_flags & q->ip_flags) == RTE_MBUF_F_RX_IP_CKSUM_GOOD;
}

static inline int l4_verified(const struct port_queue *q, const struct rte_mbuf *m)
{
	return (m->ol_flags & q->l4_flags) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
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

/* Devices may call an absent checksum good. */
static inline int has_checksum(const uint8_t *udp)
{
	return (udp[6] | udp[7]) != 0;
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
	if (UNLIKELY(!(verified && has_checksum(packet->l4)) && !packet_udp_checksum_ok(packet))) {
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
static void drop_fragment(struct port_queue *q, const struct fragment_outcome *outcome, struct port_tally *tally)
{
	struct source_counters *c = &q->counters;

	if (outcome->result == FRAGMENT_NO_ROOM)
		counter_add(&c->dropped_fragment_memory, 1);
	else if (outcome->result == FRAGMENT_NO_SHARE)
		counter_add(&c->dropped_fragment_share, 1);
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
static unsigned take_whole(struct port_queue *q, struct packet *packet, const struct fragment_outcome *outcome,
	struct port_tally *tally, struct datagram *out)
{
	unsigned frames = outcome->freed + 1;
	enum packet_kind kind;

	tally->released += outcome->freed;
	packet->protocol = outcome->protocol;
	kind = packet_parse_whole(packet, outcome->data, outcome->len);
	if (kind != PACKET_UDP) {
		counter_add(refusal_counter(&q->counters, kind), frames);
		return 0;
	}
	if (!deliver(q, packet, 0, frames, out))
		return 0;
	tally->reassembled++;
	tally->frames += frames;
	return 1;
}

static unsigned take_fragment(
	struct port_queue *q, struct packet *packet, struct port_tally *tally, struct datagram *out, uint64_t tsc)
{
	struct fragment_outcome outcome;

	if (!filter_has_address(q->filter, packet->family, packet->destination)) {
		counter_add(&q->counters.dropped_not_for_us, 1);
		return 0;
	}
	if (q->fragments == NULL) {
		counter_add(&q->counters.dropped_fragment_memory, 1);
		return 0;
	}
	expire_fragments(q, tsc);
	fragments_add(q->fragments, packet, tsc, &outcome);
	if (outcome.result == FRAGMENT_WHOLE)
		return take_whole(q, packet, &outcome, tally, out);
	if (outcome.result == FRAGMENT_HELD)
		counter_add(&q->counters.fragments_held, 1);
	else
		drop_fragment(q, &outcome, tally);
	return 0;
}

/* Any frame at all; returns 1 when it yields a datagram, which is then in `out`. */
static unsigned take_other(struct port_queue *q, const struct rte_mbuf *m, const uint8_t *frame, struct port_tally *tally,
	struct datagram *out, uint64_t tsc)
{
	struct packet packet;
	enum packet_kind kind;
	unsigned n = 0;

	if (m->nb_segs > 1) {
		counter_add(&q->counters.dropped_oversize, 1);
		return 0;
	}
	kind = packet_parse(&packet, frame, rte_pktmbuf_data_len(m), ip_verified(q, m));
	if (kind < PACKET_REFUSED_truncated && !on_our_vlan(q, m, &packet)) {
		counter_add(&q->counters.dropped_vlan, 1);
	} else if (kind == PACKET_UDP) {
		n = deliver(q, &packet, l4_verified(q, m), 1, out);
		tally->frames += n;
	} else if (kind == PACKET_FRAGMENT) {
		n = take_fragment(q, &packet, tally, out, tsc);
	} else if (kind < PACKET_REFUSED_truncated) {
		port_host_frame(q, &packet, frame, kind, tsc);
	} else {
		counter_add(refusal_counter(&q->counters, kind), 1);
	}
	return n;
}

/* What is left to ask of a plain datagram; 1 when it is for us and sound. take_other finds the name for the others. */
ALWAYS_INLINE int is_sound(const struct port_queue *q, const struct rte_mbuf *m, const struct packet_plain *plain,
	uint32_t address_len)
{
	if (!filter_has_port(q->filter, plain->destination_port) || plain->udp_len - PLAIN_UDP > q->max_datagram)
		return 0;
	return (l4_verified(q, m) && (address_len == 4 || has_checksum(plain->udp))) ||
		packet_plain_checksum_ok(plain, address_len);
}

ALWAYS_INLINE void fill(struct datagram *out, const struct packet_plain *plain, uint8_t family)
{
	out->data = plain->udp + PLAIN_UDP;
	out->len = plain->udp_len - PLAIN_UDP;
	out->source_port = plain->source_port;
	out->destination_port = plain->destination_port;
	out->source.family = family;
	if (family == ADDRESS_IPV4) {
		uint64_t half[2] = {0, 0};

		memcpy(half, plain->source, 4);
		memcpy(out->source.bytes, half, sizeof(half));
	} else {
		memcpy(out->source.bytes, plain->source, 16);
	}
}

/* One frame; returns 1 when it was a plain datagram, which is then in `out`. */
ALWAYS_INLINE int take_plain(
	const struct port_queue *q, const struct rte_mbuf *m, const uint8_t *frame, struct datagram *out)
{
	uint32_t len = rte_pktmbuf_data_len(m);
	struct packet_plain plain;

	if (UNLIKELY(m->nb_segs > 1 || (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0))
		return 0;
	if (packet_plain_ipv4(&plain, frame, len, ip_verified(q, m))) {
		if (!filter_has_ipv4(q->filter, plain.source + 4) || !is_sound(q, m, &plain, 4))
			return 0;
		fill(out, &plain, ADDRESS_IPV4);
		return 1;
	}
	if (packet_plain_ipv6(&plain, frame, len)) {
		if (!filter_has_ipv6(q->filter, plain.source + 16) || !is_sound(q, m, &plain, 16))
			return 0;
		fill(out, &plain, ADDRESS_IPV6);
		return 1;
	}
	return 0;
}

/* One frame; returns 1 when it yields a datagram, which is then in `out`. */
ALWAYS_INLINE unsigned take_frame(struct port_queue *q, const struct rte_mbuf *m, const uint8_t *frame,
	struct port_tally *tally, struct datagram *out, uint64_t tsc)
{
	if (UNLIKELY(!tally->untagged || !take_plain(q, m, frame, out)))
		return take_other(q, m, frame, tally, out, tsc);
	tally->frames++;
	return 1;
}

unsigned port_receive(struct source_queue *queue, struct datagram *out, uint64_t tsc)
{
	return port_burst(queue_of(queue), out, tsc, take_frame);
}

/* A burst of nothing but frames of the queue's own, as nearly all are, goes back at once. */
static void free_frames(struct port_queue *q)
{
	if (LIKELY(q->own))
		rte_mempool_put_bulk(q->pool, (void *const *)q->frames, q->held);
	else
		rte_pktmbuf_free_bulk(q->frames, q->held);
}

void port_release(struct source_queue *queue)
{
	struct port_queue *q = queue_of(queue);

	if (q->held == 0)
		return;
	free_copies(q);
	free_frames(q);
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
