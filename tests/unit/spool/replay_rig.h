/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A spool with the producer's part played by hand: a lane, the topics t0 to t7, and a directory of the test's own. Batches hold
 * one record of one event. What is waited for and does not come fails the test after 20 s. */

#include "spool/spool.h"

#define HAND_HOUR 5 /* of all batches */

struct hand {
	struct spool_config config; /* for the next hand_begin */
	struct spool *spool;
	uint64_t sent; /* batches; of each, the first byte says which it is */
	char directory[64];
};

extern struct hand hand;

/* For cmocka. After setup: batches of 64 KiB, 4 MiB to read back, segments of 64 KiB, 64 MiB. */
int hand_setup(void **state);
int hand_teardown(void **state);

/* Starts a spool, which finds what the one before it has left; and ends it. */
void hand_begin(void);
void hand_end(void);

/* Leaves a batch of `bytes` bytes to the log of the lane, or to the topic's. Returns when the disk has it. */
void hand_leave(uint16_t topic, uint32_t bytes);
void hand_park(uint16_t topic, uint32_t bytes);

/* So many entries may be read back at one time. */
void hand_allow_lane(unsigned entries);
void hand_allow_topic(uint16_t topic, unsigned entries);

/* The next batch that is read back: of `topic`, `bytes` long. Its owner settles it. */
struct batch *hand_read(uint16_t topic, uint32_t bytes);
void hand_settle(struct batch *batch);

/* Changes a byte of entry `number`, in the first file of the lane's log: of its payload, while no spool is there; or the first one,
 * so that nothing of it can be told. */
void hand_damage_payload(unsigned number);
void hand_damage_header(unsigned number);

/* Appends an entry to the lane's log as no batch is, while no spool is there. */
void hand_forge(uint32_t records, uint32_t events, uint32_t pack);

/* Waits until `done` says so. */
void hand_wait(int (*done)(void));
/* For hand_wait: nothing is left on disk; and the spool holds up no landing hour. */
int hand_is_read_out(void);
int hand_hours_are_complete(void);

/* While it is set, there is no memory for pools and the like. Milliseconds that clock_ms is ahead of what it says. */
extern int hand_no_memory;
extern int64_t hand_ahead_ms;
