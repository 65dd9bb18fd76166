/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rcu.h"
#include "worker/sender_hash.h"
#include "worker/sources.h"
#include "worker/sources_table.h"

#define COUNT_MAX  (1u << 24)
#define SLOT_ALIGN 64u
#define READ_AHEAD 4u /* buckets */
#define SLICE      2048u /* buckets, or accounts that leave, between two pauses */

/* Control threads take turns: one that retires reuses what another may be reading. Workers never come here. */
static void turn_open(struct sources *table)
{
	pthread_mutex_lock(&table->turn);
}

static void turn_close(struct sources *table)
{
	pthread_mutex_unlock(&table->turn);
}

int sources_new(struct sources **table, const struct sources_config *config)
{
	uint32_t buckets = 1, words = config->window / WINDOW_BLOCK;
	struct sources *t;
	int rc = -ENOMEM;

	if (config->count == 0 || config->count > COUNT_MAX || config->window < SOURCES_WINDOW_MIN ||
		config->window > SOURCES_WINDOW_MAX || (config->window & (config->window - 1)) != 0)
		return -EINVAL;
	t = aligned_alloc(CACHE_GUARD, sizeof(*t));
	if (t == NULL)
		return -ENOMEM;
	memset(t, 0, sizeof(*t));
	pthread_mutex_init(&t->turn, NULL);
	while (buckets < config->count / 2)
		buckets *= 2;
	t->count = config->count;
	t->bucket_mask = buckets - 1;
	t->shape.words = words;
	t->shape.shift = (uint32_t)__builtin_ctz(words);
	t->shape.quiet = config->quiet_ticks;
	t->stride = (SOURCES_BYTES(config->window) + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
	t->slots_size = t->stride * config->count;
	t->buckets_size = sizeof(struct bucket) * buckets;
	t->slots = memory_map(t->slots_size, CACHE_GUARD, config->node);
	t->buckets = memory_map(t->buckets_size, CACHE_GUARD, config->node);
	rc = shares_new(&t->shares, config->count, config->node);
	t->begun = calloc(buckets / BEGUN_BITS + 1, sizeof(*t->begun));
	t->seen = calloc(config->count / SEEN_BITS + 1, sizeof(*t->seen));
	if (t->slots == NULL || t->buckets == NULL || t->begun == NULL || t->seen == NULL || rc != 0) {
		rc = -ENOMEM;
		goto fail;
	}
	rc = hash_secret(t->secret, ARRAY_LENGTH(t->secret), config->secret);
	if (rc != 0)
		goto fail;
	for (uint32_t i = config->count; i > 0; i--) {
		slot_at(t, i)->number = i;
		sources_spare_push(t, slot_at(t, i));
	}
	*table = t;
	return 0;
fail:
	sources_free(t);
	return rc;
}

void sources_free(struct sources *table)
{
	if (table == NULL)
		return;
	memory_unmap(table->slots, table->slots_size);
	memory_unmap(table->buckets, table->buckets_size);
	free(table->begun);
	free(table->seen);
	shares_free(&table->shares);
	pthread_mutex_destroy(&table->turn);
	free(table);
}

uint64_t sources_bytes(const struct sources *table)
{
	return table->slots_size + table->buckets_size + sizeof(*table);
}

static struct sources_row row_of(const struct sources *table, const struct slot *slot)
{
	struct window_reading reading;

	window_read(&slot->window, &table->shape, &reading);
	return (struct sources_row){
		.address = slot->address,
		.epoch = slot->epoch,
		.restarts = slot->restarts,
		.id = slot->id,
		.first = slot->window.first,
		.head = reading.head,
		.expected = reading.expected,
		.received = reading.received,
		.lost = reading.lost,
		.pending = reading.pending,
		.late = reading.late,
		.duplicate = reading.duplicate,
		.outside = reading.outside,
		.moved_tsc = atomic_load_explicit(&slot->window.moved, memory_order_relaxed),
		.closed = reading.closed,
	};
}

/* The first bucket from this one on that accounts were ever in; bucket_mask + 1 behind the last. */
static uint32_t next_begun(const struct sources *table, uint32_t from)
{
	while (from <= table->bucket_mask) {
		uint64_t word = atomic_load_explicit(&table->begun[from / BEGUN_BITS], memory_order_acquire) >> from % BEGUN_BITS;

		if (word != 0)
			return from + (uint32_t)__builtin_ctzll(word);
		from = (from / BEGUN_BITS + 1) * BEGUN_BITS;
	}
	return table->bucket_mask + 1;
}

/* Brings the accounts of a bucket nearer: 100,000 of them are 100,000 cache misses otherwise. */
static void prefetch(const struct sources *table, uint32_t index)
{
	const struct bucket *bucket = &table->buckets[index];
	uint32_t used;

	if (index > table->bucket_mask)
		return;
	used = (uint32_t)atomic_load_explicit(&bucket->taken, memory_order_acquire) & WAYS_MASK;
	for (; used != 0; used &= used - 1) {
		uint64_t way = atomic_load_explicit(&bucket->ways[__builtin_ctz(used)], memory_order_relaxed);
		const uint8_t *slot = (const uint8_t *)slot_at(table, (uint32_t)way);

		for (size_t at = 0; at < table->stride; at += CACHE_LINE)
			__builtin_prefetch(slot + at);
	}
}

/* After the `done`th of many. */
static int pause_after(const struct sources_pause *pause, uint32_t done)
{
	return pause != NULL && done % SLICE == 0 ? pause->take(pause->context) : 0;
}

static uint64_t seen_bit(const struct slot *slot)
{
	return UINT64_C(1) << slot->number % SEEN_BITS;
}

static int read_bucket(struct sources *table, const struct bucket *bucket,
	int (*each)(void *context, const struct sources_row *row), void *context)
{
	uint32_t used = (uint32_t)atomic_load_explicit(&bucket->taken, memory_order_acquire) & WAYS_MASK;

	for (; used != 0; used &= used - 1) {
		uint64_t way = atomic_load_explicit(&bucket->ways[__builtin_ctz(used)], memory_order_relaxed);
		const struct slot *slot = slot_at(table, (uint32_t)way);
		struct sources_row row = row_of(table, slot);
		int rc = each(context, &row);

		table->seen[slot->number / SEEN_BITS] |= seen_bit(slot);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* All accounts that can be found; marks them as seen. */
static int read_used(struct sources *table, int (*each)(void *context, const struct sources_row *row), void *context,
	const struct sources_pause *pause)
{
	uint32_t ahead = next_begun(table, 0), done = 0;

	memset(table->seen, 0, (table->count / SEEN_BITS + 1) * sizeof(*table->seen));
	for (unsigned i = 0; i < READ_AHEAD; i++)
		ahead = next_begun(table, ahead + 1);
	for (uint32_t i = next_begun(table, 0); i <= table->bucket_mask; i = next_begun(table, i + 1)) {
		int rc;

		prefetch(table, ahead);
		ahead = next_begun(table, ahead + 1);
		rc = read_bucket(table, &table->buckets[i], each, context);
		if (rc == 0)
			rc = pause_after(pause, ++done);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int sources_read(struct sources *table, int (*each)(void *context, const struct sources_row *row), void *context)
{
	int rc;

	turn_open(table);
	rc = read_used(table, each, context, NULL);
	turn_close(table);
	return rc;
}

/* Moves what workers have pushed out to the list that control keeps. */
static void take_pushed_out(struct sources *table)
{
	uint32_t number = atomic_exchange_explicit(&table->pushed_out, NO_SLOT, memory_order_acquire);

	while (number != NO_SLOT) {
		struct slot *slot = slot_at(table, number);

		number = atomic_load_explicit(&slot->next, memory_order_relaxed);
		atomic_store_explicit(&slot->next, table->leaving, memory_order_relaxed);
		table->leaving = slot->number;
	}
}

static int add_row(void *context, const struct sources_row *row)
{
	struct sources_totals *totals = context;

	totals->expected += row->expected;
	totals->received += row->received;
	totals->lost += row->lost;
	totals->pending += row->pending;
	totals->late += row->late;
	totals->duplicate += row->duplicate;
	totals->outside += row->outside;
	totals->tracked++;
	totals->open += !row->closed;
	return 0;
}

/* The others of a walk: a worker may have pushed an account out after it was seen where it could be found. */
static void add_leaving(struct sources *table, struct sources_totals *totals)
{
	take_pushed_out(table);
	for (uint32_t number = table->leaving; number != NO_SLOT;) {
		struct slot *slot = slot_at(table, number);
		struct sources_row row = row_of(table, slot);

		if ((table->seen[slot->number / SEEN_BITS] & seen_bit(slot)) == 0)
			(void)add_row(totals, &row);
		number = atomic_load_explicit(&slot->next, memory_order_relaxed);
	}
}

int sources_totals(struct sources *table, struct sources_totals *totals, const struct sources_pause *pause)
{
	int rc;

	turn_open(table);
	*totals = table->retired;
	rc = read_used(table, add_row, totals, pause);
	if (rc == 0)
		add_leaving(table, totals);
	turn_close(table);
	totals->capacity = table->count;
	totals->restarted = atomic_load_explicit(&table->restarted, memory_order_relaxed);
	totals->untracked = atomic_load_explicit(&table->untracked, memory_order_relaxed);
	return rc;
}

unsigned sources_check(struct sources *table)
{
	struct sources_totals totals;

	(void)sources_totals(table, &totals, NULL);
	return (unsigned)totals.open;
}

/* Makes idle accounts impossible to find; their ways stay claimed. */
static void remove_idle(struct sources *table, struct bucket *bucket, uint64_t before_tsc)
{
	uint64_t taken = atomic_load_explicit(&bucket->taken, memory_order_acquire);

	for (uint32_t way = 0; way < WAYS; way++) {
		struct slot *slot;

		if ((taken & use_bit(way)) == 0)
			continue;
		slot = slot_at(table, (uint32_t)atomic_load_explicit(&bucket->ways[way], memory_order_relaxed));
		if ((int64_t)(before_tsc - atomic_load_explicit(&slot->window.moved, memory_order_relaxed)) <= 0)
			continue;
		while ((taken & use_bit(way)) != 0)
			if (atomic_compare_exchange_weak_explicit(&bucket->taken, &taken,
				    (taken & ~use_bit(way)) | claim_bit(way), memory_order_acq_rel, memory_order_acquire)) {
				atomic_store_explicit(&slot->next, table->leaving, memory_order_relaxed);
				table->leaving = slot->number;
				break;
			}
	}
}

/* An empty bucket need not be looked at any more. Who claims a way and then looks at the bit, and who clears the bit and then
 * looks at the ways, in one order for all: one of the two sees the other and sets it again. */
static void end_bucket(struct sources *table, uint32_t index)
{
	struct bucket *bucket = &table->buckets[index];
	uint64_t bit = UINT64_C(1) << index % BEGUN_BITS;
	_Atomic uint64_t *word = &table->begun[index / BEGUN_BITS];

	if (atomic_load_explicit(&bucket->taken, memory_order_relaxed) != 0)
		return;
	atomic_fetch_and_explicit(word, ~bit, memory_order_seq_cst);
	if (atomic_load_explicit(&bucket->taken, memory_order_seq_cst) != 0)
		atomic_fetch_or_explicit(word, bit, memory_order_release);
}

/* Folds everything that leaves and makes its room free. */
static unsigned fold_leaving(struct sources *table, const struct sources_pause *pause)
{
	unsigned count = 0;

	if (table->leaving == NO_SLOT)
		return 0;
	rcu_synchronize();
	while (table->leaving != NO_SLOT) {
		struct slot *slot = slot_at(table, table->leaving);
		struct sources_row row = row_of(table, slot);

		table->leaving = atomic_load_explicit(&slot->next, memory_order_relaxed);
		(void)add_row(&table->retired, &row);
		table->retired.tracked = 0;
		table->retired.pending = 0;
		table->retired.retired++;
		atomic_fetch_and_explicit(&table->buckets[slot->place / 16].taken, ~claim_bit(slot->place % 16),
			memory_order_release);
		sources_give_back(table, slot);
		if (pause_after(pause, ++count) != 0)
			break;
	}
	return count;
}

unsigned sources_retire(struct sources *table, uint64_t before_tsc, const struct sources_pause *pause)
{
	unsigned count = 0;
	uint32_t done = 0;
	int rc = 0;

	turn_open(table);
	for (uint32_t i = next_begun(table, 0); rc == 0 && i <= table->bucket_mask; i = next_begun(table, i + 1)) {
		remove_idle(table, &table->buckets[i], before_tsc);
		end_bucket(table, i);
		rc = pause_after(pause, ++done);
	}
	take_pushed_out(table);
	if (rc == 0)
		count = fold_leaving(table, pause);
	turn_close(table);
	return count;
}
