/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"
#include "base/murmur2.h"
#include "base/ring.h"
#include "tables/timed.h"
#include "worker/worker_priv.h"

static int partitions_of(const struct worker *worker, unsigned topic)
{
	return atomic_load_explicit(&worker->config.topics->topics[topic].partitions, memory_order_relaxed);
}

struct outlet *outlet_of_key(struct worker *worker, unsigned topic, struct slice key)
{
	struct topic_out *out = &worker->topics[topic];
	int partitions = partitions_of(worker, topic);

	if (UNLIKELY(out->keyed == NULL))
		return &worker->unkeyed[topic];
	if (partitions < 1 || partitions > WORKER_PARTITIONS)
		return &out->keyed[OUTLET_UNPLACED];
	return &out->keyed[OUTLET_FIRST + murmur2_partition(key.data, key.len, partitions)];
}

/* An unkeyed topic stays on its partition for a while: the longer one partition's run, the cheaper the client. */
static int32_t unkeyed_partition(struct worker *worker, unsigned topic, struct outlet *outlet)
{
	int partitions = partitions_of(worker, topic);

	if (partitions < 1)
		return BATCH_UNASSIGNED;
	if (outlet->partition < 0)
		outlet->partition = (int32_t)((worker->config.lane + topic) % (unsigned)partitions);
	else if (outlet->hold_bytes >= HOLD_BYTES || worker->burst.tsc >= outlet->hold_until)
		outlet->partition = (outlet->partition + 1) % partitions;
	else
		return outlet->partition;
	outlet->hold_bytes = 0;
	outlet->hold_until = worker->burst.tsc + HOLD_US * worker->us_ticks;
	return outlet->partition;
}

static int32_t choose_partition(struct worker *worker, unsigned topic, struct outlet *outlet)
{
	ptrdiff_t index;

	if (outlet == &worker->unkeyed[topic])
		return unkeyed_partition(worker, topic, outlet);
	index = outlet - worker->topics[topic].keyed;
	return index == OUTLET_UNPLACED ? BATCH_UNASSIGNED : (int32_t)(index - OUTLET_FIRST);
}

/* A lower class leaves a part of the pool to those above it: an eighth for each. */
static struct batch *take_batch(
	struct worker *worker, unsigned topic, unsigned class, enum worker_event_drop *reason)
{
	*reason = EVENT_DROP_topic_credit;
	if (UNLIKELY(worker->topics[topic].batches >= worker->credit))
		return NULL;
	*reason = EVENT_DROP_pool_empty;
	if (class != 0 && batch_pool_available(worker->pool) <= worker->pool_eighth * class)
		return NULL;
	return batch_get(worker->pool);
}

/* What came back since the burst began is looked for before a batch is lacking. */
static struct batch *get_batch(struct worker *worker, unsigned topic, enum worker_event_drop *reason)
{
	unsigned class = topic_class(worker->config.topics, topic);
	struct lane *lane = worker->lane;
	struct batch *batch;

	if (UNLIKELY((atomic_load_explicit(&lane->closed, memory_order_relaxed) & 1u << class) != 0)) {
		counter_add(&lane->turned_away[class], 1);
		*reason = EVENT_DROP_spool_full;
		return NULL;
	}
	batch = take_batch(worker, topic, class, reason);
	if (LIKELY(batch != NULL))
		return batch;
	worker_homecoming(worker);
	return take_batch(worker, topic, class, reason);
}

struct batch *outlet_batch(
	struct worker *worker, unsigned topic, struct outlet *outlet, enum worker_event_drop *reason)
{
	struct topic_out *out = &worker->topics[topic];
	struct batch *batch = outlet->batch;

	if (LIKELY(batch != NULL))
		return batch;
	batch = get_batch(worker, topic, reason);
	if (UNLIKELY(batch == NULL))
		return NULL;
	out->batches++;
	out->open++;
	batch->topic = (uint16_t)topic;
	batch->partition = choose_partition(worker, topic, outlet);
	batch->first_seq = counter_read(&out->next_seq);
	batch->opened_tsc = worker->burst.tsc;
	if (UNLIKELY(timed_topic(worker->generation->types, topic)))
		batch->base_ms = worker->burst.receive_us / 1000;
	hours_batch_opened(worker, batch, worker->burst.hour);
	record_writer_begin(&outlet->writer, batch);
	outlet->batch = batch;
	outlet->deadline = worker->burst.tsc + outlet->age_us * worker->us_ticks;
	outlet->place = worker->open_count;
	worker->open[worker->open_count] = outlet;
	worker->open_topic[worker->open_count++] = (uint16_t)topic;
	return batch;
}

