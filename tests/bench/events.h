/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The generator's events in memory, for programs that send or produce them as they are. */

#include <stdint.h>

struct bench_event {
	const uint8_t *data;
	uint32_t len;
	uint32_t type; /* 0 to types - 1 */
};

/*
 * Makes `count` events of about 225 bytes, of `types` types, each on one line. With `ingest` each carries a member as
 * long as the one that Penstock appends, so that the records that both write have the same length. NULL when there is
 * no memory. Lives as long as the process. Main thread.
 */
const struct bench_event *events_make(uint32_t count, uint32_t types, int ingest);
