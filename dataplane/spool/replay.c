/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "batch/settled.h"
#include "spool/internal.h"

#define PATIENCE_MS 2000 /* with a disk that cannot read */
#define BURST_MS 50 /* of the rate, that may be read at once */
#define SHARE 2 /* one log may hold so large a part (1/SHARE) of the memory for what is read back */

int replay_open(struct spool *spool, uint32_t batch_bytes)
{
	uint64_t count = spool->config.replay_bytes / batch_bytes;
	int rc;

	if (count < 2 * SHARE)
		count = 2 * SHARE;
	if (count > spool->replay_max)
		count = spool->replay_max;
	(void)batch_pool_free(spool->pool);
	spool->pool = NULL;
	rc = batch_pool_new(&spool->pool, (unsigned)count, batch_bytes, SPOOL_LANE, -1);
	spool->pool_batches = rc == 0 ? (unsigned)count : 0;
	return rc;
}

void replay_home(struct spool *spool, struct batch *batch)
{
	batch_put(spool->pool, batch);
}

static void fill(unsigned log, struct batch *batch, const struct spool_entry *entry, int topic)
{
	batch->first_seq = entry->first_seq;
	batch->opened_tsc = 0;
	batch->records = entry->records;
	batch->events = entry->events;
	batch->bytes = entry->bytes;
	batch->partition = entry->partition;
	batch->topic = (uint16_t)topic;
	batch->pack = entry->pack;
	batch->hour = entry->hour;
	batch->base_ms = entry->base_ms;
	batch->log = (uint16_t)log;
	batch->position = entry->position;
}

static void hand_over(struct spool *spool, unsigned log, struct batch *batch)
{
	struct shelf *shelf = spool->shelves[log];
	uint64_t events = batch->events;

	if (events > counter_read(&shelf->state.left_events)) /* what was settled of it before stays settled in the account */
		events = counter_read(&shelf->state.left_events);
	shelf->reading++;
	counter_sub(&shelf->state.left_events, events);
	atomic_fetch_add(&spool->counters.passing, batch->events);
	if (shelf->is_dead)
		exhume_taken(spool, shelf, batch);
	counter_sub(shelf_gauge(spool, shelf), events);
	counter_add(&spool->counters.replayed, batch->events);
	spool_answer(spool, batch, SPOOL_READ);
	if (atomic_load(&shelf->state.left) > 0)
		atomic_fetch_sub(&shelf->state.left, 1);
}

/* The entry needs more room than a batch has: the pool is made anew with larger ones when all are at home. */
static void make_room(struct spool *spool, uint32_t bytes)
{
	uint64_t size = (sizeof(struct batch) + bytes + BATCH_ALIGN - 1) / BATCH_ALIGN * BATCH_ALIGN;

	if (batch_pool_available(spool->pool) == spool->pool_batches && replay_open(spool, (uint32_t)size) != 0)
		log_write(LOG_ERROR, "spool: no memory to read back a batch of %u bytes; tried again", bytes);
}

/* Nothing is left in the log to be read: its gauges say so. */
static void ran_empty(struct spool *spool, struct shelf *shelf)
{
	shelf_account(spool, shelf);
	if (shelf->is_dead) {
		exhume_end_reached(shelf);
		return;
	}
	atomic_store(&shelf->state.left, 0);
	shelf->cursor = 0;
}

/* A disk may be back in a moment. When it is not, what it cannot read is passed over, and counted as damaged. */
static void cannot_read(struct spool *spool, struct shelf *shelf, int rc)
{
	if (shelf->unread_ms == 0)
		shelf->unread_ms = spool->now_ms;
	shelf->disk->salvage = spool->now_ms - shelf->unread_ms >= PATIENCE_MS;
	spool_trouble(spool, "reading", shelf, rc);
}

/* Reads the next entry of a log. Returns 1, or 0 when that cannot be. */
static int read_one(struct spool *spool, unsigned log)
{
	struct shelf *shelf = spool->shelves[log];
	struct batch *batch = batch_get(spool->pool);
	struct spool_entry entry;
	int rc, topic = -1;

	if (batch == NULL)
		return 0;
	rc = spool_log_read(shelf->log, shelf->cursor, &entry, batch->data, batch->capacity);
	shelf_account(spool, shelf);
	if (rc == 1) {
		shelf->disk->salvage = 0;
		shelf->unread_ms = 0;
		shelf->cursor = entry.position + 1;
		topic = spool->config.topic_of(spool->config.context, entry.topic);
	}
	if (rc == 1 && shelf->is_dead && !exhume_wants(shelf, entry.position, topic)) {
		spool_log_mark(shelf->log, entry.position, SPOOL_ON_DISK);
		batch_put(spool->pool, batch);
		return 1;
	}
	if (rc == 1 && topic >= 0) {
		fill(log, batch, &entry, topic);
		spool->tokens -= entry.bytes;
		hand_over(spool, log, batch);
		return 1;
	}
	batch_put(spool->pool, batch);
	if (rc == 1) {
		unsigned more;

		if (log_allowed(&spool->topic_log, 10, &more))
			log_write(LOG_ERROR, "spool: no room for topic %s among those in use: what is on disk for it waits for a "
					     "restart (%u others before it)", entry.topic, more);
		return 1;
	}
	if (rc == 0)
		ran_empty(spool, shelf);
	else if (rc == -EMSGSIZE)
		make_room(spool, entry.bytes);
	else
		cannot_read(spool, shelf, rc);
	return 0;
}

/* A token bucket: tokens are bytes, and come at the rate. */
static int has_tokens(struct spool *spool)
{
	int64_t rate = (int64_t)spool->config.replay_rate, burst = rate * BURST_MS / 1000;

	if (rate == 0)
		return 1;
	spool->tokens += rate * (spool->now_ms - spool->filled_ms) / 1000;
	spool->filled_ms = spool->now_ms;
	if (spool->tokens > burst)
		spool->tokens = burst;
	return spool->tokens > 0;
}

int64_t replay_due(const struct spool *spool)
{
	if (spool->config.replay_rate == 0 || spool->tokens > 0)
		return 0;
	return spool->filled_ms + 1 - spool->tokens * 1000 / (int64_t)spool->config.replay_rate;
}

static int may_read(const struct spool *spool, const struct shelf *shelf)
{
	unsigned go = shelf->is_dead ? (exhume_may_read(spool, shelf) && atomic_load(&spool->letters_allowed) ? UINT_MAX : 0)
				     : atomic_load_explicit(&shelf->state.go, memory_order_relaxed);
	unsigned share = (spool->pool_batches + SHARE - 1) / SHARE;

	return shelf->reading < (go < share ? go : share) && atomic_load(&shelf->state.left) > 0 &&
	       spool->now_ms >= shelf->retry_ms && spool->now_ms >= shelf->again_ms;
}

unsigned replay_read(struct spool *spool)
{
	unsigned read = 0;

	if (!has_tokens(spool))
		return 0;
	for (unsigned i = 0; i < spool->shelf_count; i++)
		if (may_read(spool, spool->shelves[i]))
			read += (unsigned)read_one(spool, i);
	return read;
}
