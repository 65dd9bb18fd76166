/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How much of a table of fixed size each sender holds, so that one cannot keep all others out: the last eighth of the table is
 * for those that hold less than a 64th of it. One that is alone may so use nearly all of it.
 *
 * Senders are told apart by a keyed hash, of which the lowest bits count: some may share a count, and are then one.
 *
 * Memory: taken in shares_new, 4 bytes a place of the table and some. Threads: take and give by any, exact but for takes at the
 * same moment, which may be as many too much; new and free by the owner.
 */

#include <stdatomic.h>
#include <stdint.h>

struct share {
	_Atomic uint32_t held; /* places */
};

struct shares {
	struct share *each;    /* by hash */
	_Atomic uint32_t used; /* of all */
	uint32_t mask, count;
};

/* For a table with so many places. 0 or -ENOMEM. */
int shares_new(struct shares *shares, uint32_t count, int node);

/* Those of a zeroed struct are fine. */
void shares_free(struct shares *shares);

/* Counts one place more for the sender with this hash: 1; or 0, and it must not take it. */
static inline int shares_take(struct shares *shares, uint64_t hash)
{
	_Atomic uint32_t *held = &shares->each[hash & shares->mask].held;
	uint32_t used = atomic_load_explicit(&shares->used, memory_order_relaxed);

	if (used >= shares->count - shares->count / 8 &&
		atomic_load_explicit(held, memory_order_relaxed) >= shares->count / 64 + 1)
		return 0;
	atomic_fetch_add_explicit(held, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&shares->used, 1, memory_order_relaxed);
	return 1;
}

/* The sender has given a place back that it took. */
static inline void shares_give(struct shares *shares, uint64_t hash)
{
	atomic_fetch_sub_explicit(&shares->each[hash & shares->mask].held, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&shares->used, 1, memory_order_relaxed);
}
