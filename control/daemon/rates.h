/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Rates a second, for `status`: totals now against totals at the last turn of the keeper. */

#include <stdatomic.h>
#include <stdint.h>

struct box;

#define RATES_NAMES(X) X(frames) X(datagrams) X(events) X(acked) X(bytes) X(replayed)

struct rates {
	uint64_t last_tsc;
#define X(name) uint64_t last_##name; _Atomic uint64_t name;
	RATES_NAMES(X)
#undef X
};

/* Keeper thread, about once a second. The rates themselves are read by any thread. */
void rates_update(struct rates *rates, const struct box *box);
