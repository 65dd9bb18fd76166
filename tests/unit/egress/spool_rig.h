/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A rig (rig.h) whose producer has a spool, in a directory of the test's own, and a mock of Kafka with the topics t0 and t1. */

#include "../kafka/mock.h"
#include "rig.h"

struct spool_rig {
	struct mock *mock;
	struct rig *rig;
	struct spool_config spool; /* for the next spool_rig_begin, which fills in what belongs to the rig */
	int write_first, bury_forbidden;
	unsigned drain_seconds;
	unsigned stuck_ms;
	unsigned topics; /* t0, t1 ...; 0: two */
	const struct egress_ops *egress; /* in the place of Kafka's client; NULL: that */
	char directory[64];
};

extern struct spool_rig spool_rig;

/* For cmocka. After setup: direct, 64 MiB, segments of 64 KiB, a drain of 1 s. */
int spool_rig_setup(void **state);
int spool_rig_teardown(void **state);

/* Starts a producer, which finds what the one before it has left; and ends it, as rig_stop judges. */
void spool_rig_begin(void);
void spool_rig_end(void);

const struct spool_counters *spool_rig_counts(void);

/* Events that only its logs hold; and, for rig_wait, whether these are half of what was sent. */
uint64_t spool_rig_on_disk(void);
int spool_rig_has_left(struct rig *rig);

/* For rig_wait: whether the producer's thread has looked at Kafka's being there, and whether it knows that it is away. */
int spool_rig_is_there(struct rig *rig);
int spool_rig_is_away(struct rig *rig);

/* For rig_wait: whether the spool holds up no landing hour. */
int spool_rig_hours_are_complete(struct rig *rig);

/* The sum of the events that the record of losses tells of this kind; all of them are of the class. */
uint64_t spool_rig_recorded(const char *what, const char *class);
