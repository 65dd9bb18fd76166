/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The window of one source's sequence; private to worker/sources*.c. What is counted and how: worker/sources.h.
 *
 * The sequence is cut into blocks of 32 numbers. A window has `words` words (a power of two); word i serves the blocks b
 * with b % words == i, one at a time, and holds the low 32 bits of that block's lap (b / words) above a bitmap of the
 * block's numbers that have arrived. Every change of a word is one compare-and-swap, so exactly one of several workers
 * takes a number as its first arrival, and exactly one moves a word on to a later block; that one has settled the missing
 * numbers of the block it leaves, and of the blocks it skips, as lost. All arithmetic is modulo 2^64 (numbers) and 2^32
 * (laps). A number is taken only within SOURCES_JUMP_MAX of `recent`, and words are kept within `words` laps of each
 * other, so that differences of laps are never ambiguous, whatever a sender does.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "base/compiler.h"
#include "worker/sources.h"

#define WINDOW_BLOCK 32u

struct window_shape {
	uint32_t words;
	uint32_t shift; /* log2(words) */
	uint64_t quiet; /* ticks without progress before a sequence may start anew under its old epoch */
};

struct window {
	uint64_t first;            /* constant while others can see the window */
	_Atomic uint64_t run_next; /* what would follow the last number that was far off. Workers: rw */
	_Atomic uint64_t recent;   /* the highest number that began a block, about: laps are counted from it. Workers: rw */
	_Atomic uint64_t moved;    /* counter value when a number or a heartbeat was last taken. Workers: rw, control: r */
	/* All below, workers: add, control: r */
	_Atomic uint64_t received;
	_Atomic uint64_t duplicate;
	_Atomic uint64_t late;
	_Atomic int64_t lost; /* settled: of blocks that words have left */
	_Atomic uint64_t outside;
	_Atomic uint64_t announced; /* the highest next number a heartbeat has told, at least `first`. Workers: rw */
	_Atomic uint64_t words[];
};

enum window_verdict { WINDOW_RECEIVED, WINDOW_DUPLICATE, WINDOW_LATE, WINDOW_NOTED, WINDOW_RESTART };

struct window_reading {
	uint64_t expected, received, lost, pending, late, duplicate, outside;
	uint64_t head; /* the number after the highest that is known to be sent */
	int closed;    /* expected == received + lost, in one consistent look */
};

/* Readies a window, still private to the caller, for a sequence whose first known number is `first`. */
void window_start(struct window *window, const struct window_shape *shape, uint64_t first, uint64_t tsc);

/* window_packet in all cases. */
enum window_verdict window_packet_any(
	struct window *window, const struct window_shape *shape, uint64_t seq, uint64_t tsc);

/* What every number that is taken adds. */
static inline enum window_verdict window_take(struct window *window, uint64_t seq, uint64_t tsc)
{
	if (UNLIKELY((int64_t)(seq - window->first) < 0))
		atomic_fetch_add_explicit(&window->outside, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&window->received, 1, memory_order_relaxed);
	if (atomic_load_explicit(&window->moved, memory_order_relaxed) != tsc)
		atomic_store_explicit(&window->moved, tsc, memory_order_relaxed);
	return WINDOW_RECEIVED;
}

/* Counts an arrival. WINDOW_RESTART: nothing was counted, the sequence has started anew with this number. Any worker.
 * In line: a new number of the block that its word serves already, as nearly all are. */
static inline enum window_verdict window_packet(
	struct window *window, const struct window_shape *shape, uint64_t seq, uint64_t tsc)
{
	uint64_t distance = seq - atomic_load_explicit(&window->recent, memory_order_relaxed),
		 block = seq / WINDOW_BLOCK;
	_Atomic uint64_t *at = &window->words[block & (shape->words - 1)];
	uint64_t word = atomic_load_explicit(at, memory_order_acquire), bit = UINT64_C(1) << seq % WINDOW_BLOCK;

	if (LIKELY(distance + SOURCES_JUMP_MAX <= 2 * SOURCES_JUMP_MAX &&
		    word >> 32 == (uint32_t)(block >> shape->shift) && (word & bit) == 0 &&
		    atomic_compare_exchange_strong_explicit(
			    at, &word, word | bit, memory_order_acq_rel, memory_order_relaxed)))
		return window_take(window, seq, tsc);
	return window_packet_any(window, shape, seq, tsc);
}

/* The same for a heartbeat that says that `next` will be sent next; WINDOW_NOTED, or WINDOW_RESTART. Any worker. */
enum window_verdict window_heartbeat(struct window *window, const struct window_shape *shape, uint64_t next,
	uint64_t tsc);

/* Reads it, again while workers change it under the reader, up to a bound. Control thread. */
void window_read(const struct window *window, const struct window_shape *shape, struct window_reading *out);