static void close_place(struct worker *worker, struct outlet *outlet)
{
	unsigned last = --worker->open_count;

	worker->topics[outlet->batch->topic].open--;
	worker->open[outlet->place] = worker->open[last];
	worker->open_topic[outlet->place] = worker->open_topic[last];
	worker->open[outlet->place]->place = outlet->place;
}

/* A batch that fills shortens the age of the next one, one that ages nearly empty lengthens it: many slow topics then hold
 * few batches, and fast ones wait for nobody. */
static void adapt_age(struct worker *worker, struct outlet *outlet, int full)
{
	uint32_t most = worker->config.age_max_us;

	if (full)
		outlet->age_us = worker->config.age_min_us;
	else if (outlet->batch->bytes < outlet->batch->capacity / 4)
		outlet->age_us = outlet->age_us < most / 2 ? 2 * outlet->age_us : most;
}

/* A batch of no records can be settled by nobody. */
static __attribute__((noinline)) void put_back(struct worker *worker, struct outlet *outlet)
{
	struct batch *batch = outlet->batch;

	if (batch->pack > 1)
		worker->topics[batch->topic].packing = 0;
	record_writer_end(&outlet->writer, batch);
	close_place(worker, outlet);
	outlet->batch = NULL;
	worker_batch_home(worker, batch);
}

void outlet_seal(struct worker *worker, struct outlet *outlet, int full)
{
	struct batch *batch = outlet->batch;
	struct topic_out *out = &worker->topics[batch->topic];
	uint32_t events = outlet->writer.records, last_seq = outlet->writer.last_seq;

	if (UNLIKELY(events == 0)) {
		put_back(worker, outlet);
		return;
	}
	if (UNLIKELY(batch->pack > 1)) {
		events = out->packed_events;
		out->packing = 0;
	}
	record_writer_end(&outlet->writer, batch);
	batch->events = events;
	batch->skipped = last_seq - (uint32_t)batch->first_seq - (batch->records - 1);
	adapt_age(worker, outlet, full);
	close_place(worker, outlet);
	outlet->batch = NULL;
	outlet->hold_bytes += batch->bytes;
	if (FAULT("worker_seal"))
		batch->events--;
	atomic_fetch_add_explicit(&worker->lane->ring_events, batch->events, memory_order_release);
	counter_add(&worker->counters->sealed, 1);
	worker->open_events -= events;
	if (FAULT("worker_push")) {
		atomic_fetch_sub(&worker->lane->ring_events, batch->events);
		return;
	}
	(void)ring_push(worker->lane->out, batch);
}

/* Batches clock themselves by what comes home, as Nagle's algorithm does segments (RFC 896): while the topic has enough of
 * them on the way, one that is not nearly full waits for more, up to five seconds. A slow client then gets fuller batches, which
 * cost it less, and the pool is not pinned by nearly empty ones while Kafka is away. */
static int worth_waiting(const struct worker *worker, unsigned topic, const struct outlet *outlet, uint64_t tsc)
{
	uint64_t bytes = (uint64_t)(outlet->writer.at - outlet->batch->data);
	const struct topic_out *out = &worker->topics[topic];

	return out->batches - out->open >= atomic_load_explicit(&worker->ahead, memory_order_relaxed) &&
	       bytes < outlet->batch->capacity / 4 * 3 &&
	       tsc - outlet->batch->opened_tsc < WAIT_AGE_US * worker->us_ticks;
}

void outlets_seal_aged(struct worker *worker, uint64_t tsc)
{
	for (unsigned i = worker->open_count; i-- > 0;) {
		struct outlet *outlet = worker->open[i];

		if ((int64_t)(tsc - outlet->deadline) >= 0 && !worth_waiting(worker, worker->open_topic[i], outlet, tsc))
			outlet_seal(worker, outlet, 0);
	}
}

void outlets_seal_all(struct worker *worker)
{
	while (worker->open_count > 0)
		outlet_seal(worker, worker->open[worker->open_count - 1], 0);
}
