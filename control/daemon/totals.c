/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/totals.h"

static const counter *counter_at(const void *base, size_t offset)
{
	return (const counter *)(const void *)((const uint8_t *)base + offset);
}

uint64_t total_sources(const struct box *box, size_t offset)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < box->worker_count; i++) {
		const struct box_worker *w = &box->workers[i];
		const struct box_port *port = &box->ports[w->plan->port];

		sum += counter_read(counter_at(port->ops->counters(port->ops->queue(port->source, w->plan->queue)), offset));
	}
	return sum;
}

uint64_t total_workers(const struct box *box, size_t offset)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < box->worker_count; i++)
		sum += counter_read(counter_at(worker_counters(box->workers[i].worker), offset));
	return sum;
}

uint64_t total_producers(const struct box *box, size_t offset)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < box->producer_count; i++)
		sum += counter_read(counter_at(producer_counters(box->producers[i].producer), offset));
	return sum;
}

uint64_t total_rings(const struct box *box)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < box->worker_count; i++)
		sum += atomic_load_explicit(&box->workers[i].lane.ring_events, memory_order_acquire);
	return sum;
}

static const struct spool *spool_of(const struct box *box, unsigned producer)
{
	return producer_spool(box->producers[producer].producer);
}

uint64_t total_spools(const struct box *box, size_t offset)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < box->producer_count; i++)
		if (spool_of(box, i) != NULL)
			sum += counter_read(counter_at(spool_count(spool_of(box, i)), offset));
	return sum;
}

void total_class(const struct box *box, unsigned number, uint64_t *bytes, uint64_t *share)
{
	*bytes = *share = 0;
	for (unsigned i = 0; i < box->producer_count; i++) {
		uint64_t own_bytes, own_share;

		if (spool_of(box, i) == NULL || spool_class_at(spool_of(box, i), number, &own_bytes, &own_share) == NULL)
			continue;
		*bytes += own_bytes;
		*share += own_share;
	}
}
