/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/compiler.h"
#include "base/memory.h"
#include "base/rcu.h"
#include "worker/sources_window.h"

#define WAYS       15u
#define WAYS_MASK  ((1u << WAYS) - 1)
#define CLAIM_BIT  16u /* of a bucket's word: bit i: way i is in use, bit 16 + i: somebody's, but not to be found */
#define NO_WAY     WAYS
#define NO_SLOT    0u
#define COUNT_MAX  (1u << 24)
#define SPARE_TAG  ((uint64_t)1 << 32)
#define SLOT_ALIGN 64u

struct bucket {
	_Atomic uint64_t taken;
	_Atomic uint64_t ways[WAYS]; /* tag << 32 | slot; constant while the way is in use */
} __attribute__((aligned(CACHE_GUARD)));

/* One account. The key is constant while others can find it. */
struct slot {
	struct address address;
	uint32_t epoch;
	uint64_t id;
	uint32_t restarts;
	uint32_t place;        /* bucket * 16 + way */
	_Atomic uint32_t next; /* number of the next slot in a list, NO_SLOT at its end */
	uint32_t number;       /* of this slot, from 1 */
	struct window window __attribute__((aligned(8)));
};

_Static_assert(sizeof(struct window) == 80 && sizeof(struct slot) == 128, "a slot's head is two cache lines");

struct sources {
	uint8_t *slots;
	struct bucket *buckets;
	size_t stride, slots_size, buckets_size;
	uint64_t secret[4];
	struct window_shape shape;
	uint32_t count, bucket_mask;
	uint32_t leaving;              /* control: list of pushed-out slots, seen but not yet folded */
	uint64_t retired_open;         /* control: folded accounts that did not close */
	struct sources_totals retired; /* control: sums of folded accounts */

	_Atomic uint64_t spare CACHE_ALIGNED; /* stack of free slots: change count << 32 | number. All: rw */
	_Atomic uint32_t pushed_out;          /* stack of replaced slots. Workers: push, control: takes all */
	_Atomic uint64_t restarted;           /* workers: add */
	_Atomic uint64_t untracked;           /* workers: add */
};

struct key {
	const struct address *address;
	uint64_t id;
	uint32_t epoch;
	uint32_t tag; /* of epoch 0 */
	struct bucket *bucket;
};

static inline struct slot *slot_at(const struct sources *table, uint32_t number)
{
	return (struct slot *)(void *)(table->slots + (size_t)(number - 1) * table->stride);
}

static void spare_push(struct sources *table, struct slot *slot)
{
	uint64_t head = atomic_load_explicit(&table->spare, memory_order_relaxed), wanted;

	do {
		atomic_store_explicit(&slot->next, (uint32_t)head, memory_order_relaxed);
		wanted = ((head & ~(uint64_t)UINT32_MAX) + SPARE_TAG) | slot->number;
	} while (!atomic_compare_exchange_weak_explicit(
		&table->spare, &head, wanted, memory_order_acq_rel, memory_order_relaxed));
}

static struct slot *spare_pop(struct sources *table)
{
	uint64_t head = atomic_load_explicit(&table->spare, memory_order_acquire), wanted;
	struct slot *slot;

	do {
		if ((uint32_t)head == NO_SLOT)
			return NULL;
		slot = slot_at(table, (uint32_t)head);
		wanted = ((head & ~(uint64_t)UINT32_MAX) + SPARE_TAG) |
			atomic_load_explicit(&slot->next, memory_order_relaxed);
	} while (!atomic_compare_exchange_weak_explicit(
		&table->spare, &head, wanted, memory_order_acq_rel, memory_order_acquire));
	return slot;
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
	if (t->slots == NULL || t->buckets == NULL)
		goto fail;
	if (config->secret != NULL)
		memcpy(t->secret, config->secret, sizeof(t->secret));
	else if (getrandom(t->secret, sizeof(t->secret), 0) != (ssize_t)sizeof(t->secret)) {
		rc = -EIO;
		goto fail;
	}
	for (uint32_t i = config->count; i > 0; i--) {
		slot_at(t, i)->number = i;
		spare_push(t, slot_at(t, i));
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
	free(table);
}

uint64_t sources_bytes(const struct sources *table)
{
	return table->slots_size + table->buckets_size + sizeof(*table);
}

/* A product folded onto itself, as in wyhash: without the secret nobody can tell which keys meet. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline struct key make_key(const struct sources *table, const struct address *from,
	const struct frame_header *header)
{
	struct key key = {.address = from, .id = header->source_id, .epoch = header->source_epoch};
	uint64_t half[2], hash;

	memcpy(half, from->bytes, sizeof(half));
	hash = fold(half[0] ^ table->secret[0], half[1] ^ from->family ^ table->secret[1]);
	hash = fold(header->source_id ^ table->secret[2], hash ^ table->secret[3]);
	key.tag = (uint32_t)(hash >> 32);
	key.bucket = &table->buckets[hash & table->bucket_mask];
	return key;
}

static inline int same_sender(const struct slot *slot, const struct key *key)
{
	return slot->id == key->id && memcmp(&slot->address, key->address, sizeof(slot->address)) == 0;
}

static inline struct slot *find(const struct sources *table, const struct key *key)
{
	uint32_t used = (uint32_t)atomic_load_explicit(&key->bucket->taken, memory_order_acquire) & WAYS_MASK;

	for (; used != 0; used &= used - 1) {
		uint64_t way = atomic_load_explicit(
			&key->bucket->ways[__builtin_ctz(used)], memory_order_relaxed);
		struct slot *slot;

		if ((uint32_t)(way >> 32) != key->tag + key->epoch)
			continue;
		slot = slot_at(table, (uint32_t)way);
		if (LIKELY(slot->epoch == key->epoch && same_sender(slot, key)))
			return slot;
	}
	return NULL;
}

/* What a bucket holds of a sender. */
struct family {
	struct slot *same;           /* of the same epoch */
	struct slot *newest, *oldest; /* of other epochs */
	unsigned others;
};

static struct family survey(const struct sources *table, const struct key *key, uint64_t taken)
{
	struct family family = {0};

