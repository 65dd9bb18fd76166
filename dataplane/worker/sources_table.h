/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The table of accounts as it lies in memory; private to worker/sources*.c. What it is for: worker/sources.h.
 *
 * An index of buckets of 15 ways each, and the accounts themselves in slots. A slot is either spare (on a stack), in the
 * making (its worker alone knows it, and has claimed a way for it), in use (to be found through its way), or leaving
 * (replaced or retired: not to be found any more, its way still claimed, until a grace period is over).
 */

#include <pthread.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/shares.h"
#include "worker/sources.h"
#include "worker/sources_window.h"

#define WAYS      15u
#define WAYS_MASK ((1u << WAYS) - 1)
#define CLAIM_BIT 16u /* of a bucket's word: bit i: way i is in use, bit 16 + i: somebody's, but not to be found */
#define NO_SLOT   0u
#define SEEN_BITS 64u
#define BEGUN_BITS 64u

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
	struct shares shares; /* of the slots, by address */
	pthread_mutex_t turn;          /* control threads; held over `leaving`, `retired` and every look at accounts */
	uint32_t leaving;              /* control: list of pushed-out slots, taken over but not yet folded */
	_Atomic uint64_t *begun;       /* a bit a bucket: it may hold accounts. Workers: or, control: and, or */
	uint64_t *seen;                /* control: a bit a slot, by number: found by the present walk over the buckets */
	struct sources_totals retired; /* control: sums of folded accounts */

	_Atomic uint64_t spare CACHE_ALIGNED; /* stack of free slots: change count << 32 | number. All: rw */
	_Atomic uint32_t pushed_out;          /* stack of replaced slots. Workers: push, control: takes all */
	_Atomic uint64_t restarted;           /* workers: add */
	_Atomic uint64_t untracked;           /* workers: add */
};

static inline struct slot *slot_at(const struct sources *table, uint32_t number)
{
	return (struct slot *)(void *)(table->slots + (size_t)(number - 1) * table->stride);
}

static inline uint64_t use_bit(uint32_t way)
{
	return (uint64_t)1 << way;
}

static inline uint64_t claim_bit(uint32_t way)
{
	return (uint64_t)1 << (way + CLAIM_BIT);
}

/* Makes a slot free. Any thread. */
void sources_spare_push(struct sources *table, struct slot *slot);

/* The same for one that has been somebody's. */
void sources_give_back(struct sources *table, struct slot *slot);
