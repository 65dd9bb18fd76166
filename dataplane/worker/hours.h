/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Landing hours (hours since 1970, UTC): an event lands in its own hour while that hour is open on this box, else in the
 * current one: marked late when its own was closed, without a mark when that has yet to begin here (its sender's clock is
 * ahead). The current hour never goes back, whatever the clock does, and a closed hour is never opened again. An hour is
 * closed some time after its end, and complete when every record that landed in it was then acked or given up by name.
 * Control moves the marks; workers read them once a burst.
 */

#include <stdatomic.h>
#include <stdint.h>

#define HOUR_US    INT64_C(3600000000)
#define MINUTE_US  INT64_C(60000000)
#define HOUR_SLOTS 64 /* hours that are told apart while batches of them are away; a power of 2 */

struct hours {
	_Atomic int64_t current;  /* control: rw, workers: ro */
	_Atomic int64_t oldest;   /* oldest open hour; same */
	_Atomic int64_t complete; /* every hour before it is complete; control */
};

/* Moves the first two marks, never back. Control thread. */
static inline void hours_move(struct hours *hours, int64_t current, int64_t oldest)
{
	if (current > atomic_load(&hours->current))
		atomic_store(&hours->current, current);
	if (oldest > atomic_load(&hours->oldest))
		atomic_store(&hours->oldest, oldest);
}

/* Where they should be at the time `utc_us`, an hour staying open for `grace_us` after its end. 1: further than they are. */
static inline int hours_due(
	const struct hours *hours, int64_t utc_us, int64_t grace_us, int64_t *current, int64_t *oldest)
{
	int64_t is_current = atomic_load(&hours->current), is_oldest = atomic_load(&hours->oldest);

	*current = utc_us / HOUR_US > is_current ? utc_us / HOUR_US : is_current;
	*oldest = (utc_us - grace_us) / HOUR_US > is_oldest ? (utc_us - grace_us) / HOUR_US : is_oldest;
	return *current != is_current || *oldest != is_oldest;
}
