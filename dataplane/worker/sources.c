/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/sources.h"

#include <string.h>

#include "worker/sender_hash.h"
#include "worker/sources_table.h"

#define NO_WAY       WAYS
#define SPARE_TAG    ((uint64_t)1 << 32)
#define LEAVING_MOST 3 /* accounts of a bucket that are replaced between two folds */

struct key {
	const struct address *address;
	uint64_t half[2]; /* its bytes */
	uint64_t id;
	uint32_t epoch;
	uint32_t tag; /* of epoch 0 */
	struct bucket *bucket;
};

void sources_spare_push(struct sources *table, struct slot *slot)
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

static uint64_t address_hash(const struct sources *table, const struct address *address)
{
	uint64_t half[2];

	memcpy(half, address->bytes, sizeof(half));
	return hash_finish(hash_address(table->secret, half, address->family));
}

void sources_give_back(struct sources *table, struct slot *slot)
{
	shares_give(&table->shares, address_hash(table, &slot->address));
	sources_spare_push(table, slot);
}

static inline struct key make_key(const struct sources *table, const struct address *from,
	const struct frame_header *header)
{
	struct key key = {.address = from, .id = header->source_id, .epoch = header->source_epoch};
	uint64_t hash;

	memcpy(key.half, from->bytes, sizeof(key.half));
	hash = hash_address(table->secret, key.half, from->family);
	hash = hash_finish(hash_fold(header->source_id ^ table->secret[2], hash ^ table->secret[3]));
	key.tag = (uint32_t)(hash >> 32);
	key.bucket = &table->buckets[hash & table->bucket_mask];
	return key;
}

static inline int same_sender(const struct slot *slot, const struct key *key)
{
	uint64_t half[2];

	memcpy(half, slot->address.bytes, sizeof(half));
	return ((slot->id ^ key->id) | (half[0] ^ key->half[0]) | (half[1] ^ key->half[1]) |
		       (uint64_t)(slot->address.family ^ key->address->family)) == 0;
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

/* A new account that is in the making: nobody else can find it yet. */
struct making {
	struct slot *slot;
	uint32_t way;
};

/*
 * Whether the bucket may let go of one account more before the next fold. Those on their way out hold their ways, and a sender
 * that changes its epoch with every datagram would soon hold all of a bucket, whose other senders found none.
 */
static int may_leave(uint64_t taken, const struct making *making)
{
	uint64_t claims = taken >> CLAIM_BIT & WAYS_MASK;

	if (making->way != NO_WAY)
		claims &= ~use_bit(making->way);
	return __builtin_popcountll(claims) < LEAVING_MOST;
}

static uint32_t free_way(uint64_t taken)
{
	uint32_t free = ~(uint32_t)(taken | taken >> CLAIM_BIT) & WAYS_MASK;

	return free != 0 ? (uint32_t)__builtin_ctz(free) : NO_WAY;
}

static void abandon(struct sources *table, struct bucket *bucket, const struct making *making)
{
	if (making->way != NO_WAY)
		atomic_fetch_and_explicit(&bucket->taken, ~claim_bit(making->way), memory_order_release);
	if (making->slot != NULL)
		sources_give_back(table, making->slot);
}

/* After a way of it was claimed, and before the account can be found in it: see end_bucket. */
static void begin_bucket(struct sources *table, const struct bucket *bucket)
{
	uint32_t index = (uint32_t)(bucket - table->buckets);
	uint64_t bit = UINT64_C(1) << index % BEGUN_BITS;
	_Atomic uint64_t *word = &table->begun[index / BEGUN_BITS];

	if ((atomic_load_explicit(word, memory_order_seq_cst) & bit) == 0)
		atomic_fetch_or_explicit(word, bit, memory_order_release);
}

/* Takes a slot and a free way for it. 0 when there is none of one or the other for this sender. */
static int claim(struct sources *table, const struct key *key, struct making *making)
{
	uint64_t taken = atomic_load_explicit(&key->bucket->taken, memory_order_acquire), way;

	if (!shares_take(&table->shares, address_hash(table, key->address)))
		return 0;
	making->slot = spare_pop(table);
	if (making->slot == NULL) {
		shares_give(&table->shares, address_hash(table, key->address));
		return 0;
	}
	making->slot->address = *key->address;
	do {
		making->way = free_way(taken);
		if (making->way == NO_WAY)
			return 0;
	} while (!atomic_compare_exchange_weak_explicit(&key->bucket->taken, &taken, taken | claim_bit(making->way),
		memory_order_seq_cst, memory_order_acquire));
	begin_bucket(table, key->bucket);
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
			(leaves != NULL && !may_leave(taken, &making)) ||
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
