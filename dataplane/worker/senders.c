/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/senders.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/memory.h"
#include "worker/sender_hash.h"

#define WAYS      8u
#define KEY_EMPTY UINT64_C(0)
#define KEY_TAKEN UINT64_C(1) /* a worker is making it its sender's */
#define KEY_BITS  UINT64_C(2) /* of every other key */
#define NO_WAY    WAYS

/* Workers: rw. Its key, which stands in the bucket, says whose it is. */
struct slot {
	_Atomic uint64_t until; /* TSC up to which the sender's time is taken up */
	_Atomic uint64_t dropped, bytes, last;
	_Atomic uint64_t half[2], family; /* of the address */
} __attribute__((aligned(CACHE_LINE)));

struct bucket {
	_Atomic uint64_t keys[WAYS]; /* workers: rw */
} __attribute__((aligned(CACHE_LINE)));

_Static_assert(sizeof(struct slot) + sizeof(struct bucket) / WAYS == SENDERS_BYTES, "what the header says");

struct senders {
	struct bucket *buckets;
	struct slot *slots; /* WAYS a bucket */
	size_t buckets_size, slots_size;
	uint32_t mask;
	uint64_t secret[2];
	_Atomic uint64_t unlimited CACHE_ALIGNED; /* workers: add */
};

int senders_new(struct senders **table, const struct senders_config *config)
{
	struct senders *t;
	int rc = -ENOMEM;

	if (config->count < SENDERS_MIN || config->count > SENDERS_MAX || (config->count & (config->count - 1)) != 0)
		return -EINVAL;
	t = aligned_alloc(CACHE_GUARD, (sizeof(*t) + CACHE_GUARD - 1) / CACHE_GUARD * CACHE_GUARD);
	if (t == NULL)
		return -ENOMEM;
	memset(t, 0, sizeof(*t));
	t->mask = config->count / WAYS - 1;
	t->buckets_size = config->count / WAYS * sizeof(struct bucket);
	t->slots_size = config->count * sizeof(struct slot);
	t->buckets = memory_map(t->buckets_size, CACHE_GUARD, config->node);
	t->slots = memory_map(t->slots_size, CACHE_GUARD, config->node);
	if (t->buckets == NULL || t->slots == NULL)
		goto fail;
	rc = hash_secret(t->secret, ARRAY_LENGTH(t->secret), config->secret);
	if (rc != 0)
		goto fail;
	*table = t;
	return 0;
fail:
	senders_free(t);
	return rc;
}

void senders_free(struct senders *table)
{
	if (table == NULL)
		return;
	memory_unmap(table->buckets, table->buckets_size);
	memory_unmap(table->slots, table->slots_size);
	free(table);
}

static struct slot *slot_of(const struct senders *table, const struct bucket *bucket, unsigned way)
{
	return &table->slots[(size_t)(bucket - table->buckets) * WAYS + way];
}

static int is_ahead(uint64_t until, uint64_t tsc)
{
	return (int64_t)(until - tsc) > 0;
}

ALWAYS_INLINE unsigned find(const struct bucket *bucket, uint64_t key)
{
	for (unsigned way = 0; way < WAYS; way++)
		if (atomic_load_explicit(&bucket->keys[way], memory_order_acquire) == key)
			return way;
	return NO_WAY;
}

/* How well a place can be spared: one that is empty, then one of which nothing was dropped, then that of which something was
 * the longest ago; 0: not at all. */
static uint64_t spare(const struct slot *slot, uint64_t key, uint64_t tsc)
{
	uint64_t ago;

	if (key == KEY_EMPTY)
		return UINT64_MAX;
	if (key == KEY_TAKEN || is_ahead(atomic_load_explicit(&slot->until, memory_order_relaxed), tsc))
		return 0;
	if (atomic_load_explicit(&slot->dropped, memory_order_relaxed) == 0)
		return UINT64_MAX - 1;
	ago = tsc - atomic_load_explicit(&slot->last, memory_order_relaxed);
	return (int64_t)ago > 0 ? ago : 1;
}

/* The place that can be spared best, with the key that it has, taken; NO_WAY: none can be. */
static unsigned take(const struct senders *table, struct bucket *bucket, uint64_t tsc)
{
	for (;;) {
		uint64_t best = 0, best_key = KEY_TAKEN;
		unsigned best_way = NO_WAY;

		for (unsigned way = 0; way < WAYS; way++) {
			uint64_t key = atomic_load_explicit(&bucket->keys[way], memory_order_relaxed);
			uint64_t rank = spare(slot_of(table, bucket, way), key, tsc);

			if (rank > best) {
				best = rank;
				best_key = key;
				best_way = way;
			}
		}
		if (best_way == NO_WAY || atomic_compare_exchange_strong_explicit(&bucket->keys[best_way], &best_key, KEY_TAKEN,
						  memory_order_acquire, memory_order_relaxed))
			return best_way; /* another worker was not faster */
	}
}

