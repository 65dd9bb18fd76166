/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "batch/settled.h"
#include "spool/internal.h"

#define PATIENCE_MS 2000 /* with a disk that cannot read */
#define BURST_MS 50 /* of the rate, that may be read at once */
#define NO_MEMORY_MS 500 /* until it is asked for again */
#define SHARE 2 /* one log may hold so large a part (1/SHARE) of the batches of a size, and all sick topics' together */

/*
 * Thin traffic makes small batches, and many of them have to be on their way at once; so half of the memory is in small ones, half
 * in such as workers fill. They are apart: one that a sick topic holds keeps nothing of another size waiting. Larger ones were
 * written by a process that was configured otherwise; they get memory as they come.
 */
#define SMALL 16384u

/* Bytes of a batch in all. */
static uint32_t size_for(uint32_t payload)
{
	return (uint32_t)((sizeof(struct batch) + payload + BATCH_ALIGN - 1) / BATCH_ALIGN * BATCH_ALIGN);
}

/* How many of a size there may be. */
static unsigned count_of(const struct spool *spool, uint32_t size)
{
	uint64_t count = spool->config.replay_bytes / spool->pool_count / size;

	return count < 2 * SHARE ? 2 * SHARE : (unsigned)count;
}

static int open_pool(struct spool *spool, struct replay_pool *pool, uint32_t size)
{
	pool->count = count_of(spool, size);
	pool->capacity = size - (uint32_t)sizeof(struct batch);
	return batch_pool_new(&pool->batches, pool->count, size, SPOOL_LANE, -1);
}

int replay_open(struct spool *spool)
{
	uint32_t most = size_for(SPOOL_PAYLOAD_MAX), usual = spool->config.batch_bytes < most ? spool->config.batch_bytes : most;
	int rc;

	spool->pool_count = usual > SMALL ? 2 : 1;
	rc = open_pool(spool, &spool->pools[spool->pool_count - 1], usual);
	if (rc == 0 && spool->pool_count > 1)
		rc = open_pool(spool, &spool->pools[0], SMALL);
	return rc;
}

void replay_close(struct spool *spool)
{
	for (unsigned i = 0; i < spool->pool_count; i++)
		(void)batch_pool_free(spool->pools[i].batches);
}

unsigned replay_max(const struct spool *spool)
{
	unsigned outsize = spool->pools[spool->pool_count - 1].count; /* fewer of them fit into as much memory */

	for (unsigned i = 0; i < spool->pool_count; i++)
		outsize += spool->pools[i].count;
	return outsize;
}

/* The pool in which a payload fits best, by number; pool_count: none. */
static unsigned size_of(const struct spool *spool, uint32_t bytes)
{
	unsigned i = 0;

	while (i < spool->pool_count && bytes > spool->pools[i].capacity)
		i++;
	return i;
}

static struct replay_pool *pool_for(struct spool *spool, uint32_t bytes)
{
	unsigned size = size_of(spool, bytes);

	return size < spool->pool_count ? &spool->pools[size] : NULL;
}

/* Logs of one topic, of which all but one were left over, go by that one. */
static unsigned go_of(const struct spool *spool, const struct shelf *shelf)
{
	if (shelf->is_dead)
		return UINT_MAX;
	if (shelf->topic >= 0)
		shelf = atomic_load(&spool->topics[shelf->topic]);
	return atomic_load_explicit(&shelf->state.go, memory_order_relaxed);
}

/* It may have no more than a batch at one time: its topic is sick. */
static int is_tried(const struct spool *spool, const struct shelf *shelf)
{
	return go_of(spool, shelf) != UINT_MAX;
}

static void count_tried(struct spool *spool)
{
	memset(spool->tried, 0, sizeof(spool->tried));
	for (unsigned i = 0; i < spool->shelf_count; i++)
		if (spool->shelves[i]->reading != 0 && is_tried(spool, spool->shelves[i]))
			spool->tried[spool->shelves[i]->read_size]++;
}

static struct batch *take_outsize(struct spool *spool, struct shelf *shelf)
{
	uint32_t size = size_for(shelf->next_bytes);
	struct batch *batch;
	unsigned more;

	if (spool->outsize >= count_of(spool, size))
		return NULL;
	batch = batch_new(size, SPOOL_LANE, -1);
	if (batch != NULL) {
		spool->outsize++;
		return batch;
	}
	shelf->again_ms = spool->now_ms + NO_MEMORY_MS;
	if (log_allowed(&spool->memory_log, TROUBLE_S, &more))
		log_write(LOG_ERROR, "spool %s/%s: no memory to read back a batch of %u bytes (%u others before it); tried again",
			spool->directory, shelf->name, shelf->next_bytes, more);
	return NULL;
}

static struct batch *take(struct spool *spool, struct shelf *shelf)
{
	struct replay_pool *pool = pool_for(spool, shelf->next_bytes);

	return pool != NULL ? batch_get(pool->batches) : take_outsize(spool, shelf);
}

void replay_home(struct spool *spool, struct batch *batch)
{
	struct replay_pool *pool = pool_for(spool, batch->capacity);

	if (pool != NULL) {
		batch_put(pool->batches, batch);
		return;
	}
	spool->outsize--;
	batch_free(batch);
}

