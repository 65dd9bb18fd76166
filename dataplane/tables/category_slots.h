/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where the category table keeps its entries; private to tables/category*.c. Buckets of one cache line hold six entries
 * each: 64 bits of the key's hash and a value. A key lives in its home bucket or, when that is full, in one second
 * bucket that its hash names (cuckoo hashing, Pagh and Rodler 2001). The home then has a bit set for it, one of 32, so
 * that a look-up of what is not there seldom needs the second line.
 *
 * A key that is not there is found all the same when its 64 bits equal those of an entry that it meets, which are bits
 * other than the 32 that choose its bucket: less than six entries on average, so below 2^-61 for one table and 2^-60
 * for a table with its overlay.
 *
 * Changed by one control thread before others see it, read-only from then on.
 */

#include <smmintrin.h>
#include <stdint.h>

#include "base/compiler.h"
#include "tables/category.h"

#define CATEGORY_WAYS     6u
#define CATEGORY_DELETED  65535u     /* a value of overlays: the table's entry does not count */
#define CATEGORY_BUCKETS  (1u << 28) /* at most */
#define CATEGORY_SPACIOUS 60u /* per cent of the ways that are taken when a table is made: 3 % in second buckets */
#define CATEGORY_CROWDED  85u /* per cent beyond which changes do not go in without new room */

_Static_assert(CATEGORY_MAX < CATEGORY_DELETED, "a value is a category, unknown, or deleted");

struct category_bucket {
	uint64_t checks[CATEGORY_WAYS];
	uint16_t values[CATEGORY_WAYS]; /* 0: the way is free, and its check 0 */
	uint32_t spilled;               /* bit check % 32 of each key that has its home here and lives elsewhere */
} __attribute__((aligned(CACHE_LINE)));

_Static_assert(sizeof(struct category_bucket) == CACHE_LINE, "a bucket is one line");

struct category_slots {
	struct category_bucket *buckets;
	uint32_t (*places)[CATEGORY_WAYS]; /* of the keys: what moving them needs; look-ups do not read it */
	uint32_t count;                    /* of buckets, at least 2 */
	int node;
	uint64_t entries;
};

/* Buckets for so many entries, with CATEGORY_SPACIOUS; 0: too many. */
uint32_t category_slots_count(uint64_t entries);

/* Memory of so many buckets. */
static inline uint64_t category_slots_bytes(uint64_t count)
{
	return count * (sizeof(struct category_bucket) + sizeof(uint32_t[CATEGORY_WAYS]));
}

/* Empty ones. 0, or -errno of memory_map. */
int category_slots_init(struct category_slots *slots, uint32_t count, int node);
void category_slots_fini(struct category_slots *slots);

/* As category_slots_init, with the entries of others in them; -ENOSPC when they found no place. */
int category_slots_copy(struct category_slots *copy, const struct category_slots *slots, uint32_t count, int node);

/* A new key's entry. 0; -EEXIST when the key is there; -ENOSPC when there is no place: an entry, not always this one,
 * is then lost and the slots are of no use. */
int category_slots_put(struct category_slots *slots, struct category_key key, uint32_t value);

/* A key's entry, new or not. 0, or -ENOSPC as above. */
int category_slots_set(struct category_slots *slots, struct category_key key, uint32_t value);

/* A key is there no more; it need not have been. */
void category_slots_remove(struct category_slots *slots, struct category_key key);

/* True when `more` entries may come without crowding them. */
static inline int category_slots_fit(const struct category_slots *slots, uint64_t more)
{
	return (slots->entries + more) * 100 <= (uint64_t)slots->count * CATEGORY_WAYS * CATEGORY_CROWDED;
}

/* True when every entry lies where look-ups come to it and has one of `values` values, free ways hold nothing, and there are
 * `entries` entries. */
int category_slots_sound(const struct category_slots *slots, uint32_t values);

ALWAYS_INLINE uint32_t category_home(const struct category_slots *slots, uint32_t place)
{
	return (uint32_t)((uint64_t)place * slots->count >> 32);
}

/* How far the second bucket is from the home: 1 to count - 1. */
ALWAYS_INLINE uint32_t category_step(const struct category_slots *slots, uint64_t check)
{
	return 1 + (uint32_t)((check >> 32) * (slots->count - 1) >> 32);
}

ALWAYS_INLINE uint32_t category_second(const struct category_slots *slots, uint32_t home, uint64_t check)
{
	uint32_t second = home + category_step(slots, check);

	return second < slots->count ? second : second - slots->count;
}

ALWAYS_INLINE int category_may_have_spilled(const struct category_bucket *bucket, uint64_t check)
{
	return bucket->spilled >> (check & 31) & 1;
}

/* Bit i: way i has this check. Without branches: which way it is cannot be foreseen. (SSE 4.1: DPDK's
 * own flags ask for 4.2.) */
ALWAYS_INLINE unsigned category_bucket_match(const struct category_bucket *bucket, uint64_t check)
{
	const __m128i *checks = (const __m128i *)bucket->checks, wanted = _mm_set1_epi64x((long long)check);
	unsigned first = (unsigned)_mm_movemask_pd(_mm_castsi128_pd(_mm_cmpeq_epi64(_mm_load_si128(checks), wanted)));
	unsigned second =
		(unsigned)_mm_movemask_pd(_mm_castsi128_pd(_mm_cmpeq_epi64(_mm_load_si128(checks + 1), wanted)));
	unsigned third =
		(unsigned)_mm_movemask_pd(_mm_castsi128_pd(_mm_cmpeq_epi64(_mm_load_si128(checks + 2), wanted)));

	return first | second << 2 | third << 4;
}

ALWAYS_INLINE void category_slots_prefetch(const struct category_slots *slots, struct category_key key)
{
	__builtin_prefetch(&slots->buckets[category_home(slots, key.place)]);
}

/* The key's value, or CATEGORY_UNKNOWN. */
ALWAYS_INLINE uint32_t category_slots_find(const struct category_slots *slots, struct category_key key)
{
	uint32_t home = category_home(slots, key.place);
	const struct category_bucket *bucket = &slots->buckets[home];
	unsigned match = category_bucket_match(bucket, key.check);

	if (LIKELY(match != 0))
		return bucket->values[__builtin_ctz(match)];
	if (LIKELY(!category_may_have_spilled(bucket, key.check)))
		return CATEGORY_UNKNOWN;
	bucket = &slots->buckets[category_second(slots, home, key.check)];
	match = category_bucket_match(bucket, key.check);
	return match != 0 ? bucket->values[__builtin_ctz(match)] : CATEGORY_UNKNOWN;
}