static __attribute__((noinline)) struct slot *place(struct senders *table, struct bucket *bucket, uint64_t key,
	const struct address *from, const uint64_t half[2], uint64_t tsc)
{
	unsigned way = take(table, bucket, tsc);
	struct slot *slot;

	if (way == NO_WAY)
		return NULL;
	slot = slot_of(table, bucket, way);
	atomic_store_explicit(&slot->until, tsc, memory_order_relaxed);
	atomic_store_explicit(&slot->dropped, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->bytes, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->half[0], half[0], memory_order_relaxed);
	atomic_store_explicit(&slot->half[1], half[1], memory_order_relaxed);
	atomic_store_explicit(&slot->family, from->family, memory_order_relaxed);
	atomic_store_explicit(&bucket->keys[way], key, memory_order_release);
	return slot;
}

static __attribute__((noinline)) void drop(struct slot *slot, uint32_t len, uint64_t tsc)
{
	atomic_fetch_add_explicit(&slot->bytes, len, memory_order_relaxed);
	atomic_store_explicit(&slot->last, tsc, memory_order_relaxed);
	atomic_fetch_add_explicit(&slot->dropped, 1, memory_order_relaxed);
}

/* What was used under a quota with a longer burst is as much as this one's at the most, or the sender would wait for that. */
static __attribute__((noinline)) void shorten(struct slot *slot, uint64_t until, const struct quota *quota, uint64_t tsc)
{
	if (is_ahead(until, tsc + quota->burst_ticks))
		(void)atomic_compare_exchange_strong_explicit(
			&slot->until, &until, tsc + quota->burst_ticks, memory_order_relaxed, memory_order_relaxed);
}

int senders_charge(
	struct senders *table, const struct address *from, uint32_t len, const struct quota *quota, uint64_t tsc)
{
	uint64_t cost = quota_cost(quota, len), half[2], key, until, next;
	struct bucket *bucket;
	struct slot *slot;
	unsigned way;

	memcpy(half, from->bytes, sizeof(half));
	key = hash_finish(hash_address(table->secret, half, from->family));
	bucket = &table->buckets[(key >> 2) & table->mask];
	key = (key & ~(uint64_t)3) | KEY_BITS;
	way = find(bucket, key);
	slot = LIKELY(way != NO_WAY) ? slot_of(table, bucket, way) : place(table, bucket, key, from, half, tsc);
	if (UNLIKELY(slot == NULL)) {
		atomic_fetch_add_explicit(&table->unlimited, 1, memory_order_relaxed);
		return 1;
	}
	until = atomic_load_explicit(&slot->until, memory_order_relaxed);
	do {
		next = (is_ahead(until, tsc) ? until : tsc) + cost;
		if (UNLIKELY(next - tsc > quota->burst_ticks)) {
			shorten(slot, until, quota, tsc);
			drop(slot, len, tsc);
			return 0;
		}
	} while (!atomic_compare_exchange_weak_explicit(&slot->until, &until, next, memory_order_relaxed, memory_order_relaxed));
	return 1;
}

/* One sender; 0 when nothing was dropped of it, or when its place was taken by another meanwhile. */
static int read_row(const struct slot *slot, const _Atomic uint64_t *place, struct senders_row *row)
{
	uint64_t key = atomic_load_explicit(place, memory_order_acquire), half[2];

	if (key == KEY_EMPTY || key == KEY_TAKEN)
		return 0;
	*row = (struct senders_row){
		.dropped = atomic_load_explicit(&slot->dropped, memory_order_acquire),
		.bytes = atomic_load_explicit(&slot->bytes, memory_order_acquire),
		.last_tsc = atomic_load_explicit(&slot->last, memory_order_acquire),
	};
	half[0] = atomic_load_explicit(&slot->half[0], memory_order_acquire);
	half[1] = atomic_load_explicit(&slot->half[1], memory_order_acquire);
	memcpy(row->address.bytes, half, sizeof(half));
	row->address.family = (uint8_t)atomic_load_explicit(&slot->family, memory_order_acquire);
	return row->dropped != 0 && atomic_load_explicit(place, memory_order_relaxed) == key;
}

int senders_read(const struct senders *table, int (*each)(void *context, const struct senders_row *row), void *context)
{
	for (uint32_t i = 0; i <= table->mask; i++) {
		const struct bucket *bucket = &table->buckets[i];

		for (unsigned way = 0; way < WAYS; way++) {
			struct senders_row row;
			int rc = read_row(slot_of(table, bucket, way), &bucket->keys[way], &row) ? each(context, &row) : 0;

			if (rc != 0)
				return rc;
		}
	}
	return 0;
}

uint64_t senders_unlimited(const struct senders *table)
{
	return atomic_load_explicit(&table->unlimited, memory_order_relaxed);
}