/* What is in it can be marked, and shared out among its records. */
static int is_batch(const struct spool_entry *entry)
{
	return entry->records > 0 && entry->records <= BATCH_RECORDS &&
	       (uint64_t)(entry->records - 1) * entry->pack < entry->events;
}

static void fill(unsigned log, struct batch *batch, const struct spool_entry *entry, int topic)
{
	batch->first_seq = entry->first_seq;
	batch->skipped = entry->skipped;
	batch->from_lane = entry->lane;
	batch->opened_us = entry->opened_us;
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
	shelf->read_size = size_of(spool, batch->capacity);
	spool->tried[shelf->read_size] += shelf->reading == 0 && is_tried(spool, shelf);
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

static int read_batch(struct shelf *shelf, struct spool_entry *entry, struct batch *batch)
{
	for (;;) {
		int rc = spool_log_read(shelf->log, shelf->cursor, entry, batch->data, batch->capacity);

		if (rc != 1 || is_batch(entry))
			return rc;
		spool_log_reject(shelf->log, entry);
	}
}

/* An entry was read: what comes of it, and of the memory it is in. */
static void take_entry(struct spool *spool, unsigned log, struct batch *batch, const struct spool_entry *entry)
{
	struct shelf *shelf = spool->shelves[log];
	int topic = spool->config.topic_of(spool->config.context, entry->topic);
	unsigned more;

	shelf->disk->salvage = 0;
	shelf->unread_ms = 0;
	shelf->cursor = entry->position + 1;
	shelf->next_bytes = 0;
	if (shelf->is_dead && !exhume_wants(shelf, entry->position, topic)) {
		spool_log_mark(shelf->log, entry->position, SPOOL_ON_DISK);
		replay_home(spool, batch);
	} else if (topic >= 0) {
		fill(log, batch, entry, topic);
		spool->tokens -= INT64_C(1000) * entry->bytes;
		hand_over(spool, log, batch);
	} else {
		replay_home(spool, batch);
		if (log_allowed(&spool->topic_log, TROUBLE_S, &more))
			log_write(LOG_ERROR, "spool: no room for topic %s among those in use: what is on disk for it waits for a "
					     "restart (%u others before it)", entry->topic, more);
	}
}

/* Reads the next entry of a log, or learns how large it is. Returns 1, or 0 when neither can be. */
static int read_one(struct spool *spool, unsigned log)
{
	struct shelf *shelf = spool->shelves[log];
	struct batch *batch = take(spool, shelf);
	struct spool_entry entry;
	int rc;

	if (batch == NULL)
		return 0;
	rc = read_batch(shelf, &entry, batch);
	shelf_account(spool, shelf);
	if (rc == 1) {
		take_entry(spool, log, batch, &entry);
		return 1;
	}
	replay_home(spool, batch);
	shelf->next_bytes = rc == -EMSGSIZE ? entry.bytes : 0;
	if (rc == -EMSGSIZE)
		return 1;
	if (rc == 0)
		ran_empty(spool, shelf);
	else
		cannot_read(spool, shelf, rc);
	return 0;
}

/* A token bucket: tokens are thousandths of bytes, and come at the rate; so of no turn, however short, a fraction is lost. Time
 * beyond what fills it counts for nothing, such as all before the first look. */
static int has_tokens(struct spool *spool)
{
	int64_t rate = (int64_t)spool->config.replay_rate, burst = rate * BURST_MS;
	int64_t passed_ms = spool->now_ms - spool->filled_ms, full_ms;

	if (rate == 0)
		return 1;
	full_ms = (burst - spool->tokens) / rate + 1;
	spool->tokens += rate * (passed_ms < full_ms ? passed_ms : full_ms);
	spool->filled_ms = spool->now_ms;
	if (spool->tokens > burst)
		spool->tokens = burst;
	return spool->tokens > 0;
}

int64_t replay_due(const struct spool *spool)
{
	if (spool->config.replay_rate == 0 || spool->tokens > 0)
		return 0;
	return spool->filled_ms + 1 - spool->tokens / (int64_t)spool->config.replay_rate;
}

/* Batches that one log may have at one time, if the next is as large as its next entry. */
static unsigned share_of(struct spool *spool, const struct shelf *shelf)
{
	const struct replay_pool *pool = pool_for(spool, shelf->next_bytes);
	unsigned count = pool != NULL ? pool->count : count_of(spool, size_for(shelf->next_bytes));

	return (count + SHARE - 1) / SHARE;
}

static int may_read(struct spool *spool, const struct shelf *shelf)
{
	unsigned go = go_of(spool, shelf), share = share_of(spool, shelf);

	if (!atomic_load(&spool->reads) || (shelf->is_dead && !exhume_may_read(spool, shelf)))
		return 0;
	if (is_tried(spool, shelf) && spool->tried[size_of(spool, shelf->next_bytes)] >= share)
		return 0;
	return shelf->reading < (go < share ? go : share) && atomic_load(&shelf->state.left) > 0 &&
	       spool->now_ms >= shelf->retry_ms && spool->now_ms >= shelf->again_ms;
}

unsigned replay_read(struct spool *spool)
{
	unsigned read = 0;

	if (!has_tokens(spool))
		return 0;
	count_tried(spool);
	for (unsigned i = 0; i < spool->shelf_count; i++)
		if (may_read(spool, spool->shelves[i]))
			read += (unsigned)read_one(spool, i);
	return read;
}