	for (uint32_t used = (uint32_t)taken & WAYS_MASK; used != 0; used &= used - 1) {
		uint64_t way = atomic_load_explicit(
			&key->bucket->ways[__builtin_ctz(used)], memory_order_relaxed);
		struct slot *slot = slot_at(table, (uint32_t)way);

		if (!same_sender(slot, key))
			continue;
		if (slot->epoch == key->epoch) {
			family.same = slot;
			continue;
		}
		family.others++;
		if (family.newest == NULL || (int32_t)(slot->epoch - family.newest->epoch) > 0)
			family.newest = slot;
		if (family.oldest == NULL || (int32_t)(slot->epoch - family.oldest->epoch) < 0)
			family.oldest = slot;
	}
	return family;
}

static void push_out(struct sources *table, struct slot *slot)
{
	uint32_t head = atomic_load_explicit(&table->pushed_out, memory_order_relaxed);

	do
		atomic_store_explicit(&slot->next, head, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(
		&table->pushed_out, &head, slot->number, memory_order_acq_rel, memory_order_relaxed));
}

static inline uint64_t use_bit(uint32_t way)
{
	return (uint64_t)1 << way;
}

static inline uint64_t claim_bit(uint32_t way)
{
	return (uint64_t)1 << (way + CLAIM_BIT);
}

static uint32_t free_way(uint64_t taken)
{
	uint32_t free = ~(uint32_t)(taken | taken >> CLAIM_BIT) & WAYS_MASK;

	return free != 0 ? (uint32_t)__builtin_ctz(free) : NO_WAY;
}

/* A new account that is in the making: nobody else can find it yet. */
struct making {
	struct slot *slot;
	uint32_t way;
};

static void abandon(struct sources *table, struct bucket *bucket, const struct making *making)
{
	if (making->way != NO_WAY)
		atomic_fetch_and_explicit(&bucket->taken, ~claim_bit(making->way), memory_order_release);
	if (making->slot != NULL)
		spare_push(table, making->slot);
}

/* Takes a slot and a free way for it. 0 when there is none of one or the other. */
static int claim(struct sources *table, const struct key *key, struct making *making)
{
	uint64_t taken = atomic_load_explicit(&key->bucket->taken, memory_order_acquire), way;

	making->slot = spare_pop(table);
	if (making->slot == NULL)
		return 0;
	do {
		making->way = free_way(taken);
		if (making->way == NO_WAY)
			return 0;
	} while (!atomic_compare_exchange_weak_explicit(&key->bucket->taken, &taken, taken | claim_bit(making->way),
		memory_order_acq_rel, memory_order_acquire));
	making->slot->address = *key->address;
	making->slot->id = key->id;
	making->slot->epoch = key->epoch;
	making->slot->place = (uint32_t)(key->bucket - table->buckets) * 16 + making->way;
	way = (uint64_t)(key->tag + key->epoch) << 32 | making->slot->number;
	atomic_store_explicit(&key->bucket->ways[making->way], way, memory_order_relaxed);
	return 1;
}

/*
 * The account of `key`, made anew with its first number `first` if there is none, or if it is still `replaced`, whose
 * sequence has started again under its old epoch. NULL when there is no room.
 */
static struct slot *place(struct sources *table, const struct key *key, const struct slot *replaced, uint64_t first,
	uint64_t tsc)
{
	struct making making = {NULL, NO_WAY};

	for (;;) {
		uint64_t taken = atomic_load_explicit(&key->bucket->taken, memory_order_acquire), wanted;
		struct family family = survey(table, key, taken);
		struct slot *leaves = family.same, *before = family.same;

		if (family.same != NULL && family.same != replaced) {
			abandon(table, key->bucket, &making);
			return family.same;
		}
		if (before == NULL && family.others > 0 && (int32_t)(key->epoch - family.newest->epoch) > 0)
			before = family.newest;
		if (leaves == NULL && family.others >= SOURCES_EPOCHS)
			leaves = family.oldest;
		if ((leaves == family.oldest && leaves != NULL && (int32_t)(key->epoch - leaves->epoch) < 0) ||
			(making.slot == NULL && !claim(table, key, &making))) {
			abandon(table, key->bucket, &making);
			return NULL;
		}
		window_start(&making.slot->window, &table->shape, first, tsc);
		making.slot->restarts = before != NULL ? before->restarts + 1 : 0;
		taken |= claim_bit(making.way);
		wanted = (taken & ~claim_bit(making.way)) | use_bit(making.way);
		if (leaves != NULL)
			wanted = (wanted & ~use_bit(leaves->place % 16)) | claim_bit(leaves->place % 16);
		if (!atomic_compare_exchange_strong_explicit(
			    &key->bucket->taken, &taken, wanted, memory_order_acq_rel, memory_order_relaxed))
			continue;
		if (leaves != NULL)
			push_out(table, leaves);
		if (before != NULL)
			atomic_fetch_add_explicit(&table->restarted, 1, memory_order_relaxed);
		return making.slot;
	}
}

static inline enum window_verdict note(struct sources *table, struct slot *slot, const struct frame_header *header,
	uint64_t tsc)
{
	if (UNLIKELY((header->flags & FRAME_HEARTBEAT) != 0))
		return window_heartbeat(&slot->window, &table->shape, header->sequence, tsc);
	return window_packet(&slot->window, &table->shape, header->sequence, tsc);
}

enum sources_verdict sources_note(struct sources *table, const struct address *from, const struct frame_header *header,
	uint64_t tsc)
{
	static const enum sources_verdict verdicts[] = {
		[WINDOW_RECEIVED] = SOURCES_RECEIVED,
		[WINDOW_DUPLICATE] = SOURCES_DUPLICATE,
		[WINDOW_LATE] = SOURCES_LATE,
		[WINDOW_NOTED] = SOURCES_HEARTBEAT,
		[WINDOW_RESTART] = SOURCES_UNTRACKED,
	};
	struct key key = make_key(table, from, header);
	struct slot *slot = find(table, &key);
	enum window_verdict verdict = WINDOW_RESTART;

	if (UNLIKELY(slot == NULL))
		slot = place(table, &key, NULL, header->sequence, tsc);
	if (LIKELY(slot != NULL))
		verdict = note(table, slot, header, tsc);
	if (UNLIKELY(slot != NULL && verdict == WINDOW_RESTART)) {
		slot = place(table, &key, slot, header->sequence, tsc);
		if (slot != NULL)
			verdict = note(table, slot, header, tsc);
	}
	if (UNLIKELY(verdict == WINDOW_RESTART))
		atomic_fetch_add_explicit(&table->untracked, 1, memory_order_relaxed);
	return verdicts[verdict];
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

int sources_read(struct sources *table, int (*each)(void *context, const struct sources_row *row), void *context)
{
	for (uint32_t i = 0; i <= table->bucket_mask; i++) {
		struct bucket *bucket = &table->buckets[i];
		uint32_t used = (uint32_t)atomic_load_explicit(&bucket->taken, memory_order_acquire) & WAYS_MASK;

		for (; used != 0; used &= used - 1) {
			uint64_t way = atomic_load_explicit(
				&bucket->ways[__builtin_ctz(used)], memory_order_relaxed);
			struct sources_row row = row_of(table, slot_at(table, (uint32_t)way));
			int rc = each(context, &row);

			if (rc != 0)
				return rc;
		}
	}
	return 0;
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

static int read_leaving(struct sources *table, int (*each)(void *context, const struct sources_row *row), void *context)
{
	int rc = 0;

	take_pushed_out(table);
	for (uint32_t number = table->leaving; number != NO_SLOT && rc == 0;) {
		struct slot *slot = slot_at(table, number);
		struct sources_row row = row_of(table, slot);

		rc = each(context, &row);
		number = atomic_load_explicit(&slot->next, memory_order_relaxed);
	}
	return rc;
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
	return 0;
}

void sources_totals(struct sources *table, struct sources_totals *totals)
{
	*totals = table->retired;
	(void)sources_read(table, add_row, totals);
	(void)read_leaving(table, add_row, totals);
	totals->capacity = table->count;
	totals->restarted = atomic_load_explicit(&table->restarted, memory_order_relaxed);
	totals->untracked = atomic_load_explicit(&table->untracked, memory_order_relaxed);
}

static int count_open(void *context, const struct sources_row *row)
{
	*(unsigned *)context += !row->closed;
	return 0;
}

unsigned sources_check(struct sources *table)
{
	unsigned open = (unsigned)table->retired_open;

	(void)sources_read(table, count_open, &open);
	(void)read_leaving(table, count_open, &open);
	return open;
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

unsigned sources_retire(struct sources *table, uint64_t before_tsc)
{
	unsigned count = 0;

	for (uint32_t i = 0; i <= table->bucket_mask; i++)
		remove_idle(table, &table->buckets[i], before_tsc);
	take_pushed_out(table);
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
		table->retired_open += !row.closed;
		atomic_fetch_and_explicit(&table->buckets[slot->place / 16].taken, ~claim_bit(slot->place % 16),
			memory_order_release);
		spare_push(table, slot);
		count++;
	}
	return count;
}
