/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Counters with one writer: a relaxed load, an add and a store, never a locked instruction. Readers on other threads see
 * some recent value. A reset is a baseline that the reader keeps; nobody writes another thread's counter.
 *
 * Order matters where the ledger compares two counters (control/daemon/ledger.h): the writer stores an event's outcome before it
 * stores the total that the event belongs to, and the reader loads the total first. Then, without loss, the outcomes a
 * reader sees are never fewer than the total it saw. Stores are releases and reads acquires for that reason; on x86 both
 * are plain moves.
 */

#include <stdatomic.h>
#include <stdint.h>

typedef struct {
	_Atomic uint64_t value;
} counter;

/* Adds to a counter or gauge that this thread alone writes. Wraps at 2^64. */
static inline void counter_add(counter *c, uint64_t n)
{
	uint64_t v = atomic_load_explicit(&c->value, memory_order_relaxed);

	atomic_store_explicit(&c->value, v + n, memory_order_release);
}

/* Takes from a gauge that this thread alone writes. */
static inline void counter_sub(counter *c, uint64_t n)
{
	counter_add(c, 0 - n);
}

static inline void counter_set(counter *c, uint64_t n)
{
	atomic_store_explicit(&c->value, n, memory_order_release);
}

/* The value now; any thread. */
static inline uint64_t counter_read(const counter *c)
{
	return atomic_load_explicit(&c->value, memory_order_acquire);
}
