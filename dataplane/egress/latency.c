/* SPDX-License-Identifier: Apache-2.0 */
#include "egress/latency.h"

#include <stddef.h>

static unsigned bucket_of(uint64_t us)
{
	unsigned power, bucket;

	if (us < LATENCY_STEPS)
		return (unsigned)us;
	power = 63u - (unsigned)__builtin_clzll(us); /* >= 4 */
	bucket = (power - 3) * LATENCY_STEPS + (unsigned)((us >> (power - 4)) & (LATENCY_STEPS - 1));
	return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

static uint64_t upper_end(unsigned bucket)
{
	unsigned power;

	if (bucket < LATENCY_STEPS)
		return bucket;
	power = bucket / LATENCY_STEPS + 3;
	return ((uint64_t)(LATENCY_STEPS + bucket % LATENCY_STEPS + 1) << (power - 4)) - 1;
}

void latency_add(struct latency *latency, uint64_t us, uint64_t n)
{
	counter_add(&latency->buckets[bucket_of(us)], n);
}

uint64_t latency_percentile(const struct latency *latency, double percent)
{
	uint64_t total = 0, seen = 0;
	double wanted;

	for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
		total += counter_read(&latency->buckets[i]);
	if (total == 0)
		return 0;
	wanted = (double)total * percent / 100.0;
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		uint64_t here = counter_read(&latency->buckets[i]);

		seen += here;
		if (here != 0 && (double)seen >= wanted)
			return upper_end(i);
	}
	return upper_end(LATENCY_BUCKETS - 1);
}
