/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a queue in a NIC's place does when it is asked for nothing but datagrams. Who includes this has defined struct source_queue,
 * with `counters`, and a `receive` for it. */

#include "nic/source.h"

static int attach(struct source_queue *queue)
{
	(void)queue;
	return 0;
}

static void nothing(struct source_queue *queue)
{
	(void)queue;
}

static void tick(struct source_queue *queue, uint64_t tsc)
{
	(void)queue;
	(void)tsc;
}

static const struct source_counters *counters_of(const struct source_queue *queue)
{
	return &queue->counters;
}

/* `rest`: how it waits for traffic; NULL: it has no way. */
static struct source_ops stand_in(unsigned (*receive)(struct source_queue *queue, struct datagram *out, uint64_t tsc),
	void (*rest)(struct source_queue *queue, unsigned us))
{
	return (struct source_ops){.attach = attach, .detach = nothing, .receive = receive, .release = nothing, .tick = tick,
		.wait = rest, .counters = counters_of};
}
