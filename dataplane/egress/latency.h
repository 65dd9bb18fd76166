/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A histogram of microseconds, log-linear: sixteen buckets to each power of two, so a value is known to within 1/16.
 * One writer, any reader.
 */

#include <stdint.h>

#include "base/counter.h"

#define LATENCY_STEPS   16u
#define LATENCY_BUCKETS (LATENCY_STEPS * 33u) /* up to 2^36 us, 19 hours; beyond it the last */

struct latency {
	counter buckets[LATENCY_BUCKETS];
};

/* Counts `n` values of `us`. The writer. */
void latency_add(struct latency *latency, uint64_t us, uint64_t n);

/* The value that `percent` (0 to 100) of all lie at or below: the upper end of its bucket; 0 when there are none.
 * Any thread. */
uint64_t latency_percentile(const struct latency *latency, double percent);
