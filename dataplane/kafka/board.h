/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A notice board: one partition of one topic on which the boxes of a cluster post short notices and read each other's. For
 * control threads; all calls block up to a limit.
 *
 * Ownership: the caller's, one thread at a time. librdkafka's threads inherit the CPUs of the thread that makes the board.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kafka/settings.h"

#define KAFKA_BOARD_TAIL 1000 /* notices that the first reading goes back */

struct kafka_board;

struct kafka_notice {
	const char *key;
	size_t key_len;
	const char *value;
	size_t value_len;
	int64_t time_ms; /* UTC, by the poster's clock; 0: unknown */
};

/* Makes the clients from the producers' properties; needs no broker to be there. 0 or -errno with a sentence. */
int kafka_board_new(struct kafka_board **board, const struct kafka_property *properties, unsigned count, const char *topic,
	struct error *error);

/* Once `leave`, which any thread may set, is not 0, posting waits no longer. NULL: none. */
void kafka_board_obey(struct kafka_board *board, const atomic_int *leave);

/* NULL is fine. */
void kafka_board_free(struct kafka_board *board);

/* Posts a notice and waits until it is acknowledged. 0, -ENOENT (no such topic), or -ETIMEDOUT, with a sentence. */
int kafka_board_post(struct kafka_board *board, const char *key, const char *value, int limit_ms, struct error *error);

/* Gives each notice that was posted since the last call, or at first the newest ones, to `each`, whose text is not
 * terminated. Returns how many. */
unsigned kafka_board_read(struct kafka_board *board, void (*each)(void *context, const struct kafka_notice *notice),
	void *context, int limit_ms);
