/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which records of a batch are settled: acked or given up. Whoever owns the batch after its worker has sealed it. */

#include <string.h>

#include "batch/batch.h"

/* None of them is. */
static inline void batch_unsettle(struct batch *batch)
{
	uint32_t words = batch->records / 64, rest = batch->records % 64;

	memset(batch->unsettled, 0, sizeof(batch->unsettled));
	memset(batch->unsettled, 0xff, words * sizeof(batch->unsettled[0]));
	if (rest != 0)
		batch->unsettled[words] = ((uint64_t)1 << rest) - 1;
}

static inline void batch_settle(struct batch *batch, uint32_t index)
{
	batch->unsettled[index / 64] &= ~((uint64_t)1 << (index % 64));
}

static inline void batch_unsettle_one(struct batch *batch, uint32_t index)
{
	batch->unsettled[index / 64] |= (uint64_t)1 << (index % 64);
}

static inline int batch_is_unsettled(const struct batch *batch, uint32_t index)
{
	return (batch->unsettled[index / 64] >> (index % 64) & 1) != 0;
}

static inline uint32_t batch_unsettled_records(const struct batch *batch)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < (batch->records + 63) / 64; i++)
		n += (uint32_t)__builtin_popcountll(batch->unsettled[i]);
	return n;
}

/* Events in them. */
static inline uint64_t batch_unsettled_events(const struct batch *batch)
{
	uint32_t last = batch->records - 1;
	uint64_t events = (uint64_t)batch_unsettled_records(batch) * batch->pack;

	if (batch->records > 0 && batch_is_unsettled(batch, last))
		events -= batch->pack - batch_events_at(batch, last);
	return events;
}
