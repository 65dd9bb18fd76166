/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tells the service manager, once a second, that the stop goes on: for as long as it may drain, and beyond that while something
 * moves, as a slow disk or the end of the clients may take longer. When nothing has moved for a minute, the log says what the stop
 * waits for, and the manager is asked for no more time: it ends what hangs after its own. Main thread.
 */

#include <stdint.h>

struct box;

struct stopping {
	const struct box *box;
	int64_t drain_until_ms, told_ms, moved_ms; /* of clock_ms */
	uint64_t moved;                            /* the sum of what had moved then */
	int hangs;
};

/* The drain begins now. */
void stopping_begin(struct stopping *stopping, const struct box *box, int64_t now_ms);

/* Some times a second, until the stop is over. */
void stopping_turn(struct stopping *stopping, int64_t now_ms);
