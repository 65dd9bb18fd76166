/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/worker_priv.h"

static counter *slot_of(struct worker *worker, int64_t hour)
{
	return &worker->hour_batches[(uint64_t)hour % HOUR_SLOTS];
}

void hours_batch_opened(struct worker *worker, struct batch *batch, int64_t hour)
{
	batch->hour = hour;
	counter_add(slot_of(worker, hour), 1);
}

void hours_batch_reaches(struct worker *worker, struct batch *batch, int64_t hour)
{
	if (hour >= batch->hour)
		return;
	counter_add(slot_of(worker, hour), 1);
	counter_sub(slot_of(worker, batch->hour), 1);
	batch->hour = hour;
}

void hours_batch_home(struct worker *worker, const struct batch *batch)
{
	counter_sub(slot_of(worker, batch->hour), 1);
}

/* What was counted before is seen by whoever sees this; a burst that comes later reads the mark again, and not an older. */
void hours_hear(struct worker *worker)
{
	int64_t oldest = atomic_load_explicit(&worker->config.hours->oldest, memory_order_relaxed);

	atomic_store_explicit(&worker->oldest_heard, oldest, memory_order_release);
}

int64_t worker_hours_settled(const struct worker *worker, int64_t from, int64_t to)
{
	int64_t heard = atomic_load_explicit(&worker->oldest_heard, memory_order_acquire);

	if (to > heard)
		to = heard;
	if (from >= to)
		return from;
	for (int64_t hour = from; hour < to && hour < from + HOUR_SLOTS; hour++)
		if (counter_read(&worker->hour_batches[(uint64_t)hour % HOUR_SLOTS]) != 0)
			return hour;
	return to;
}
