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

static const struct spool_counters *spool_of(const struct box *box, unsigned producer)
{
	const struct spool *spool = producer_spool(box->producers[producer].producer);

	return spool != NULL ? spool_count(spool) : NULL;
}

uint64_t total_spools(const struct box *box, size_t offset)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < box->producer_count; i++)
		if (spool_of(box, i) != NULL)
			sum += counter_read(counter_at(spool_of(box, i), offset));
	return sum;
}
