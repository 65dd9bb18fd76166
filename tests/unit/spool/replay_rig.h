/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The spool of hand.h, and what is read back from it: batches of one record of one event, of any size up to 256 KiB. */

#include "hand.h"

#define RIG_HOUR 5 /* of all batches */

/* For cmocka. After setup: batches of 64 KiB, 4 MiB to read back, groups of 5 ms. */
int rig_setup(void **state);
int rig_teardown(void **state);

/* Starts a spool of hand.config, which finds what the one before it has left. */
void rig_begin(void);

/* Leaves a batch of `bytes` bytes to the log of the lane, or to the topic's. Returns when the disk has it. */
void rig_leave(uint16_t topic, uint32_t bytes);
void rig_park(uint16_t topic, uint32_t bytes);

/* So many entries may be read back at one time. */
void rig_allow_lane(unsigned entries);
void rig_allow_topic(uint16_t topic, unsigned entries);

/* The next batch that is read back: of `topic`, `bytes` long. Its owner settles it. */
struct batch *rig_read(uint16_t topic, uint32_t bytes);
void rig_settle(struct batch *batch);

/* Changes a byte of entry `number`, in the first file of the lane's log: of its payload, while no spool is there; or the first one,
 * so that nothing of it can be told. */
void rig_damage_payload(unsigned number);
void rig_damage_header(unsigned number);

/* Appends an entry to the lane's log as no batch is, while no spool is there. */
void rig_forge(uint32_t records, uint32_t events, uint32_t pack);

/* For hand_wait: nothing is left on disk; and the spool holds up no landing hour. */
int rig_is_read_out(void);
int rig_hours_are_complete(void);

/* While it is set, there is no memory for pools and the like. Milliseconds that clock_ms is ahead of what it says. */
extern int rig_no_memory;
extern int64_t rig_ahead_ms;
