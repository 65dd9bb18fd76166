/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A spool (spool/spool.h) without a producer: the test gives each order by hand, and takes the answer. It has a directory of its
 * own.
 */

#include "batch/topic.h"
#include "spool/spool.h"

struct hand {
	struct topic_table topics; /* t0, t1 and t2 */
	struct lane lane;
	struct lane *lanes[1];
	struct batch_pool *pool;   /* of the test's batches */
	struct spool_config config; /* for the next hand_start */
	struct spool *spool;
	char directory[64];
};

extern struct hand hand;

/* For cmocka. After setup: 64 MiB, segments of 64 KiB, groups of 1 ms. */
int hand_setup(void **state);
int hand_teardown(void **state);

/* Starts a spool whose lane has 8 batches of `bytes` bytes, header included; and ends it. */
void hand_start(uint32_t bytes);
void hand_stop(void);

/* A batch of `records` records with values of `bytes` bytes, one event each, none of them settled. */
struct batch *hand_batch(uint16_t topic, unsigned records, uint32_t bytes);

/* Gives an order; one, and its answer, for which it waits 30 s at the most. */
void hand_give(struct batch *batch, enum spool_order order);
enum spool_answer hand_order(struct batch *batch, enum spool_order order);

/* The next answer; waits likewise. */
struct batch *hand_take(enum spool_answer *answer);

/* The next batch that is read back from the lane's log; waits likewise. */
struct batch *hand_read(void);
