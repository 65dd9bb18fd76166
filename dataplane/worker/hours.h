/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Landing hours (hours since 1970, UTC): an event lands in its own hour while that hour is open on this box, else in the
 * current one, marked late. The current hour never goes back, whatever the clock does, and a closed hour is never opened
 * again. Control moves the two marks; workers read them once a burst.
 */

#include <stdatomic.h>
#include <stdint.h>

#define HOUR_US   INT64_C(3600000000)
#define MINUTE_US INT64_C(60000000)

struct hours {
	_Atomic int64_t current; /* control: rw, workers: ro */
	_Atomic int64_t oldest;  /* oldest open hour; same */
};

/* Moves the marks for the time `utc_us`; an hour stays open for `grace_us` after its end. Control thread. */
static inline void hours_update(struct hours *hours, int64_t utc_us, int64_t grace_us)
{
	int64_t current = atomic_load(&hours->current), oldest = atomic_load(&hours->oldest), now = utc_us / HOUR_US;

	if (now > current)
		atomic_store(&hours->current, current = now);
	now = (utc_us - grace_us) / HOUR_US;
	if (now > current)
		now = current;
	if (now > oldest)
		atomic_store(&hours->oldest, now);
}
