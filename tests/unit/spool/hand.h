/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A spool (spool/spool.h) without a producer: the test gives each order by hand, and takes the answer. It has a directory of its
 * own. What is waited for and does not come fails the test after 20 s.
 */

#include "batch/topic.h"
#include "spool/spool.h"

#define HAND_TOPICS 8u

struct hand {
	struct topic_table topics; /* t0 to t7 */
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

/* Starts a spool whose lane has 16 batches of `bytes` bytes, header included; and ends it. */
void hand_start(uint32_t bytes);
void hand_stop(void);

/* A batch of `records` records with values of `bytes` bytes, one event each, none of them settled. */
struct batch *hand_batch(uint16_t topic, unsigned records, uint32_t bytes);

/* Gives an order; one, and waits for its answer. */
void hand_give(struct batch *batch, enum spool_order order);
enum spool_answer hand_order(struct batch *batch, enum spool_order order);

/* Waits for the next answer. */
struct batch *hand_take(enum spool_answer *answer);

/* Waits for the next batch that is read back from the lane's log, or a topic's. */
struct batch *hand_read(void);
struct batch *hand_read_topic(uint16_t topic);

/* Waits until `done` says so; and 1 ms, in which the spool's thread looks for work whatever the clock says. */
void hand_wait(int (*done)(void));
void hand_pause(void);
