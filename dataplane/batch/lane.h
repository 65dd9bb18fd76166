/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A lane: a worker's way out and the batches' way home. Made by control, one per worker, with rings as large as the
 * worker's pool, so neither is ever full.
 */

#include <rte_ring.h>
#include <stdatomic.h>
#include <stdint.h>

struct lane {
	struct rte_ring *out;  /* sealed batches, worker -> producer */
	struct rte_ring *home; /* settled batches, producer -> worker */
	/* Gauge: events in `out`. The one counter with two writers: the worker adds before it pushes, the producer takes after it
	 * has counted what it popped; once a batch. */
	_Atomic uint64_t ring_events;
};
